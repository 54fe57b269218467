// How a doer is told that there is something to do.
#pragma once

#include <memory>
#include <utility>

namespace hio::base {

class Wakeable {
 public:
  virtual ~Wakeable() = default;
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;

  // Takes little time, allocates nothing and calls no code of others, so it is safe at any moment.
  virtual void wake() noexcept = 0;
  // Like wake(), but during the doer's own visit it only makes Doer::due() be asked at its end.
  virtual void wakeAfterVisit() noexcept { wake(); }

 protected:
  Wakeable() = default;
};

// Wakes a doer: it is visited in this cycle if it is still to come, otherwise in the next one. A
// doer is still to come if it was added before the cycle began, and after the one being visited.
// Copies wake the same doer and may outlive it. To be used on the doer's thread only; other threads
// use Doist::post().
class Waker {
 public:
  Waker() noexcept = default;  // wakes nobody
  explicit Waker(std::shared_ptr<Wakeable> woken) noexcept : woken_(std::move(woken)) {}

  void wake() const noexcept {
    if (woken_) woken_->wake();
  }
  // As Wakeable's.
  void wakeAfterVisit() const noexcept {
    if (woken_) woken_->wakeAfterVisit();
  }
  explicit operator bool() const noexcept { return woken_ != nullptr; }

 private:
  std::shared_ptr<Wakeable> woken_;
};

}  // namespace hio::base
