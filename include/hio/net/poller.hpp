// Readiness of descriptors, edge-triggered: a handler is called once for each change.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "hio/base/pacer.hpp"
#include "hio/export.hpp"
#include "hio/net/stream.hpp"

namespace hio::net {

struct Readiness {
  bool readable = false;
  bool writable = false;
  bool ending = false;  // the far side has ended, or the descriptor has failed
  bool urgent = false;  // there is urgent data: a read may end before it
};

// Is told the readiness of one descriptor. Must not call the poller.
class ReadinessHandler {
 public:
  virtual void ready(Readiness readiness) noexcept = 0;

 protected:
  ~ReadinessHandler() = default;
};

class Poller;

// Refers to a poller and knows when that is destroyed. Belongs to the poller's thread.
class PollerRef {
 public:
  PollerRef() noexcept = default;
  HIO_EXPORT PollerRef(Poller* poller) noexcept;  // NOLINT: taken where a pointer was

  // Null: none, or no longer.
  Poller* get() const noexcept { return poller_ ? *poller_ : nullptr; }
  explicit operator bool() const noexcept { return get() != nullptr; }

 private:
  std::shared_ptr<Poller* const> poller_;
};

// A descriptor that a poller watches, until the object ends or the poller does.
class HIO_EXPORT Registration {
 public:
  Registration() noexcept = default;
  Registration(Registration&& other) noexcept
      : poller_(std::exchange(other.poller_, {})), handle_(other.handle_), fd_(other.fd_) {}
  Registration& operator=(Registration&& other) noexcept;
  ~Registration() { reset(); }

  void reset() noexcept;
  // The same for a descriptor that is about to be closed, which is cheaper.
  void resetClosing() noexcept;
  // Whether it is watched.
  explicit operator bool() const noexcept { return static_cast<bool>(poller_); }

 private:
  friend class Poller;
  Registration(Poller& poller, std::uint64_t handle, int fd) noexcept
      : poller_(&poller), handle_(handle), fd_(fd) {}

  PollerRef poller_;
  std::uint64_t handle_ = 0;
  int fd_ = -1;
};

// Waits for many descriptors at once. Belongs to one thread, but for wake().
// It may be destroyed before what uses it: registrations then end, and each handler is told once
// that its descriptor is ready. Streams, listeners and lookups then do as without a poller.
// In a child made by fork() only destroying it, or exec, is allowed. Watching and waiting fail
// there with operation_not_permitted, and the parent's poller is left alone.
class HIO_EXPORT Poller {
 public:
  virtual ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Calls `handler`, in wait(), each time that the descriptor becomes ready, and for the first time
  // if it is ready now. It is edge-triggered: use the descriptor until it blocks, only then is
  // there a next time. Empty, and `code` set, when the kernel cannot watch it.
  virtual Registration watch(int fd, ReadinessHandler& handler, std::error_code& code) = 0;
  // Waits until something is ready, wake() is called, or `atMost` has passed (empty: without end;
  // below 0: as 0), and calls the handlers. The count is the number of handlers called. Fails when
  // the poller cannot wait.
  virtual IoResult wait(std::optional<base::Tyme> atMost) = 0;
  // A descriptor for a foreign loop, which is readable (level-triggered) while wait(0) has
  // something to do: a descriptor has become ready, or wake() was called. It can be watched itself,
  // by epoll, poll, select, kqueue and whatever is built on them (Asio, libuv, GLib). Nothing but
  // wait() may read from it. One descriptor for the poller's life, which stays the poller's; -1
  // where there is none, as in a simulation.
  virtual int fd() const noexcept { return -1; }
  // A hint: a large read happened, so the next wait() need not spin.
  virtual void bulk() noexcept {}
  // Ends a wait(), or the next one. For all threads, and for signal handlers: it keeps errno.
  virtual void wake() noexcept = 0;

 protected:
  Poller() = default;
  Registration made(std::uint64_t handle, int fd) noexcept { return {*this, handle, fd}; }
  // For the destructor of one whose own part ends first: registrations and references end now.
  void end() noexcept;

 private:
  friend class PollerRef;
  friend class Registration;
  // `fd` is -1 when it need not be taken out.
  virtual void forget(std::uint64_t handle, int fd) noexcept = 0;

  std::shared_ptr<Poller*> self_ = std::make_shared<Poller*>(this);
};

struct PollerOptions {
  // How long wait() asks the kernel again and again (spins) before it sleeps, while spinning has
  // paid and no large reads come in: to sleep and be woken takes longer than many an answer.
  // Choose 0 where other work waits for the processor.
  base::Tyme spin = std::chrono::microseconds(50);
};

// The kernel's (epoll). Throws std::system_error when it cannot be made.
HIO_EXPORT std::unique_ptr<Poller> systemPoller(PollerOptions options = {});

// Lets a Doist follow real time and sleep in a poller until something is ready or due.
class HIO_EXPORT PollerPacer final : public base::RealPacer {
 public:
  // Both have to outlive the pacer.
  explicit PollerPacer(Poller& poller, help::Clock& clock = help::steadyClock()) noexcept
      : RealPacer(clock), poller_(poller) {}

  void wake() noexcept override { poller_.wake(); }

 protected:
  // Throws std::system_error when the poller cannot wait.
  void wait(std::optional<base::Tyme> atMost) override;

 private:
  Poller& poller_;
};

}  // namespace hio::net
