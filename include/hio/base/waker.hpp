// Who is to be told that there is something to do.
#pragma once

#include <memory>
#include <utility>

namespace hio::base {

class Wakeable {
 public:
  virtual ~Wakeable() = default;
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;

  // Constant time, no allocation, and no call of anybody else's code: so it is safe at any moment.
  virtual void wake() noexcept = 0;
  // wake(), but for what a visit that is under way may yet see to itself.
  virtual void wakeAfterVisit() noexcept { wake(); }

 protected:
  Wakeable() = default;
};

// Wakes one of them, such as a doer: it will be visited in the next cycle, or in this one if it is
// still to come. Copies wake the same one; they may outlive what it stands for. From the thread of
// the one that is woken only.
class Waker {
 public:
  Waker() noexcept = default;  // wakes nobody
  explicit Waker(std::shared_ptr<Wakeable> woken) noexcept : woken_(std::move(woken)) {}

  void wake() const noexcept {
    if (woken_) woken_->wake();
  }
  // The same, but a doer that is being visited is asked in the end when it is due: Doer::due().
  void wakeAfterVisit() const noexcept {
    if (woken_) woken_->wakeAfterVisit();
  }
  explicit operator bool() const noexcept { return woken_ != nullptr; }

 private:
  std::shared_ptr<Wakeable> woken_;
};

}  // namespace hio::base
