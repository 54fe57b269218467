// hio.core.tcp.serving: the nonblocking TCP server.
//
// A server, its connections and what they were given by pointer belong to one thread. Pointers and
// references to a Remoter are good until it is removed: by service(), removeIx() or close().
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/core/coring.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/core/tcp/notified.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

template <class Owner>
class Turn;
class Roster;

// Pointers stay the caller's and what they point to must outlive the acceptor.
struct AcceptorOptions {
  // Where to listen. The host is a number, "localhost", "" for every IPv4 address, or "::" for
  // every IPv4 and IPv6 address; port 0 takes a free one.
  Address ha{};
  // Least size of the sockets' buffers, and bytes of one receive; at least 1.
  std::size_t bs = 8096;
  base::Tymth tymth{};
  // Connections that the kernel completes before they are accepted.
  int bl = 128;
  bool noDelay = true;
  bool keepAlive = false;
  net::Net* net = nullptr;  // null: the machine's own
};

// Listens, and collects the connections that come in. A client's address is an IPv4 one where it
// came over IPv4, also with "::".
class HIO_EXPORT Acceptor : public base::Tymee {
 public:
  // A connection that has come in: its stream and the far side's address.
  struct Incoming {
    std::unique_ptr<net::Stream> cs;
    Address ca;
  };

  // Between two tries to listen where the port is taken.
  static constexpr base::Tyme ListenPause = std::chrono::seconds(1);

  // Throws std::invalid_argument for a host that is neither a number nor "localhost", and for bs or
  // bl below 1.
  explicit Acceptor(AcceptorOptions options);
  ~Acceptor() override;

  // As given until open(), then the bound address (V1, V2).
  const Address& ha() const noexcept { return ha_; }
  // The same as a client on this machine would use it: 127.0.0.1 for every IPv4 address (V1, V3).
  const Address& eha() const noexcept { return eha_; }
  bool opened() const noexcept { return static_cast<bool>(listener_); }
  // Accepted and not yet taken.
  std::deque<Incoming>& axes() noexcept { return axes_; }
  const std::deque<Incoming>& axes() const noexcept { return axes_; }
  // Why it does not listen, or why the last accept failed; null when all is well. Good until the
  // next non-const call.
  const Failure* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  net::BufferSizes actualBufSizes() const;
  // As Link::attach() and Link::notifies(): `waker` is called when there are connections to accept.
  virtual void attach(net::Poller* poller, base::Waker waker = {});
  virtual bool notifies() const noexcept;

  // Listens; false when that cannot be: failure() tells why (V2). serviceAccepts() then tries again
  // until it listens or is closed: each time that ListenPause has passed, or, without a source of
  // time, at each call. A free port that the first open() found is the one that later ones ask for.
  bool open();
  bool reopen();
  // Stops listening, and trying to. Idempotent.
  virtual void close();
  // The next connection; empty when there is none now. Throws std::logic_error when not opened,
  // std::system_error when the machine cannot accept (too many descriptors, say).
  std::optional<Incoming> accept();
  // Accepts into axes until there is no more, or `most` have come. When the machine cannot accept,
  // or listen, failure() tells why and a later call tries again. Throws nothing that the network
  // did.
  void serviceAccepts(std::size_t most = 1024);

 protected:
  const PollerBinding& binding() const noexcept { return binding_; }
  void wake() const noexcept { binding_.waker.wake(); }
  // It was opened and not closed: it listens, or will.
  bool shouldListen() const noexcept { return shouldListen_; }
  // There may be connections to accept of which nobody tells any more: the last serviceAccepts()
  // did not come to the end of them.
  bool mayHaveMore() const noexcept { return mayHaveMore_; }
  // When to call serviceAccepts() again though nobody tells: to listen, or to accept what the
  // machine could not. Empty: not before the waker is called. Needs a source of time.
  std::optional<base::Tyme> acceptDue() const;

 private:
  bool listen();
  void listenAgain();
  net::Listener::Accepted acceptOne();

  AcceptorOptions options_;
  net::Net* net_;
  net::Ip ip_;
  Address ha_;
  Address eha_;
  Notified<net::Listener> listener_;
  PollerBinding binding_;
  std::deque<Incoming> axes_;
  std::optional<Failure> failure_;
  base::Tyme askedAt_{0};  // for a connection or to listen, the last time
  bool acceptLacksMemory_ = false;
  bool shouldListen_ = false;
  bool mayHaveMore_ = false;
};

struct RemoterOptions {
  Address ha{};                       // this side's address
  Address ca{};                       // the far side's
  std::unique_ptr<net::Stream> cs{};  // the connection; owned by the remoter
  base::Tyme timeout{0};              // of the idle timer
  bool refreshable = true;            // traffic restarts the idle timer
  std::size_t bs = 8096;
  WireLog* wl = nullptr;
  base::Tymth tymth{};
  bool halfOpen = false;  // see ClientOptions
  Limits limits{};
};

// The server's end of one connection (V8).
class HIO_EXPORT Remoter : public Link {
 public:
  static constexpr base::Tyme Timeout{0};

  // Throws std::invalid_argument without a connection and for bs or a limit of 0.
  explicit Remoter(RemoterOptions options);
  ~Remoter() override;

  const Address& ha() const noexcept { return ha_; }
  const Address& ca() const noexcept { return ca_; }
  bool opened() const noexcept { return stream() != nullptr; }
  // Measures how long nothing has moved; enforced by a server that was asked to (dropIdle).
  const base::Tymer& tymer() const noexcept { return tymer_; }
  // Restarts the idle timer, from now; nothing when not wound.
  void refresh();
  void wind(base::Tymth tymth) override;
  void close();
  // serviceSends, serviceReceives.
  void service();

