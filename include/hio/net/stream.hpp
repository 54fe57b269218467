// The seam to the network: what a client or server asks of a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "hio/base/waker.hpp"
#include "hio/export.hpp"
#include "hio/net/endpoint.hpp"
#include "hio/net/result.hpp"

namespace hio::net {

class Poller;

struct BufferSizes {
  std::size_t send = 0;  // bytes, as the kernel reports them (Linux: twice what was set)
  std::size_t receive = 0;

  bool operator==(const BufferSizes&) const = default;
};

struct StreamOptions {
  // Bytes that the send and receive buffer should at least have; a buffer that has as much already
  // is left alone, so that the kernel goes on tuning it (contract B2, B4).
  BufferSizes buffers{};
  // Small sends leave at once and are not collected (TCP_NODELAY).
  bool noDelay = true;
  // The kernel probes an idle connection (SO_KEEPALIVE).
  bool keepAlive = false;
};

// State of a stream that polling its descriptor does not show.
struct Pending {
  bool received = false;   // receive() may have something to give
  std::size_t unsent = 0;  // bytes accepted by send() that the network has not taken yet
  bool flush = false;      // something waits to be passed on, those or bytes of its own: an empty
                           // send() does it
};

enum class Direction : std::uint8_t { receive, send, both };

// One attempt to connect, then one connection: used once, then destroyed. Calls neither block nor
// throw. The first error is kept: after it, every call that moves bytes gives the same one. The
// destructor closes at once.
class HIO_EXPORT Stream {
 public:
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Starts connecting, then goes on with it: blocked(write) until done. An accepted stream is done
  // at once.
  virtual IoResult connect() = 0;
  // Fills the front of `room` and gives the count; never done(0), except for no room.
  virtual IoResult receive(std::span<std::byte> room) = 0;
  // Takes bytes from the front of `bytes` and gives the count; done(0) only for no bytes.
  virtual IoResult send(std::span<const std::byte> bytes) = 0;
  // The same for several pieces at once, in order.
  virtual IoResult send(std::span<const std::span<const std::byte>> pieces) = 0;
  virtual IoResult shutdown(Direction direction) = 0;

  // Where this end and the far one are, as of connect(); all zero before.
  virtual Endpoint local() const = 0;
  virtual Endpoint peer() const = 0;
  virtual BufferSizes bufferSizes() const = 0;
  // The descriptor to wait on, -1 where there is none. It stays the stream's.
  virtual int fd() const = 0;
  virtual Pending pending() const noexcept { return {}; }
  // False while it is known that send() could take nothing.
  virtual bool sendable() const noexcept { return true; }
  // From now on `waker` is told when the stream may make progress after it was blocked, and calls
  // that are known to be blocked are answered without asking the kernel. The poller outlives the
  // stream or is taken away by another attach; null: as at first. False where the stream tells
  // nobody, and has to be tried now and then. One that tells is asked for bytes only while its
  // held() says that it has received something: bytes that are new, an end, or an error.
  virtual bool attach(Poller* poller, base::Waker waker);
  // What the kept error's code does not tell; may be empty.
  virtual std::string why() const { return {}; }

 protected:
  Stream() = default;
};

// A T, or why there is none.
template <class T>
struct Opened {
  std::unique_ptr<T> it{};
  std::error_code code{};
};

// Takes connections in. Neither blocks nor throws; the destructor closes.
class HIO_EXPORT Listener {
 public:
  virtual ~Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  struct [[nodiscard]] Accepted {
    IoResult result;  // done, blocked or lacking(read), or an error of the listener
    std::unique_ptr<Stream> stream{};  // set when done
  };
  // The next connection. One that its peer has given up already is passed over.
  virtual Accepted accept() = 0;

  // Where it listens; the port is the real one also when 0 was asked for.
  virtual Endpoint local() const = 0;
  virtual BufferSizes bufferSizes() const = 0;
  virtual int fd() const = 0;
  // As a Stream's; `waker` is told of connections to accept.
  virtual bool attach(Poller* poller, base::Waker waker);

 protected:
  Listener() = default;
};

}  // namespace hio::net
