// The kernel's listening socket as a Listener.
#pragma once

#include "hio/net/net.hpp"
#include "net/posix/descriptor.hpp"
#include "net/posix/readiness_cache.hpp"

namespace hio::net::posix {

class SocketListener final : public Listener {
 public:
  SocketListener(Descriptor fd, const Endpoint& local, const StreamOptions& options) noexcept
      : fd_(std::move(fd)), local_(local), options_(options) {}

  Accepted accept() override;
  Endpoint local() const override { return local_; }
  BufferSizes bufferSizes() const override;
  int fd() const override { return fd_.get(); }
  bool attach(Poller* poller, base::Waker waker) override;

 private:
  Descriptor fd_;
  ReadinessCache readiness_;
  Endpoint local_;
  StreamOptions options_;
};

Opened<Listener> listenOn(const Endpoint& local, const ListenOptions& options);

}  // namespace hio::net::posix
