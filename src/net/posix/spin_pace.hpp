// Whether a wait should spin (ask the kernel again and again) before it sleeps.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hio::net::posix {

// After n fruitless spins in a row the next 2^n - 1 waits, at most 63, do not spin; a fruitful spin
// resets n.
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
