// Which descriptors can make progress, told edge-triggered: once, when that changes.
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

// Told of one descriptor's readiness. Must not call the poller.
class ReadinessHandler {
 public:
  virtual void ready(Readiness readiness) noexcept = 0;

 protected:
  ~ReadinessHandler() = default;
};

// A descriptor that is being watched; ends with the object. Must not outlive its poller.
class HIO_EXPORT Registration {
 public:
  Registration() noexcept = default;
  Registration(Registration&& other) noexcept
      : poller_(std::exchange(other.poller_, nullptr)), handle_(other.handle_), fd_(other.fd_) {}
  Registration& operator=(Registration&& other) noexcept;
  ~Registration() { reset(); }

  void reset() noexcept;
  // The same for a descriptor that is about to be closed, which is cheaper.
  void resetClosing() noexcept;
  explicit operator bool() const noexcept { return poller_ != nullptr; }

 private:
  friend class Poller;
  Registration(Poller& poller, std::uint64_t handle, int fd) noexcept
      : poller_(&poller), handle_(handle), fd_(fd) {}

  Poller* poller_ = nullptr;
  std::uint64_t handle_ = 0;
  int fd_ = -1;
};

// Waits for many descriptors at once. Belongs to one thread, but for wake().
class HIO_EXPORT Poller {
 public:
  virtual ~Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Tells `watcher`, in wait(), each time that the descriptor becomes ready; the first time if it
  // is ready now. Use the descriptor until it blocks: only then is there a next time. Empty, and
  // `code` set, when the kernel cannot watch it.
  virtual Registration watch(int fd, ReadinessHandler& watcher, std::error_code& code) = 0;
  // Waits until something is ready, wake() is called, or `atMost` has passed (empty: without end;
  // below 0: as 0), and tells the watchers. The count is that of the watchers told; failed when the
  // poller cannot wait.
  virtual IoResult wait(std::optional<base::Tyme> atMost) = 0;
  // A stream has brought many bytes at once: there will be more while the program sleeps, so the
  // next wait() need not hurry.
  virtual void bulk() noexcept {}
  // Ends a wait(), or the next one. The one call for other threads, and for signal handlers.
  virtual void wake() noexcept = 0;

 protected:
  Poller() = default;
  Registration made(std::uint64_t handle, int fd) noexcept { return {*this, handle, fd}; }

 private:
  friend class Registration;
  // `fd` is -1 when it need not be taken out.
  virtual void forget(std::uint64_t handle, int fd) noexcept = 0;
};

struct PollerOptions {
  // How long wait() looks again and again before it sleeps, as long as that pays and nothing comes
  // in bulk: to sleep and be woken takes longer than many an answer. 0 where other work waits for
  // the processor.
  base::Tyme spin = std::chrono::microseconds(50);
};

// The kernel's (epoll). Throws std::system_error when there is none to be had.
HIO_EXPORT std::unique_ptr<Poller> systemPoller(PollerOptions options = {});

// Lets a Doist follow real time and sleep in a poller until something is ready or due.
class HIO_EXPORT PollerPacer final : public base::RealPacer {
 public:
  // Both have to outlive the idler.
  explicit PollerPacer(Poller& poller, help::Clock& clock = help::steadyClock()) noexcept
      : RealPacer(clock), poller_(poller) {}

 protected:
  // Throws std::system_error when the poller cannot wait.
  void wait(std::optional<base::Tyme> atMost) override;

 private:
  Poller& poller_;
};

}  // namespace hio::net
