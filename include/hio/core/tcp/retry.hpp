// When a reconnectable client tries again.
#pragma once

#include <cstdint>
#include <optional>

#include "hio/base/tyming.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

// False for a failure that no retry can mend, such as a name that cannot exist.
HIO_EXPORT bool isRetryable(const Failure& failure) noexcept;

// The pause before attempt n is drawn evenly from 0 to firstPause * 2^(n-1), at most maxPause, so
// that clients that lost one server do not come back at the same moment.
struct RetryOptions {
  // Raise for servers that need long to come up; 0: no pauses at all.
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
  // Decides, from the failure alone, whether to go on. Must not touch the client.
  bool (*retryable)(const Failure&) = &isRetryable;
};

}  // namespace hio::core::tcp
