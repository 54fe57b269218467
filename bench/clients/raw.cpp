// By hand: edge-triggered epoll, each descriptor registered once, no call that is known to block;
// with TLS bare OpenSSL on the descriptor. What the others are compared with.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "channel.hpp"
#include "contender.hpp"
#include "tls.hpp"

namespace bench {
namespace {

class Raw;

class RawWire final : public Wire {
 public:
  explicit RawWire(Raw& raw) : raw_(raw) {}

  void connect(Session& session, const Target& target, int epoll, SSL_CTX* context);
  void ready(std::uint32_t events);
  void send(std::string_view bytes) override {
    rest_ = bytes;
    if (!sending_) flush();
  }
  void close() override;

 private:
  void approach();
  void flush();
  void drain(bool ending);

  enum class State { connecting, shaking, open };

  Raw& raw_;
  Session* session_ = nullptr;
  Channel channel_;
  std::string_view rest_;
  State state_ = State::connecting;
  bool sending_ = false;
  unsigned uses_ = 0;
};

class Raw final : public Contender {
 public:
  explicit Raw(const Options& options) : context_(clientContext(options)) {}

  void connect(Session& session, const Target& target) override {
    if (free_.empty()) {
      wires_.push_back(std::make_unique<RawWire>(*this));
      free_.push_back(wires_.back().get());
    }
    RawWire* const wire = free_.back();
    free_.pop_back();
    wire->connect(session, target, epoll_, context_);
  }
  void run() override {
    std::array<epoll_event, 256> events;
    while (!stopped_) {
      const int count =
          must(epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1), "wait");
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
        static_cast<RawWire*>(event.data.ptr)->ready(event.events);
      }
    }
  }
  void stop() override { stopped_ = true; }
  void free(RawWire& wire) { free_.push_back(&wire); }

 private:
  SSL_CTX* const context_;
  const int epoll_ = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::vector<std::unique_ptr<RawWire>> wires_;
  std::vector<RawWire*> free_;
  bool stopped_ = false;
};

void RawWire::connect(Session& session, const Target& target, int epoll, SSL_CTX* context) {
  session_ = &session;
  state_ = State::connecting;
  const int fd =
      must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "make a socket");
  SSL* const ssl = context != nullptr ? SSL_new(context) : nullptr;
  if (ssl != nullptr) prepareClient(ssl);
  channel_ = Channel(fd, ssl);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  inet_pton(AF_INET, target.host.c_str(), &address.sin_addr);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    die("connect");
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "watch");
}

void RawWire::ready(std::uint32_t events) {
  if (state_ != State::open) {
    approach();
    if (state_ != State::open) return;
  }
  const unsigned use = uses_;
  if ((events & EPOLLOUT) != 0 && !rest_.empty()) flush();
  if (use == uses_ && (events & EPOLLIN) != 0) drain((events & EPOLLRDHUP) != 0);
}

void RawWire::approach() {
  if (state_ == State::connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    must(getsockopt(channel_.fd(), SOL_SOCKET, SO_ERROR, &error, &size), "connect");
    errno = error;
    if (error != 0) die("connect");
    state_ = State::shaking;
  }
  if (!channel_.shake()) return;
  state_ = State::open;
  session_->opened(*this);
}

void RawWire::flush() {
  sending_ = true;
  while (!rest_.empty()) {
    const long count = channel_.write(rest_);
    if (count == Channel::Blocked) break;
    if (count == Channel::Ended) die("send");
    rest_.remove_prefix(static_cast<std::size_t>(count));
    if (rest_.empty()) session_->sent(*this);
  }
  sending_ = false;
}

// A plain read that was not filled needs no other one to learn that there is no more.
void RawWire::drain(bool ending) {
  const unsigned use = uses_;
  long count = 0;
  do {
    count = channel_.read(readRoom());
    if (count == Channel::Blocked) return;
    if (count == Channel::Ended) die("receive");
    session_->received(*this, static_cast<std::size_t>(count));
  } while (use == uses_ && (channel_.tls() || ending || count == std::ssize(readRoom())));
}

void RawWire::close() {
  ++uses_;
  rest_ = {};
  channel_.close();
  raw_.free(*this);
}

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  return std::make_unique<Raw>(options);
}

}  // namespace bench
