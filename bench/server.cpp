// The far side of all contenders. Usage: server ca=FILE
// Writes the certificate of its CA to FILE, prints its first port (see protocol.hpp) as a line and
// serves until its standard input ends.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "channel.hpp"
#include "common.hpp"
#include "hio/certificates.hpp"
#include "protocol.hpp"
#include "tls.hpp"

namespace bench {
namespace {

// What an event of the epoll is about.
class Watched {
 public:
  virtual ~Watched() = default;
  // False: it is over, and to be destroyed.
  virtual bool ready() = 0;
};

class Loop {
 public:
  // Edge-triggered.
  void add(int fd, Watched* watched) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = watched;
    must(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "watch");
  }
  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count =
          must(epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1), "wait");
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
        auto* const watched = static_cast<Watched*>(event.data.ptr);
        if (!watched->ready()) delete watched;
      }
    }
  }

 private:
  const int epoll_ = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
};

// Answers a bell's connection when its time has come.
class Bell final : public Watched {
 public:
  Bell(Loop& loop, Channel& channel, std::uint64_t milliseconds) : channel_(channel) {
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(milliseconds / 1000);
    when.it_value.tv_nsec = static_cast<long>(milliseconds % 1000) * 1'000'000 + 1;
    must(timerfd_settime(fd_, 0, &when, nullptr), "set a timer");
    loop.add(fd_, this);
  }
  ~Bell() override { close(fd_); }
  bool ready() override {
    std::uint64_t times = 0;
    if (::read(fd_, &times, sizeof times) > 0) channel_.write(endlessBytes().substr(0, 1));
    return true;  // until its connection ends
  }

 private:
  Channel& channel_;
  const int fd_ = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "make a timer");
};

class Peer final : public Watched {
 public:
  Peer(Loop& loop, Channel channel, Mode mode)
      : loop_(loop), channel_(std::move(channel)), mode_(mode) {}

  // Room for sending, or bytes, or both: everything is tried until it blocks.
  bool ready() override {
    if (!shaken_ && !(shaken_ = channel_.shake())) return true;
    if (!flush()) return true;
    for (;;) {
      const long count = channel_.read(readRoom());
      if (count == Channel::Blocked) return true;
      if (count == Channel::Ended) return false;
      if (!take({readRoom().data(), static_cast<std::size_t>(count)})) return true;
    }
  }

 private:
  // Both are false when sending is blocked: nothing is to be read before there is room.
  bool take(std::string_view bytes) {
    if (mode_ == Mode::echo) {
      const long count = channel_.write(bytes);
      if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
      pending_ = bytes;
      return flush();
    }
    if (headed_ < header_.size()) {
      const std::size_t more = std::min(header_.size() - headed_, bytes.size());
      bytes.copy(header_.data() + headed_, more);
      headed_ += more;
      bytes.remove_prefix(more);
      if (headed_ < header_.size()) return true;
      left_ = numberOf(header_);
      if (mode_ == Mode::bell) bell_ = std::make_unique<Bell>(loop_, channel_, left_);
    }
    if (mode_ == Mode::discard) {
      left_ -= bytes.size();
      if (left_ == 0) channel_.write(endlessBytes().substr(0, 1));
    }
    return flush();
  }
  bool flush() {
    while (!pending_.empty()) {
      const long count = channel_.write(pending_);
      if (count <= 0) return false;
      pending_.erase(0, static_cast<std::size_t>(count));
    }
    while (mode_ == Mode::generate && left_ > 0) {
      const long count = channel_.write(
          endlessBytes().substr(0, std::min<std::uint64_t>(left_, endlessBytes().size())));
      if (count <= 0) return false;
      left_ -= static_cast<std::uint64_t>(count);
    }
    return true;
  }

  Loop& loop_;
  Channel channel_;
  const Mode mode_;
  bool shaken_ = false;
  std::string pending_;
  Header header_{};
  std::size_t headed_ = 0;
  std::uint64_t left_ = 0;
  std::unique_ptr<Bell> bell_;
};

class Listener final : public Watched {
 public:
  Listener(Loop& loop, int fd, Mode mode, SSL_CTX* context)
      : loop_(loop), fd_(fd), mode_(mode), context_(context) {
    loop.add(fd, this);
  }
  bool ready() override {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && errno == EAGAIN) return true;
      must(fd, "accept");
      SSL* const ssl = context_ != nullptr ? SSL_new(context_) : nullptr;
      if (ssl != nullptr) SSL_set_accept_state(ssl);
      auto peer = std::make_unique<Peer>(loop_, Channel(fd, ssl), mode_);
      loop_.add(fd, peer.release());
    }
  }

 private:
  Loop& loop_;
  const int fd_;
  const Mode mode_;
  SSL_CTX* const context_;
};

class StandardInput final : public Watched {
 public:
  bool ready() override {
    char some = 0;
    if (::read(STDIN_FILENO, &some, 1) <= 0) _exit(0);
    return true;
  }
};

// Listens on `port` of every loopback address; -1 when somebody else does.
int listenOn(int port) {
  const int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int yes = 1;
  must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "SO_REUSEADDR");
  must(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof "lo"), "SO_BINDTODEVICE");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      listen(fd, 4096) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

// As many ports in a row as there are modes, twice.
std::vector<int> listenInARow(int& first) {
  for (first = 20'000; first < 32'000; first += 2 * Modes) {
    std::vector<int> fds;
    while (fds.size() < 2 * Modes) {
      const int fd = listenOn(first + static_cast<int>(fds.size()));
      if (fd == -1) break;
      fds.push_back(fd);
    }
    if (fds.size() == 2 * Modes) return fds;
    for (const int fd : fds) close(fd);
  }
  die("no ports to listen on");
}

[[noreturn]] void serve(const Options& options) {
  raiseDescriptors();
  const hio::tool::Authority authority("benchmark");
  std::ofstream(options.text("ca")) << authority.certificate();
  const auto own = authority.issue({ServerName});
  SSL_CTX* const context = serverContext(own.key, own.certificate);
  Loop loop;
  int first = 0;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const int fd : listenInARow(first)) {
    const int number = static_cast<int>(listeners.size());
    listeners.push_back(std::make_unique<Listener>(loop, fd, static_cast<Mode>(number % Modes),
                                                   number < Modes ? nullptr : context));
  }
  StandardInput input;
  loop.add(STDIN_FILENO, &input);
  std::printf("%d\n", first);
  std::fflush(stdout);
  loop.run();
}

}  // namespace
}  // namespace bench

int main(int count, char** arguments) { bench::serve(bench::Options(count, arguments, 1)); }
