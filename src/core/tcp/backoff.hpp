// Draws the pauses between attempts.
#pragma once

#include <cstdint>

#include "hio/core/tcp/retry.hpp"

namespace hio::core::tcp {

class Backoff {
 public:
  Backoff(base::Tyme first, base::Tyme most, std::uint64_t seed) noexcept
      : first_(first), most_(most), ceiling_(first), state_(seed) {}

  // The next pause; the one after it may be twice as long.
  base::Tyme next() noexcept;
  // Short pauses again.
  void reset() noexcept { ceiling_ = first_; }

 private:
  base::Tyme first_;
  base::Tyme most_;
  base::Tyme ceiling_;
  std::uint64_t state_;
};

}  // namespace hio::core::tcp
