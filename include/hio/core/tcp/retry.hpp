// When a client tries again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "hio/base/tyming.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/export.hpp"
#include "hio/net/net.hpp"

namespace hio::core::tcp {

// False for a failure that only this side can mend, such as a name that cannot exist.
HIO_EXPORT bool isRetryable(const Failure& failure) noexcept;

// The pause after the nth failed attempt in a row is drawn evenly from 0 to
// firstPause * 2^(n-1), at most maxPause, so that clients that lost one server do not come back at
// the same moment. What looks hopeless, such as a refused certificate, is tried again after
// maxPause/2 to maxPause. Without a time there are no pauses: each service() makes an attempt.
struct RetryOptions {
  // Raise for servers that need long to come up. 0: no pauses at all, an attempt for each
  // service().
  base::Tyme firstPause = std::chrono::milliseconds(100);
  base::Tyme maxPause = std::chrono::seconds(30);
  // A connection that lasted this long makes the pauses short again and forgets failed attempts.
  base::Tyme stableAfter = std::chrono::seconds(10);
  // Give up after so many failed attempts in a row, or after so long without success; 0: never.
  std::uint64_t attempts = 0;
  base::Tyme giveUpAfter{0};
  // Of the generator that draws the pauses; empty: one from the network seam, which is
  // unpredictable on the real network and repeatable in a simulation.
  std::optional<std::uint64_t> seed{};
  // Asked after each failure; false stops the client. Called inside service(); must not touch the
  // client. What it throws counts as false, and failure() tells it.
  bool (*retryable)(const Failure&) = &isRetryable;

  bool operator==(const RetryOptions&) const = default;
};

// Draws a client's pauses.
class HIO_EXPORT Backoff {
 public:
  explicit Backoff(const RetryOptions& options);

  const RetryOptions& options() const noexcept;
  // The next pause; the one after it may be twice as long.
  base::Tyme next(net::Net& net);
  // A pause of the longest kind; 0 where pauses are off.
  base::Tyme slowest(net::Net& net);
  // Short pauses again.
  void reset() noexcept;

 private:
  std::uint64_t& state(net::Net& net);

  std::unique_ptr<const RetryOptions> given_;  // null: the defaults
  base::Tyme ceiling_;
  std::optional<std::uint64_t> state_;
};

}  // namespace hio::core::tcp
