// Owns a file descriptor and closes it exactly once.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace hio::net::posix {

inline std::error_code lastError() noexcept { return {errno, std::system_category()}; }

class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Repeats a call that a signal interrupted, a bounded number of times; then EINTR stands.
template <class Call>
auto uninterrupted(Call call) noexcept {
  auto result = call();
  for (int tries = 0; result < 0 && errno == EINTR && tries < 64; ++tries) result = call();
  return result;
}

}  // namespace hio::net::posix
