// Whether to look again and again for events before sleeping, as far as the past can tell.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hio/help/timing.hpp"

namespace hio::net::posix {

// To spin for nothing costs the whole spin, and answers come in soon or they do not: each spin in a
// row that failed has twice as many of the next waits do without, and the first that paid has none.
// Who has been busy for more than half of the time is better off asleep: there will be more
// to do at once.
class SpinPace {
 public:
  static constexpr std::uint32_t MostWithout = 63;

  explicit SpinPace(help::nanoseconds spin) noexcept : most_(2 * spin) {}

  // Asked once for each wait, at its begin.
  bool spins(help::nanoseconds now) noexcept {
    follow(busy_, help::between(changedAt_, now));
    changedAt_ = now;
    if (busy_ > waiting_) return false;
    if (left_ == 0) return true;
    --left_;
    return false;
  }
  void paid() noexcept { without_ = 0; }
  void failed() noexcept { left_ = without_ = std::min(2 * without_ + 1, MostWithout); }
  // The wait is over.
  void waited(help::nanoseconds now) noexcept {
    follow(waiting_, help::between(changedAt_, now));
    changedAt_ = now;
  }

 private:
  // An average of about the last thirty-two; none counts for more than `most_`.
  void follow(help::nanoseconds& average, help::nanoseconds last) const noexcept {
    average += (std::min(last, most_) - average) / 32;
  }

  help::nanoseconds most_;
  help::nanoseconds busy_{0};  // between two waits
  help::nanoseconds waiting_ = most_;
  help::nanoseconds changedAt_{0};
  std::uint32_t without_ = 0;
  std::uint32_t left_ = 0;
};

}  // namespace hio::net::posix
