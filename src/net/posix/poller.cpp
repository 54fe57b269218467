#include "hio/net/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "hio/help/timing.hpp"
#include "net/posix/descriptor.hpp"
#include "net/posix/fork.hpp"
#include "net/posix/spin_pace.hpp"

namespace hio::net {
namespace {

using base::Tyme;
using posix::Descriptor;
using posix::lastError;
using posix::SpinPace;

// Its table of handlers gives each registration a number of its own, so that an event of a
// descriptor that was closed meanwhile, or lives on in a child process, reaches nobody.
class Epoll final : public Poller {
 public:
  explicit Epoll(const PollerOptions& options)
      : spin_(options.spin),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        waker_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!epoll_ || !waker_) throw std::system_error(lastError(), "make a poller");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = WakerHandle}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, waker_.get(), &event) != 0) {
      throw std::system_error(lastError(), "make a poller");
    }
  }

  ~Epoll() override {
    end();
    // Nobody else will tell them.
    for (const Entry& entry : entries_) {
      if (entry.watcher != nullptr) entry.watcher->ready({.readable = true, .writable = true});
    }
  }

  Registration watch(int fd, ReadinessHandler& watcher, std::error_code& code) override {
    if (birthplace_.isChild()) {
      code = std::make_error_code(std::errc::operation_not_permitted);
      return {};
    }
    const std::uint32_t index = take(code);
    if (code) return {};
    Entry& entry = entries_[index];
    const std::uint64_t handle = std::uint64_t(entry.generation) << 32U | index;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
                      .data = {.u64 = handle}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      code = lastError();
      free_.push_back(index);
      return {};
    }
    entry.watcher = &watcher;
    return made(handle, fd);
  }

  IoResult wait(std::optional<Tyme> atMost) override {
    if (birthplace_.isChild()) {
      return IoResult::failed(std::make_error_code(std::errc::operation_not_permitted));
    }
    if (atMost) atMost = std::max(*atMost, Tyme(0));
    const bool waits = !atMost || *atMost > Tyme(0);
    const bool hurries = waits && !std::exchange(inBulk_, false);
    const int count = hurries && spin_ > Tyme(0) && pace_.spins() ? spin(atMost) : look(atMost);
    if (count < 0) {
      const std::error_code code = lastError();
      return code == std::errc::interrupted ? IoResult::done() : IoResult::failed(code);
    }
    std::size_t told = tell(static_cast<std::size_t>(count));
    // A foreign loop may watch fd() edge-triggered: it has to be drained.
    for (int more = count, rounds = 0; more == Room && rounds < 64; ++rounds) {
      more = look(Tyme(0));
      if (more > 0) told += tell(static_cast<std::size_t>(more));
    }
    return IoResult::done(told);
  }

  int fd() const noexcept override { return epoll_.get(); }

  void bulk() noexcept override { inBulk_ = true; }

  void wake() noexcept override {
    if (birthplace_.isChild()) return;
    const int before = errno;
    const std::uint64_t one = 1;
    // It fails only when enough wakes are waiting already.
    (void)!::write(waker_.get(), &one, sizeof one);
    errno = before;
  }

 private:
  static constexpr int Room = 256;
  static constexpr std::uint64_t WakerHandle = ~std::uint64_t(0);

  struct Entry {
    ReadinessHandler* watcher = nullptr;
    std::uint32_t generation = 0;
  };

  void forget(std::uint64_t handle, int fd) noexcept override {
    const auto index = static_cast<std::uint32_t>(handle);
    Entry& entry = entries_[index];
    entry.watcher = nullptr;
    ++entry.generation;
    free_.push_back(index);  // there is room: take() saw to it
    // A child shares the kernel's table with its parent.
    if (fd >= 0 && !birthplace_.isChild()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  std::uint32_t take(std::error_code& code) noexcept {
    if (free_.empty()) {
      try {
        entries_.emplace_back();
        free_.reserve(entries_.capacity());
        free_.push_back(static_cast<std::uint32_t>(entries_.size() - 1));
      } catch (const std::bad_alloc&) {
        code = std::make_error_code(std::errc::not_enough_memory);
        return 0;
      }
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }

  int look(std::optional<Tyme> atMost) noexcept {
#ifdef HIO_HAVE_EPOLL_PWAIT2
    if (fine_) {
      constexpr std::int64_t Second = 1'000'000'000;
      timespec limit{};
      if (atMost) limit = {atMost->count() / Second, atMost->count() % Second};
      const int count =
          ::epoll_pwait2(epoll_.get(), events_.data(), Room, atMost ? &limit : nullptr, nullptr);
      if (count >= 0 || errno != ENOSYS) return count;
      fine_ = false;
    }
#endif
    // A kernel older than 5.11, or a C library older than 2.35: to the millisecond.
    constexpr std::int64_t Most = 60'000;
    const int most =
        atMost ? static_cast<int>(std::min(Most, (atMost->count() + 999'999) / 1'000'000)) : -1;
    return ::epoll_wait(epoll_.get(), events_.data(), Room, most);
  }

  // Looks again and again for a while, then sleeps.
  int spin(std::optional<Tyme> atMost) noexcept {
    const Tyme most = std::min(spin_, atMost.value_or(spin_));
    const Tyme until = help::saturatingAdd(help::SteadyClock::now(), most);
    do {
      const int count = look(Tyme(0));
      if (count != 0) {
        pace_.paid();
        return count;
      }
    } while (help::SteadyClock::now() < until);
    pace_.failed();
    return look(atMost ? std::optional(*atMost - most) : std::nullopt);
  }

  std::size_t tell(std::size_t count) noexcept {
    std::size_t told = 0;
    for (const epoll_event& event : std::span(events_).first(count)) {
      if (event.data.u64 == WakerHandle) {
        std::uint64_t wakes = 0;
        (void)!::read(waker_.get(), &wakes, sizeof wakes);
        continue;
      }
      const Entry& entry = entries_[static_cast<std::uint32_t>(event.data.u64)];
      if (entry.watcher == nullptr || entry.generation != event.data.u64 >> 32U) continue;
      const bool ending = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
      const bool failed = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
      entry.watcher->ready({.readable = (event.events & EPOLLIN) != 0 || ending,
                            .writable = (event.events & EPOLLOUT) != 0 || failed,
                            .ending = ending,
                            .urgent = (event.events & EPOLLPRI) != 0});
      ++told;
    }
    return told;
  }

  posix::Birthplace birthplace_;
  Tyme spin_;
  SpinPace pace_;
  bool inBulk_ = false;  // since the last wait that could have slept
#ifdef HIO_HAVE_EPOLL_PWAIT2
  bool fine_ = true;  // the kernel waits by the nanosecond
#endif
  Descriptor epoll_;
  Descriptor waker_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::array<epoll_event, Room> events_;
};

}  // namespace

std::unique_ptr<Poller> systemPoller(PollerOptions options) {
  return std::make_unique<Epoll>(options);
}

}  // namespace hio::net
