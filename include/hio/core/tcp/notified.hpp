// A stream, listener or lookup together with whether it notifies its owner's waker.
#pragma once

#include <memory>
#include <utility>

#include "hio/base/waker.hpp"
#include "hio/net/poller.hpp"

namespace hio::core::tcp {

// Whom readiness is told to, and by which poller. Without a poller nobody is told; one that is
// destroyed counts as none.
struct PollerBinding {
  net::PollerRef poller{};
  base::Waker waker{};
};

// Owns a net::Stream, net::Listener or net::Lookup.
template <class T>
class Notified {
 public:
  Notified() noexcept = default;

  // Takes `it`, null included, and binds it.
  void reset(std::unique_ptr<T> it, const PollerBinding& binding) {
    it_ = std::move(it);
    notifies_ = false;
    // A new one knows no poller yet.
    if (binding.poller) bind(binding);
  }
  void reset() noexcept {
    it_.reset();
    notifies_ = false;
  }
  // From now on it notifies the binding's waker, or nobody when the binding has no poller.
  void bind(const PollerBinding& binding) {
    notifies_ = it_ != nullptr && it_->attach(binding.poller.get(), binding.waker);
  }
  // The caller's from now on. It notifies the old waker until the caller attaches it anew.
  std::unique_ptr<T> release() noexcept {
    notifies_ = false;
    return std::move(it_);
  }

  // It is there and calls the waker; false: it has to be asked now and then, or there is none.
  bool notifies() const noexcept { return notifies_; }
  explicit operator bool() const noexcept { return it_ != nullptr; }
  T* get() const noexcept { return it_.get(); }
  T& operator*() const noexcept { return *it_; }
  T* operator->() const noexcept { return it_.get(); }

 private:
  std::unique_ptr<T> it_;
  bool notifies_ = false;
};

}  // namespace hio::core::tcp
