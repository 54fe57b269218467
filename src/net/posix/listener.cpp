#include "net/posix/listener.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "net/posix/sockaddr.hpp"
#include "net/posix/socket.hpp"
#include "net/posix/stream.hpp"

namespace hio::net::posix {
namespace {

// accept(2) hands on what went wrong with one connection; the next one may be well.
bool concernsOnlyThatConnection(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EPERM:
    case EINTR:
      return true;
    default:
      return false;
  }
}

constexpr int MostPassedOver = 64;

}  // namespace

Listener::Accepted SocketListener::accept() {
  if (!readiness_.readable()) return {IoResult::blocked(IoResult::On::read)};
  for (int passed = 0; passed < MostPassedOver; ++passed) {
    SockAddr peer;
    Descriptor fd(::accept4(fd_.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    std::error_code code;
    if (!fd) {
      code = lastError();
      if (concernsOnlyThatConnection(code.value())) continue;
      if (code.value() == EAGAIN) return {readiness_.blocked(fd_.get(), IoResult::On::read)};
      return {IoResult::of(code, IoResult::On::read)};
    }
    applyOptions(fd.get(), options_, code);
    const auto local = localOf(fd.get(), code);
    if (!local) continue;
    return {IoResult::done(),
            std::make_unique<SocketStream>(std::move(fd), *local, peer.endpoint())};
  }
  return {IoResult::lacking(IoResult::On::read)};
}

bool SocketListener::attach(Poller* poller, base::Waker waker) {
  readiness_.attach(poller, std::move(waker));
  return poller != nullptr;
}

BufferSizes SocketListener::bufferSizes() const { return bufferSizesOf(fd_.get()); }

Opened<Listener> listenOn(const Endpoint& local, const ListenOptions& options) {
  std::error_code code;
  Descriptor fd = openSocket(local.ip.family, code);
  if (!fd) return {nullptr, code};
  setOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, code);
  // "::" is every address of both families, whatever the system's default (net.ipv6.bindv6only).
  if (local.ip.family == Family::v6 && local.ip.isAny()) {
    setOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0, code);
  }
  // Accepted sockets inherit the buffer sizes, which the kernel uses from the first packet on.
  applyOptions(fd.get(), {.buffers = options.stream.buffers, .noDelay = false}, code);
  if (code) return {nullptr, code};
  const SockAddr address(local);
  if (::bind(fd.get(), address.get(), address.length) != 0 ||
      ::listen(fd.get(), options.backlog) != 0) {
    return {nullptr, lastError()};
  }
  const auto bound = localOf(fd.get(), code);
  if (!bound) return {nullptr, code};
  return {std::make_unique<SocketListener>(std::move(fd), *bound,
                                           StreamOptions{.buffers = {},
                                                         .noDelay = options.stream.noDelay,
                                                         .keepAlive = options.stream.keepAlive}),
          {}};
}

}  // namespace hio::net::posix
