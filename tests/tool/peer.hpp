// The far side of the tool's tests: plain sockets on free loopback ports, which misbehave at will.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tool/child.hpp"

namespace hio::tool_test {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int fd() const { return fd_; }
  bool readable() const { return ready(POLLIN, 0); }
  bool ready(short events, int milliseconds) const {
    pollfd polled{fd_, events, 0};
    return ::poll(&polled, 1, milliseconds) == 1;
  }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void shutdownSend() const { ::shutdown(fd_, SHUT_WR); }

  void send(std::string_view bytes) const {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("a test's peer cannot send");
    }
  }
  // Adds what has come; true at the end of the stream, or when the connection is lost.
  bool receive(std::string& to) const {
    std::array<char, 65536> room{};
    while (readable()) {
      const ssize_t count = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
      if (count == 0 || (count < 0 && errno != EAGAIN)) return true;
      if (count > 0) to.append(room.data(), static_cast<std::size_t>(count));
    }
    return false;
  }

 private:
  int fd_ = -1;
};

// Listens on a free port of 127.0.0.1, or on the one given.
class Listener {
 public:
  explicit Listener(std::uint16_t port = 0, int backlog = 16)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    if (::bind(socket_.fd(), generic(&address), size) != 0 ||
        ::listen(socket_.fd(), backlog) != 0 ||
        ::getsockname(socket_.fd(), generic(&address), &size) != 0) {
      throw std::runtime_error("a test's peer cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }

  std::uint16_t port() const { return port_; }
  std::string portText() const { return std::to_string(port_); }
  void close() { socket_.close(); }

  // The next connection, while the child is served; an empty socket when none comes.
  Socket accept(Child& child) {
    if (!child.until([this] { return socket_.readable(); })) return {};
    return Socket(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  // Connects until the kernel answers no more: the queue of what nobody accepts is full.
  std::vector<Socket> fill() const {
    std::vector<Socket> waiting;
    do {
      waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const sockaddr_in address = loopback(port_);
      (void)::connect(waiting.back().fd(), generic(&address), sizeof address);
    } while (waiting.back().ready(POLLOUT, 300) && waiting.size() < 64);
    return waiting;
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static sockaddr* generic(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }
  static const sockaddr* generic(const sockaddr_in* address) {
    return reinterpret_cast<const sockaddr*>(address);
  }

  Socket socket_;
  std::uint16_t port_ = 0;
};

// A port on which nobody listens, as of now.
inline std::string closedPort() { return Listener().portText(); }

}  // namespace hio::tool_test
