// The kernel's TCP socket as a Stream.
#pragma once

#include "hio/net/stream.hpp"
#include "net/posix/descriptor.hpp"
#include "net/posix/fork.hpp"
#include "net/posix/readiness_cache.hpp"

namespace hio::net::posix {

class SocketStream final : public Stream {
 public:
  // Will connect to `peer`.
  SocketStream(Descriptor fd, const Endpoint& peer) noexcept : fd_(std::move(fd)), peer_(peer) {}
  // Is connected.
  SocketStream(Descriptor fd, const Endpoint& local, const Endpoint& peer) noexcept
      : fd_(std::move(fd)), local_(local), peer_(peer), connected_(true) {}

  IoResult connect() override;
  IoResult receive(std::span<std::byte> room) override;
  IoResult send(std::span<const std::byte> bytes) override;
  IoResult send(std::span<const std::span<const std::byte>> pieces) override;
  IoResult shutdown(Direction direction) override;

  Endpoint local() const override { return connected_ ? local_ : Endpoint{}; }
  Endpoint peer() const override { return connected_ ? peer_ : Endpoint{}; }
  BufferSizes bufferSizes() const override;
  int fd() const override { return fd_.get(); }
  Pending pending() const noexcept override {
    return {.received = readiness_.attached() && readiness_.readable()};
  }
  bool sendable() const noexcept override { return readiness_.writable(); }
  bool attach(Poller* poller, base::Waker waker) override;

 private:
  // A child of fork() must not use the parent's connection: the error of each of its calls.
  bool isForeign() noexcept;
  IoResult finishConnect();
  IoResult refuse(std::error_code code) noexcept;
  IoResult sent(ssize_t count, std::size_t asked);
  IoResult error(std::error_code code, IoResult::On on);

  Descriptor fd_;
  Birthplace birthplace_;
  ReadinessCache readiness_;  // after fd_: it ends before the descriptor is closed
  Endpoint local_{};
  Endpoint peer_;
  bool connected_ = false;
  std::error_code first_{};  // the kernel tells a reset once and then gives what looks like an end
};

}  // namespace hio::net::posix
