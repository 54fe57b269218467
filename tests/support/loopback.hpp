// Real sockets for tests: peers that misbehave, and waiting without sleeping blindly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace hio::test {

// Turns `step` until `done`, giving the kernel a moment between turns; false when it takes far too
// long (a minute).
bool turnUntil(const std::function<bool()>& done, const std::function<void()>& step);

// How many descriptors this process has open.
std::size_t openDescriptors();

// While it lives, the process gets no new descriptor, or so many. All below the first free one have
// to be taken.
class DescriptorShortage {
 public:
  explicit DescriptorShortage(int spare = 0);
  ~DescriptorShortage();
  DescriptorShortage(const DescriptorShortage&) = delete;
  DescriptorShortage& operator=(const DescriptorShortage&) = delete;

  void spare(int count) const;

 private:
  std::uint64_t before_ = 0;
  int next_ = 0;
};

// A listening socket of 127.0.0.1, on a free port if none is given, that a test drives by hand,
// blocking.
class RawListener {
 public:
  explicit RawListener(int backlog = 8, bool v6 = false, std::uint16_t port = 0);
  ~RawListener();
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::uint16_t port() const { return port_; }
  // A connection is there to be accepted.
  bool waiting() const;
  // The next connection; the test must have started one.
  int accept() const;
  void close();

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

// One end of a connection that a test drives by hand, blocking.
class RawPeer {
 public:
  explicit RawPeer(int fd) : fd_(fd) {}
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  void send(std::string_view text) const;
  // The last byte as urgent (MSG_OOB): it is left out of what the far side reads.
  void sendUrgent(std::string_view text) const;
  // Exactly so many bytes.
  std::string receive(std::size_t count) const;
  // Everything until the far side ends.
  std::string receiveAll() const;
  void shutdownSend() const;
  void close();
  // Closes so that the far side sees a reset.
  void reset();

 private:
  int fd_;
};

// A port of 127.0.0.1 on which nothing listens.
std::uint16_t closedPort();

}  // namespace hio::test
