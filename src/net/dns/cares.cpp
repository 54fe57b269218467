#include <ares.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "hio/net/poller.hpp"
#include "net/dns/answers.hpp"
#include "net/dns/resolver.hpp"
#include "net/posix/descriptor.hpp"

namespace hio::net::dns {
namespace {

std::error_code errorOf(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
      return ResolveError::notFound;
    case ARES_ENODATA:
      return ResolveError::noAddress;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
      return ResolveError::tryAgain;
    case ARES_EBADNAME:
      return ResolveError::badName;
    case ARES_ENOMEM:
      return std::make_error_code(std::errc::not_enough_memory);
    default:
      return ResolveError::refused;
  }
}

// A channel of its own for each lookup: the configuration is read anew, and nothing is shared.
class DnsLookup final : public Lookup, private ReadinessHandler {
 public:
  DnsLookup(std::string name, const std::string& servers)
      : name_(std::move(name)), servers_(servers) {}

  IoResult poll(std::vector<Ip>& found) override {
    // c-ares 1.18 answers a question about a number only when it is destroyed.
    if (const auto ip = Ip::parse(name_)) {
      found.push_back(*ip);
      return IoResult::done(1);
    }
    if (const std::error_code code = ask()) return IoResult::failed(code);
    turn();
    if (!status_) {
      const std::error_code code = watchAll();
      return code ? IoResult::failed(code) : IoResult::blocked(IoResult::On::read);
    }
    if (*status_ == ARES_ECONNREFUSED && noSocket_) return IoResult::failed(noSocket_);
    if (*status_ != ARES_SUCCESS) return IoResult::failed(errorOf(*status_));
    return addressesOf(answer_->nodes, found);
  }

  bool attach(Poller* poller, base::Waker waker) override {
    waker_ = std::move(waker);
    if (poller != poller_.get()) watched_.clear();
    poller_ = poller;
    return poller != nullptr && (!channel_ || !watchAll());
  }

 private:
  struct Watched {
    int fd;
    Registration watch;
  };

  void ready(Readiness) noexcept override { waker_.wake(); }

  // Sends the question, once.
  std::error_code ask() {
    if (channel_) return {};
    if (!canBeName(name_)) return ResolveError::badName;
    ares_channel channel = nullptr;
    if (const int status = ares_init(&channel); status != ARES_SUCCESS) return errorOf(status);
    channel_.reset(channel);
    ares_set_socket_functions(channel, &Sockets, this);
    if (!servers_.empty()) {
      const int status = ares_set_servers_ports_csv(channel, servers_.c_str());
      if (status != ARES_SUCCESS) {
        status_ = status;
        return {};
      }
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel, name_.c_str(), nullptr, &hints, answered, this);
    return {};
  }

  static void answered(void* self, int status, int /*timeouts*/, ares_addrinfo* answer) noexcept {
    auto& lookup = *static_cast<DnsLookup*>(self);
    lookup.status_ = status;
    lookup.answer_.reset(answer);
  }

  // Takes what has arrived, all of it, as a poller tells of it only once.
  void turn() noexcept {
    constexpr int MostRounds = 16;
    moved_ = true;
    for (int round = 0; moved_ && !status_; ++round) {
      if (round == MostRounds) return waker_.wake();
      moved_ = false;
      for (const int fd : sockets()) ares_process_fd(channel_.get(), fd, fd);
    }
    // Whose answer is overdue.
    if (!status_) ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }

  std::error_code watchAll() {
    Poller* const poller = poller_.get();
    if (poller == nullptr) return {};
    for (const int fd : sockets()) {
      const auto isIt = [fd](const Watched& each) { return each.fd == fd; };
      if (std::any_of(watched_.begin(), watched_.end(), isIt)) continue;
      std::error_code code;
      watched_.push_back({fd, poller->watch(fd, *this, code)});
      if (code) return code;
    }
    return {};
  }

  std::span<const int> sockets() noexcept {
    const int which = ares_getsock(channel_.get(), open_.data(), static_cast<int>(open_.size()));
    std::size_t count = 0;
    while (count < open_.size() && (which & (1 << count)) != 0) ++count;
    return std::span(open_).first(count);
  }

  // c-ares's own would set the flags of a socket after its birth, and send with SIGPIPE.
  static ares_socket_t makeSocket(int family, int type, int protocol, void* self) noexcept {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) static_cast<DnsLookup*>(self)->noSocket_ = posix::lastError();
    return fd;
  }
  static int closeSocket(ares_socket_t fd, void* self) noexcept {
    auto& watched = static_cast<DnsLookup*>(self)->watched_;
    const auto it = std::find_if(watched.begin(), watched.end(),
                                 [fd](const Watched& each) { return each.fd == fd; });
    if (it != watched.end()) {
      it->watch.resetClosing();
      watched.erase(it);
    }
    return ::close(fd);
  }
  static int connectSocket(ares_socket_t fd, const sockaddr* to, ares_socklen_t size,
                           void* /*self*/) noexcept {
    return ::connect(fd, to, size);
  }
  static ares_ssize_t receive(ares_socket_t fd, void* room, std::size_t size, int flags,
                              sockaddr* from, ares_socklen_t* fromSize, void* self) noexcept {
    const ssize_t count = ::recvfrom(fd, room, size, flags, from, fromSize);
    if (count > 0) static_cast<DnsLookup*>(self)->moved_ = true;
    return count;
  }
  static ares_ssize_t send(ares_socket_t fd, const iovec* pieces, int count,
                           void* /*self*/) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  }
  static constexpr ares_socket_functions Sockets = {makeSocket, closeSocket, connectSocket, receive,
                                                    send};

  std::string name_;
  std::string servers_;
  PollerRef poller_;
  base::Waker waker_;
  std::vector<Watched> watched_;
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> open_{};
  std::optional<int> status_;
  std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> answer_{nullptr, ares_freeaddrinfo};
  std::error_code noSocket_;
  bool moved_ = false;
  // Last, as its end calls back.
  std::unique_ptr<std::remove_pointer_t<ares_channel>, decltype(&ares_destroy)> channel_{
      nullptr, ares_destroy};
};

}  // namespace

DnsResolver::DnsResolver(std::string servers) : servers_(std::move(servers)) {}

std::unique_ptr<Lookup> DnsResolver::lookup(std::string name) {
  return std::make_unique<DnsLookup>(std::move(name), servers_);
}

}  // namespace hio::net::dns
