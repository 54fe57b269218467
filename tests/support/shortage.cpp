#include "support/shortage.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace hio::test {
namespace {

bool takes(int& count, int error) noexcept {
  if (count == 0) return false;
  --count;
  errno = error;
  return true;
}

}  // namespace

Shortage& shortage() {
  static thread_local Shortage now;
  return now;
}

}  // namespace hio::test

// In place of the C library's.
extern "C" {

ssize_t recv(int fd, void* room, std::size_t size, int flags) {
  if (hio::test::takes(hio::test::shortage().receives, ENOMEM)) return -1;
  return ::recvfrom(fd, room, size, flags, nullptr, nullptr);
}

ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  if (hio::test::takes(hio::test::shortage().sends, ENOBUFS)) return -1;
  return ::sendto(fd, bytes, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (hio::test::takes(hio::test::shortage().sends, ENOBUFS)) return -1;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}

int accept4(int fd, sockaddr* peer, socklen_t* length, int flags) {
  if (hio::test::takes(hio::test::shortage().accepts, EMFILE)) return -1;
  return static_cast<int>(::syscall(SYS_accept4, fd, peer, length, flags));
}
}
