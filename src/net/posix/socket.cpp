#include "net/posix/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/posix/sockaddr.hpp"

namespace hio::net::posix {
namespace {

std::size_t bufferSize(int fd, int name) noexcept {
  int size = 0;
  socklen_t length = sizeof size;
  return ::getsockopt(fd, SOL_SOCKET, name, &size, &length) == 0 ? static_cast<std::size_t>(size)
                                                                 : 0;
}

// Linux reports twice what was set (contract B2).
void raiseBuffer(int fd, int name, std::size_t had, std::size_t wanted,
                 std::error_code& code) noexcept {
  if (had >= 2 * wanted) return;
  constexpr std::size_t Most = 1U << 30U;
  setOption(fd, SOL_SOCKET, name, static_cast<int>(wanted < Most ? wanted : Most), code);
}

template <class Ask>
std::optional<Endpoint> endpointOf(Ask ask, std::error_code& code) noexcept {
  SockAddr address;
  if (ask(address.get(), &address.length) == 0) return address.endpoint();
  code = lastError();
  return std::nullopt;
}

}  // namespace

Descriptor openSocket(Family family, std::error_code& code) noexcept {
  Descriptor fd(::socket(family == Family::v4 ? AF_INET : AF_INET6,
                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) code = lastError();
  return fd;
}

void setOption(int fd, int level, int name, int value, std::error_code& code) noexcept {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) code = lastError();
}

void applyOptions(int fd, const StreamOptions& options, std::error_code& code) noexcept {
  applyOptions(fd, options, options.buffers == BufferSizes{} ? BufferSizes{} : bufferSizesOf(fd),
               code);
}

void applyOptions(int fd, const StreamOptions& options, const BufferSizes& had,
                  std::error_code& code) noexcept {
  raiseBuffer(fd, SO_SNDBUF, had.send, options.buffers.send, code);
  raiseBuffer(fd, SO_RCVBUF, had.receive, options.buffers.receive, code);
  if (options.noDelay) setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1, code);
  if (options.keepAlive) setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1, code);
}

BufferSizes bufferSizesOf(int fd) noexcept {
  return {.send = bufferSize(fd, SO_SNDBUF), .receive = bufferSize(fd, SO_RCVBUF)};
}

std::optional<Endpoint> localOf(int fd, std::error_code& code) noexcept {
  return endpointOf([fd](sockaddr* to, socklen_t* size) { return ::getsockname(fd, to, size); },
                    code);
}

std::optional<Endpoint> peerOf(int fd, std::error_code& code) noexcept {
  return endpointOf([fd](sockaddr* to, socklen_t* size) { return ::getpeername(fd, to, size); },
                    code);
}

}  // namespace hio::net::posix
