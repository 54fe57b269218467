// When a program has to be serviced.
#pragma once

#include "hio/base/pacer.hpp"
#include "hio/base/waker.hpp"

namespace hio::swarm {

// As a Doist decides it of a doer that is driven: when it was woken, or at the moment that it named
// at the end of its last turn.
class Turn final : public base::Wakeable {
 public:
  bool isDue(base::Tyme now) const noexcept { return woken_ || now >= due_; }
  base::Tyme due(base::Tyme now) const noexcept { return woken_ ? now : due_; }

  void begin() noexcept {
    woken_ = false;
    isOn_ = true;
  }
  void end(base::Tyme due) noexcept {
    isOn_ = false;
    due_ = due;
  }
  void wake() noexcept override { woken_ = true; }
  void wakeAfterVisit() noexcept override {
    if (!isOn_) wake();
  }

 private:
  bool woken_ = true;
  bool isOn_ = false;
  base::Tyme due_ = base::Forever;
};

}  // namespace hio::swarm
