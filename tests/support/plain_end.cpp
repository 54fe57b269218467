#include "support/plain_end.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace hio::test {
namespace {

void shut(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

}  // namespace

PlainEnd::~PlainEnd() {
  close();
  release();
}

void PlainEnd::close() {
  if (out_ == in_) out_ = -1;
  shut(in_);
  shut(out_);
}

StandardStreams PlainEnd::streams() {
  close();
  release();
  unsent_.clear();
  got.clear();
  sent_ = 0;
  ending_ = ended_ = false;
  // A program that is gone must not take the test along.
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> to{};
  std::array<int, 2> from{};
  // A socket, for programs that do not see the end of a pipe (tstclnt).
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to.data()) != 0 ||
      ::pipe2(from.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair, pipe2");
  }
  for (const int fd : {from[0], to[1]}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  in_ = from[0];
  out_ = to[1];
  theirs_ = {.in = to[0], .out = from[1]};
  return theirs_;
}

void PlainEnd::release() {
  shut(theirs_.in);
  shut(theirs_.out);
}

void PlainEnd::connection(int fd) {
  close();
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  in_ = out_ = fd;
  ending_ = ended_ = false;
}

void PlainEnd::turn() {
  std::array<char, 65536> buffer;
  while (in_ >= 0 && !ended_) {
    const ssize_t count = ::read(in_, buffer.data(), buffer.size());
    if (count < 0 && errno == EAGAIN) break;
    ended_ = count <= 0;
    ending_ = ending_ || (ended_ && echoes);
    if (count <= 0) break;
    got.append(buffer.data(), static_cast<std::size_t>(count));
    if (echoes) unsent_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  while (out_ >= 0 && sent_ < unsent_.size()) {
    const ssize_t count = ::write(out_, unsent_.data() + sent_, unsent_.size() - sent_);
    if (count <= 0) break;
    sent_ += static_cast<std::size_t>(count);
  }
  if (out_ < 0 || !ending_ || sent_ < unsent_.size()) return;
  if (out_ == in_) {
    ::shutdown(std::exchange(out_, -1), SHUT_WR);
  } else {
    shut(out_);
  }
}

}  // namespace hio::test
