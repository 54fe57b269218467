// Whether to look again and again for events before sleeping, as far as the past can tell.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hio::net::posix {

// To spin for nothing costs the whole spin, and answers come in soon or they do not: each spin in a
// row that failed has twice as many of the next waits do without, and the first that paid has none.
class SpinPace {
 public:
  static constexpr std::uint32_t MostWithout = 63;

  // Asked once for each wait.
  bool spins() noexcept {
    if (left_ == 0) return true;
    --left_;
    return false;
  }
  void paid() noexcept { without_ = 0; }
  void failed() noexcept { left_ = without_ = std::min(2 * without_ + 1, MostWithout); }

 private:
  std::uint32_t without_ = 0;
  std::uint32_t left_ = 0;
};

}  // namespace hio::net::posix