 protected:
  // Final: a server is in the midst of its connections when they are called.
  void moved() final;
  void wasCut() final { refresh(); }

 private:
  friend class Roster;
  bool closeIfOver();

  Address ha_;
  Address ca_;
  base::Tymer tymer_;
  std::shared_ptr<Turn<Remoter>> turn_;  // with a server that has a poller
  bool refreshable_;
  bool graced_ = false;
  bool lingers_ = false;  // in the server's lists of the same names
  bool lacks_ = false;
};

struct ServerOptions {
  // Where to listen: `ha` when given, otherwise host and port; see AcceptorOptions.
  Address ha{};
  std::string host{};
  int port = 56000;
  // Of each remoter's idle timer.
  base::Tyme timeout = std::chrono::seconds(1);
  WireLog* wl = nullptr;
  std::size_t bs = 8096;
  base::Tymth tymth{};

  // Beyond hio:
  int bl = 128;
  // Close and remove remoters that have moved nothing for `timeout`. Needs a source of time.
  bool dropIdle = false;
  // Connections held at once; further ones wait in the kernel.
  std::size_t maxConnections = 1U << 20U;
  bool halfOpen = false;  // of the remoters; see ClientOptions
  Limits limits{};        // of each remoter
  bool noDelay = true;
  bool keepAlive = false;
  net::Net* net = nullptr;
};

// Listens and services all the connections that come in. Nothing that one peer does disturbs the
// others. The service functions throw for nothing that the network did.
//
// Connections may be closed and removed, and the server closed, wherever the server itself is not
// in the midst of a service function: between two calls, in a coroutine or doer, or in an override
// of serviceConnects() and serviceAxes().
class HIO_EXPORT Server : public Acceptor {
 public:
  using Ixes = std::map<Address, std::unique_ptr<Remoter>>;

  static constexpr base::Tyme Timeout = std::chrono::seconds(1);

  // Throws std::invalid_argument, naming the field and its value, for an option out of its range.
  explicit Server(ServerOptions options = {});
  ~Server() override;

  // The connections, by the far side's address. service() closes those that are cut off and removes
  // them once their rxbs is empty, or after `timeout` if nobody reads it; without a source of time,
  // in the second service() after the cutoff.
  const Ixes& ixes() const noexcept;
  WireLog* wl() const noexcept { return options_.wl; }

  // Those that the last service() has serviced: with a poller the ones that had something to do,
  // otherwise all. Pointers are good until the next service() or the removal of their remoter.
  const std::vector<Remoter*>& serviced() const noexcept;

  // Winds the remoters too.
  void wind(base::Tymth tymth) override;
  // With a poller, service() looks only at connections that have something to do; a remoter's
  // tx() is something, too. Idle ones are then dropped up to a sixteenth of `timeout` late.
  void attach(net::Poller* poller, base::Waker waker = {}) override;
  // When to call service() at the latest, as the last service() knew it; now when the waker was
  // called since, or when the clock was set back. Empty: when the waker is called, or not wound.
  std::optional<base::Tyme> deadline() const;
  // Closes and forgets every connection too (V7).
  void close() override;

  // Turns what is in axes into remoters (V4).
  virtual void serviceAxes();
  // Accepts, then serviceAxes.
  virtual void serviceConnects();
  void serviceReceivesAllIx();
  void serviceSendsAllIx();
  // Removes spent remoters; receives of all, sends of all; serviceConnects, then receives and sends
  // of those that it has brought (V5).
  void service();

  // These act on one connection; std::invalid_argument when there is none of that address (V6).
  Remoter& ix(const Address& ca) const;
  void serviceReceivesIx(const Address& ca);
  // False when the remoter's txbs has no room; see Link::tx.
  bool transmitIx(std::span<const std::byte> data, const Address& ca);
  bool transmitIx(std::string_view text, const Address& ca);
  void shutdownIx(const Address& ca, net::Direction direction = net::Direction::both);
  void shutdownSendIx(const Address& ca) { shutdownIx(ca, net::Direction::send); }
  void shutdownReceiveIx(const Address& ca) { shutdownIx(ca, net::Direction::receive); }
  void closeIx(const Address& ca);
  void closeAllIx();
  // Gives the remoter to the caller, closed unless told otherwise.
  std::unique_ptr<Remoter> removeIx(const Address& ca, bool close = true);

 protected:
  const ServerOptions& options() const noexcept { return options_; }
  // The tyme; empty when not wound.
  std::optional<base::Tyme> now() const;
  // Called when the server has something to do.
  const base::Waker& waker() const noexcept { return waker_; }
  // How many more connections may be accepted.
  virtual std::size_t room() const noexcept;
  // From now on a remoter services the connection.
  void admit(Incoming incoming);
  virtual std::unique_ptr<Remoter> remoterFor(RemoterOptions options) const;
  // When serviceConnects() has something to do of which nobody tells; empty: never. Asked at the
  // end of service(), when wound.
  virtual std::optional<base::Tyme> connectsDue() const;

 private:
  class Bell;

  ServerOptions options_;
  std::shared_ptr<Bell> bell_;  // passes on what wakes the server
  base::Waker waker_;           // rings it
  std::unique_ptr<Roster> roster_;
  std::optional<base::Tyme> next_;  // the answer of the last service()
  base::Tyme servicedAt_ = base::Tyme::min();
};

// A server, listening if it could (see opened() and failure()); closed when its scope ends.
template <class S = Server, class... More>
std::unique_ptr<S> openServer(ServerOptions options = {}, More&&... more) {
  auto server = std::make_unique<S>(std::move(options), std::forward<More>(more)...);
  server->reopen();
  return server;
}

}  // namespace hio::core::tcp
