#include "hio/net/net.hpp"

#include <sys/random.h>

#include <atomic>

#include "net/dns/resolver.hpp"
#include "net/posix/listener.hpp"
#include "net/posix/socket.hpp"
#include "net/posix/stream.hpp"

namespace hio::net {
namespace {

class SystemNet final : public Net {
 public:
  Opened<Stream> open(const Endpoint& peer, const StreamOptions& options) override {
    std::error_code code;
    posix::Descriptor fd = posix::openSocket(peer.ip.family, code);
    if (fd) posix::applyOptions(fd.get(), options, buffers(fd.get()), code);
    if (code) return {nullptr, code};
    return {std::make_unique<posix::SocketStream>(std::move(fd), peer), {}};
  }

  Opened<Listener> listen(const Endpoint& local, const ListenOptions& options) override {
    return posix::listenOn(local, options);
  }

  Resolver& resolver() override {
#ifdef HIO_WITH_CARES
    return resolver_;
#else
    return blockingResolver();
#endif
  }

  std::uint64_t seed() override {
    std::uint64_t seed = 0;
    // Early in a boot the kernel may have no entropy yet; a fixed seed is then good enough for what
    // it is for, drawing pauses.
    (void)!::getrandom(&seed, sizeof seed, GRND_NONBLOCK);
    return seed;
  }

 private:
  // A new socket has the same buffers as the first one had: the kernel is asked only once. Threads
  // may do so at the same time, and learn the same.
  BufferSizes buffers(int fd) noexcept {
    if (receive_.load(std::memory_order_acquire) == 0) {
      const BufferSizes first = posix::bufferSizesOf(fd);
      send_.store(first.send, std::memory_order_relaxed);
      receive_.store(first.receive, std::memory_order_release);
    }
    return {.send = send_.load(std::memory_order_relaxed),
            .receive = receive_.load(std::memory_order_relaxed)};
  }

#ifdef HIO_WITH_CARES
  dns::DnsResolver resolver_;
#endif
  std::atomic<std::size_t> send_{0};
  std::atomic<std::size_t> receive_{0};  // 0: not known yet
};

}  // namespace

Net& systemNet() noexcept {
  static SystemNet net;
  return net;
}

}  // namespace hio::net
