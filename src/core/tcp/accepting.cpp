// The part of serving.hpp that listens and accepts.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/tcp/due.hpp"
#include "help/probe.hpp"
#include "hio/core/tcp/serving.hpp"

namespace hio::core::tcp {
namespace {

net::Ip listenable(const std::string& host) {
  if (const auto ip = settleHost(host)) return *ip;
  throw std::invalid_argument("host is '" + host +
                              "'; a server listens on a number, \"localhost\" or \"\"");
}

// The same address as a client on this machine reaches it.
Address reachable(net::Ip ip, std::uint16_t port) {
  if (ip.isAny()) {
    const bool v4 = ip.family == net::Family::v4;
    ip.octets[v4 ? 0 : 15] = v4 ? 127 : 1;
    if (v4) ip.octets[3] = 1;
  }
  return {ip.text(), port};
}

}  // namespace

Acceptor::Acceptor(AcceptorOptions options)
    : Tymee(options.tymth),
      options_(std::move(options)),
      net_(options_.net != nullptr ? options_.net : &net::systemNet()),
      ip_(listenable(options_.ha.host)),
      ha_(options_.ha),
      eha_(reachable(ip_, options_.ha.port)) {
  if (options_.bs == 0) throw std::invalid_argument("bs is 0; it is at least 1 byte");
  if (options_.bl < 1) {
    throw std::invalid_argument("bl is " + std::to_string(options_.bl) + "; it is at least 1");
  }
}

Acceptor::~Acceptor() = default;

net::BufferSizes Acceptor::actualBufSizes() const {
  return listener_ ? listener_->bufferSizes() : net::BufferSizes{};
}

void Acceptor::attach(net::Poller* poller, base::Waker waker) {
  binding_ = {poller, std::move(waker)};
  listener_.bind(binding_);
  wake();
}

bool Acceptor::notifies() const noexcept {
  return binding_.poller && (!listener_ || listener_.notifies());
}

bool Acceptor::open() {
  shouldListen_ = true;
  if (tymth()) askedAt_ = tyme();
  wake();
  return listen();
}

bool Acceptor::listen() {
  listener_.reset();
  failure_.reset();
  acceptLacksMemory_ = false;
  auto made = net_->listen({.ip = ip_, .port = ha_.port},
                           {.backlog = options_.bl,
                            .stream = {.buffers = {.send = options_.bs, .receive = options_.bs},
                                       .noDelay = options_.noDelay,
                                       .keepAlive = options_.keepAlive}});
  if (!made.it) {
    HIO_PROBE("acceptor.listen.failed");
    failure_.emplace(Stage::listen, Address(ip_.text(), ha_.port), made.code);
    return false;
  }
  listener_.reset(std::move(made.it), binding_);
  ha_ = Address(listener_->local());
  eha_ = reachable(listener_->local().ip, ha_.port);
  return true;
}

// The port was taken, say; it may be free by now.
void Acceptor::listenAgain() {
  if (tymth()) {
    help::Deadline pause(ListenPause, askedAt_);
    // A clock that was set back would make the pause too long.
    if (pause.elapsed(tyme()) >= Tyme(0) && !pause.expired(tyme())) return;
    askedAt_ = tyme();
  }
  HIO_PROBE("acceptor.listen.again");
  (void)listen();
}

bool Acceptor::reopen() {
  close();
  return open();
}

void Acceptor::close() {
  shouldListen_ = mayHaveMore_ = false;
  listener_.reset();
  axes_.clear();
}

net::Listener::Accepted Acceptor::acceptOne() {
  auto accepted = listener_->accept();
  acceptLacksMemory_ = accepted.result.lacksMemory();
  if (accepted.result.isError()) {
    HIO_PROBE("acceptor.accept.failed");
    failure_.emplace(Stage::accept, ha_, accepted.result.code());
  } else {
    failure_.reset();
  }
  return accepted;
}

std::optional<Tyme> Acceptor::acceptDue() const {
  if (!shouldListen_) return std::nullopt;
  const Tyme since = std::min(askedAt_, tyme());
  if (!listener_) return help::saturatingAdd(since, ListenPause);
  if (!failure_ && !acceptLacksMemory_) return std::nullopt;
  return help::saturatingAdd(since, LackPause);
}

std::optional<Acceptor::Incoming> Acceptor::accept() {
  if (!listener_) throw std::logic_error("accept: the server is closed; open it first");
  auto accepted = acceptOne();
  if (failure_) throw std::system_error(failure_->code(), failure_->message());
  if (!accepted.stream) return std::nullopt;
  Address ca(accepted.stream->peer());
  return Incoming{std::move(accepted.stream), std::move(ca)};
}

void Acceptor::serviceAccepts(std::size_t most) {
  if (!listener_ && shouldListen_) listenAgain();
  mayHaveMore_ = static_cast<bool>(listener_);
  if (!listener_ || most == 0) return;
  if (tymth()) askedAt_ = tyme();
  for (std::size_t count = 0; count < most; ++count) {
    auto accepted = acceptOne();
    if (!accepted.stream) {
      mayHaveMore_ = false;
      return;
    }
    Address ca(accepted.stream->peer());
    axes_.push_back({std::move(accepted.stream), std::move(ca)});
  }
}

}  // namespace hio::core::tcp
