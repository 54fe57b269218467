#include "channel.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common.hpp"

namespace bench {

Channel::Channel(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {
  const int yes = 1;
  must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "TCP_NODELAY");
  if (ssl != nullptr) SSL_set_fd(ssl, fd);
}

Channel& Channel::operator=(Channel&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ssl_, other.ssl_);
  return *this;
}

void Channel::close() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  SSL_free(std::exchange(ssl_, nullptr));
  if (fd_ != -1) ::close(std::exchange(fd_, -1));
}

long Channel::outcome(int result) {
  const int kind = SSL_get_error(ssl_, result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return Blocked;
  ERR_clear_error();
  return Ended;
}

bool Channel::shake() {
  if (ssl_ == nullptr) return true;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return true;
  if (outcome(result) == Ended) die("handshake failed");
  return false;
}

long Channel::read(std::span<char> room) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_read(ssl_, room.data(), static_cast<int>(room.size()));
    return result > 0 ? result : outcome(result);
  }
  const ssize_t count = recv(fd_, room.data(), room.size(), 0);
  return count >= 0 ? count : errno == EAGAIN ? Blocked : Ended;
}

long Channel::write(std::string_view bytes) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    return result > 0 ? result : outcome(result);
  }
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return count >= 0 ? count : errno == EAGAIN ? Blocked : Ended;
}

std::span<char> readRoom() {
  alignas(4096) static std::array<char, std::size_t(256) * 1024> room;
  return room;
}

std::string_view endlessBytes() {
  alignas(4096) static const std::array<char, std::size_t(1024) * 1024> bytes{};
  return {bytes.data(), bytes.size()};
}

}  // namespace bench
