// What the tool asks of the operating system: its standard streams, files, signals and poll(2).
// All system calls of the tool are here.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "hio/net/poller.hpp"

namespace hio::tool {

// Descriptors 0 to 2 exist and SIGPIPE is ignored: a socket must never be taken for standard
// output, and a reader that has gone is an error like any other. Called once, before anything else.
void prepareProcess() noexcept;

bool isTerminal(int fd) noexcept;

// Ends a TCP connection with a reset instead of an orderly end; its descriptor stays.
void resetConnection(int fd) noexcept;

// A descriptor and its owner.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

// SIGINT and SIGTERM as something to ask for and to wait for. The second one ends the program at
// once: so a person gets out of a name lookup that hangs. One object at a time.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool asked() const noexcept;
  // Readable when asked.
  int fd() const noexcept { return read_.get(); }

 private:
  Descriptor read_;
  Descriptor write_;
};

// What to wait for in one turn of a loop: the poller of the clients and servers, and descriptors of
// the tool's own. Outlives those that are attached to the poller; the descriptors outlive it.
class Waiter {
 public:
  Waiter() : poller_(net::systemPoller({.spin = std::chrono::nanoseconds(0)})) {}

  net::Poller& poller() const noexcept { return *poller_; }
  void clear() noexcept { polled_.clear(); }
  // Nothing for a descriptor of -1, or when neither is wanted: errors alone must not wake the loop.
  void add(int fd, bool read, bool write);
  // Waits until one is ready, the poller has told of something, or the time has passed; empty: as
  // long as it takes.
  void wait(std::optional<std::chrono::nanoseconds> most);
  // Whether the descriptor was ready when wait() came back.
  bool ready(int fd) const noexcept;

 private:
  // Ends a wait; what is ready is asked of poll(2).
  struct Ignored final : net::ReadinessHandler {
    void ready(net::Readiness /*readiness*/) noexcept override {}
  };
  void look() noexcept;

  std::unique_ptr<net::Poller> poller_;
  Ignored ignored_;
  std::map<int, net::Registration> watched_;
  std::vector<pollfd> polled_;
};

// Bytes to be sent: standard input, or a file that the user names.
class Input {
 public:
  Input() noexcept;
  // Throws Problem for what cannot be read.
  explicit Input(const std::string& path);

  struct Got {
    std::size_t count = 0;
    bool ended = false;
    std::error_code error{};
  };
  // One read. Waits unless the descriptor is ready.
  Got read(std::span<std::byte> room) noexcept;
  // The same at a position; files only.
  Got readAt(std::uint64_t offset, std::span<std::byte> room) const noexcept;

  int fd() const noexcept { return fd_; }
  bool isTerminal() const noexcept { return terminal_; }
  // How many bytes a regular file has left; empty for anything else.
  const std::optional<std::uint64_t>& size() const noexcept { return size_; }

 private:
  void look() noexcept;

  Descriptor owned_;
  int fd_;
  bool terminal_ = false;
  std::optional<std::uint64_t> size_;
};

// Standard output, which may be slow or go away.
class Output {
 public:
  Output() noexcept;

  struct Put {
    std::size_t count = 0;
    bool gone = false;  // nobody reads any more
    std::error_code error{};
  };
  // Writes as much as there is room for; never waits.
  Put write(std::span<const std::byte> bytes) noexcept;
  int fd() const noexcept;

 private:
  std::size_t piece_;  // bytes that one write takes without waiting
};

// Makes the file hold this text, for everybody to read, and never through a symbolic link. Throws
// Problem.
void writeFile(const std::string& path, std::string_view text);

// A file that is only ever added to, made with mode 0600 and never through a symbolic link.
class AppendFile {
 public:
  // Throws Problem when it cannot be opened.
  explicit AppendFile(const std::string& path);
  std::error_code append(std::span<const std::byte> bytes) noexcept;

 private:
  Descriptor fd_;
};

}  // namespace hio::tool
