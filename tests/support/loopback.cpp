#include "support/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace hio::test {
namespace {

void must(bool ok, const char* what) {
  if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

bool turnUntil(const std::function<bool()>& done, const std::function<void()>& step) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    step();
    if (!done()) ::poll(nullptr, 0, 1);
  }
  return true;
}

std::size_t openDescriptors() {
  const std::filesystem::directory_iterator each("/proc/self/fd");
  // The folder itself is open while it is read.
  return static_cast<std::size_t>(std::distance(begin(each), end(each))) - 1;
}

DescriptorShortage::DescriptorShortage(int spare) {
  rlimit now{};
  must(::getrlimit(RLIMIT_NOFILE, &now) == 0, "getrlimit");
  before_ = now.rlim_cur;
  next_ = ::dup(0);
  ::close(next_);
  this->spare(spare);
}

DescriptorShortage::~DescriptorShortage() {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = before_;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

void DescriptorShortage::spare(int count) const {
  rlimit limit{};
  must(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = static_cast<rlim_t>(next_ + count);
  must(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

RawListener::RawListener(int backlog, bool v6, std::uint16_t port)
    : fd_(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  must(fd_ >= 0, "socket");
  sockaddr_storage storage{};
  socklen_t length = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (v6) {
    auto* address = reinterpret_cast<sockaddr_in6*>(&storage);
    address->sin6_family = AF_INET6;
    address->sin6_addr = in6addr_loopback;
    address->sin6_port = htons(port);
  } else {
    auto* address = reinterpret_cast<sockaddr_in*>(&storage);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons(port);
  }
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::bind(fd_, address, length) != 0) {
    const std::system_error error(errno, std::generic_category(), "bind");
    close();
    throw error;
  }
  must(::listen(fd_, backlog) == 0, "listen");
  must(::getsockname(fd_, address, &length) == 0, "getsockname");
  port_ = ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                   : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

RawListener::~RawListener() { close(); }

bool RawListener::waiting() const {
  pollfd it{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&it, 1, 0) == 1;
}

int RawListener::accept() const {
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  must(fd >= 0, "accept");
  return fd;
}

void RawListener::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawPeer::send(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    must(count > 0, "send");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void RawPeer::sendUrgent(std::string_view text) const {
  const ssize_t count = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_OOB);
  must(count == static_cast<ssize_t>(text.size()), "send");
}

std::string RawPeer::receive(std::size_t count) const {
  std::string text(count, '\0');
  must(::recv(fd_, text.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count), "recv");
  return text;
}

std::string RawPeer::receiveAll() const {
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    must(count >= 0, "recv");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void RawPeer::shutdownSend() const { must(::shutdown(fd_, SHUT_WR) == 0, "shutdown"); }

void RawPeer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawPeer::reset() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  must(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort) == 0, "linger");
  close();
}

std::uint16_t closedPort() {
  // Bound and never listening: nobody else gets it while this process lives.
  static const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  static const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  must(bound && ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0, "bind");
  return ntohs(address.sin_port);
}

}  // namespace hio::test
