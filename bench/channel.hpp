// A nonblocking socket, plain or under bare OpenSSL: for the server and the hand-made client.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace bench {

class Channel {
 public:
  static constexpr long Blocked = -1;
  static constexpr long Ended = 0;

  Channel() = default;
  // Both become the channel's; `ssl` may be null.
  Channel(int fd, SSL* ssl);
  Channel(Channel&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), ssl_(std::exchange(other.ssl_, nullptr)) {}
  Channel& operator=(Channel&& other) noexcept;
  ~Channel() { close(); }

  int fd() const { return fd_; }
  bool tls() const { return ssl_ != nullptr; }
  // One step; true when done, which it is at once without TLS.
  bool shake();
  // How many bytes were moved, Blocked, or Ended (also by an error, if it is a server's).
  long read(std::span<char> room);
  long write(std::string_view bytes);
  void close();

 private:
  long outcome(int result);

  int fd_ = -1;
  SSL* ssl_ = nullptr;
};

// The room of one read(): shared by all channels of a process, as no content is kept.
std::span<char> readRoom();
// Endless bytes to send.
std::string_view endlessBytes();

}  // namespace bench
