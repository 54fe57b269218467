// What is known of one socket's readiness.
#pragma once

#include <utility>

#include "hio/net/poller.hpp"

namespace hio::net::posix {

// Registers at the first call that is blocked, once. Without a poller, or when that is no more,
// every call is worth trying.
class ReadinessCache final : public ReadinessHandler {
 public:
  ~ReadinessCache() { watch_.resetClosing(); }

  void attach(Poller* poller, base::Waker waker) noexcept {
    waker_ = std::move(waker);
    if (poller == poller_.get()) return;
    watch_.reset();
    poller_ = poller;
    readable_ = writable_ = true;
  }

  bool attached() const noexcept { return static_cast<bool>(poller_); }
  bool readable() const noexcept { return readable_ || !attached(); }
  bool writable() const noexcept { return writable_ || !attached(); }

  // The kernel says that a call would block.
  IoResult blocked(int fd, IoResult::On on) {
    Poller* const poller = poller_.get();
    if (poller == nullptr) return IoResult::blocked(on);
    (on == IoResult::On::read ? readable_ : writable_) = false;
    if (on == IoResult::On::read) urgent_ = false;
    if (watch_) return IoResult::blocked(on);
    std::error_code code;
    watch_ = poller->watch(fd, *this, code);
    return code ? IoResult::failed(code) : IoResult::blocked(on);
  }
  // A socket that is still connecting has nothing to be read until the poller says so.
  IoResult connecting(int fd) {
    connected_ = false;
    if (attached()) readable_ = false;
    return blocked(fd, IoResult::On::write);
  }
  // The poller has told of room for sending and of no failure: the socket has connected since.
  bool connected() const noexcept { return connected_; }
  // A transfer was short, so the next one would block. Exceptions: the socket is not registered yet
  // (nobody would tell); the end of the stream, which has to be read; urgent data, which ends a
  // read early.
  void spent(IoResult::On on) noexcept {
    if (!watch_) return;
    if (on == IoResult::On::write) {
      writable_ = false;
    } else if (!ending_ && !urgent_) {
      readable_ = false;
    }
  }

  // So many bytes have been received at once.
  void received(std::size_t count) noexcept {
    constexpr std::size_t Bulk = std::size_t(16) * 1024;
    if (count < Bulk) return;
    if (Poller* const poller = poller_.get()) poller->bulk();
  }

  // The socket has failed: what it has received is to be asked of the kernel, told or not.
  void failed() noexcept { readable_ = ending_ = true; }

  void ready(Readiness readiness) noexcept override {
    readable_ = readable_ || readiness.readable;
    writable_ = writable_ || readiness.writable;
    ending_ = ending_ || readiness.ending;
    urgent_ = urgent_ || readiness.urgent;
    connected_ = writable_ && !ending_;
    waker_.wake();
  }

 private:
  PollerRef poller_;
  base::Waker waker_;
  Registration watch_;
  bool readable_ = true;
  bool writable_ = true;
  bool ending_ = false;
  bool urgent_ = false;
  bool connected_ = false;
};

}  // namespace hio::net::posix
