// How a reconnectable client tries again, and the pauses in between.
#pragma once

#include <cstdint>

#include "hio/core/tcp/retry.hpp"

namespace hio::core::tcp {

class Backoff {
 public:
  Backoff(const RetryOptions& options, std::uint64_t seed) noexcept
      : options_(options), ceiling_(options.firstPause), state_(seed) {}

  const RetryOptions& options() const noexcept { return options_; }
  // The next pause; the one after it may be twice as long.
  base::Tyme next() noexcept;
  // Short pauses again.
  void reset() noexcept { ceiling_ = options_.firstPause; }

 private:
  RetryOptions options_;
  base::Tyme ceiling_;
  std::uint64_t state_;
};

}  // namespace hio::core::tcp
