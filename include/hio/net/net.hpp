// A network: where streams, listeners and answers about names come from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "hio/export.hpp"
#include "hio/net/endpoint.hpp"
#include "hio/net/result.hpp"
#include "hio/net/stream.hpp"

namespace hio::net {

// Why a name has no addresses; the category's name is "hio.resolve".
enum class ResolveError {
  notFound = 1,  // the name does not exist
  noAddress,     // the name exists and has no address
  tryAgain,      // no name server gave an answer
  refused,       // the name servers refuse, or are not set up
  badName,       // no such name can exist
};
HIO_EXPORT const std::error_category& resolveCategory() noexcept;
HIO_EXPORT std::error_code make_error_code(ResolveError error) noexcept;

// One question about a name. Destroying it gives the question up.
class HIO_EXPORT Lookup {
 public:
  virtual ~Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Goes on: blocked(read) until there is an answer; done(count) puts the addresses into `found`,
  // best first, at least one; failed(code) otherwise.
  virtual IoResult poll(std::vector<Ip>& found) = 0;
  // As a Stream's; `waker` is told when poll() may have news. Poll now and then even so: nobody
  // tells that an answer is overdue.
  virtual bool attach(Poller* poller, base::Waker waker);

 protected:
  Lookup() = default;
};

class HIO_EXPORT Resolver {
 public:
  virtual ~Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Asks for all addresses of `name`; nothing is sent before the first poll().
  virtual std::unique_ptr<Lookup> lookup(std::string name) = 0;

 protected:
  Resolver() = default;
};

struct ListenOptions {
  // Connections that the kernel completes before they are accepted.
  int backlog = 128;
  // Of the listener and the streams that it accepts.
  StreamOptions stream{};
};

// Must outlive all that it makes. The kernel's (systemNet) may be shared by threads; another one
// belongs to a thread unless it says otherwise.
class HIO_EXPORT Net {
 public:
  virtual ~Net() = default;
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;

  // A stream that will connect to `peer`.
  virtual Opened<Stream> open(const Endpoint& peer, const StreamOptions& options) = 0;
  virtual Opened<Listener> listen(const Endpoint& local, const ListenOptions& options) = 0;
  virtual Resolver& resolver() = 0;
  // A number to seed a generator with: unpredictable here, repeatable in a simulation.
  virtual std::uint64_t seed() = 0;

 protected:
  Net() = default;
};

// Finds names as getaddrinfo does, from all sources that nsswitch.conf lists. Its lookups block
// inside poll(), for seconds where no name server answers. All threads may use it.
HIO_EXPORT Resolver& blockingResolver() noexcept;

// The machine's own network. All threads may use it. Its lookups ask the hosts file and the name
// servers and do not block; without c-ares (HIO_WITH_CARES) they are blockingResolver()'s. What
// buffers a new socket has is asked of the kernel once: settings of the system that change later
// are learned by no running program.
// In a child made by fork(), the parent's streams fail with operation_not_permitted and send
// nothing. The child may destroy them, or exec: both take away its own copy only and leave the
// connection to the parent. What the child makes itself works.
HIO_EXPORT Net& systemNet() noexcept;

}  // namespace hio::net

template <>
struct std::is_error_code_enum<hio::net::ResolveError> : std::true_type {};
