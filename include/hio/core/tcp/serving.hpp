// hio.core.tcp.serving: the nonblocking TCP server.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
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
#include "hio/export.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {

class Turn;
class ReadyLine;

// Pointers stay the caller's and what they point to must outlive the acceptor.
struct AcceptorOptions {
  // Where to listen. The host is a number, "localhost", or "" for every IPv4 address ("::" for
  // every address); port 0 takes a free one.
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

// Listens, and collects the connections that come in.
class HIO_EXPORT Acceptor : public base::Tymee {
 public:
  // A connection that has come in: its stream and the far side's address.
  struct Incoming {
    std::unique_ptr<net::Stream> cs;
    Address ca;
  };

  // Throws std::invalid_argument for a host that is neither a number nor "localhost", and for bs or
  // bl below 1.
  explicit Acceptor(AcceptorOptions options);
  ~Acceptor() override;

  // As given until open(), then the bound address (V1, V2).
  const Address& ha() const noexcept { return ha_; }
  // The same as a client on this machine would use it: 127.0.0.1 for every IPv4 address (V1, V3).
  const Address& eha() const noexcept { return eha_; }
  bool opened() const noexcept { return listener_ != nullptr; }
  // Accepted and not yet taken.
  std::deque<Incoming>& axes() noexcept { return axes_; }
  // Why it does not listen, or why the last accept failed; empty when all is well.
  const std::optional<Failure>& failure() const noexcept { return failure_; }
  net::BufferSizes actualBufSizes() const;
  // The listening descriptor, -1 without one.
  int fd() const noexcept;
  // As Link::attach and watched(): `waker` is told of connections to accept.
  virtual void attach(net::Poller* poller, base::Waker waker = {});
  virtual bool notifies() const noexcept;

  // Listens; false, and closed, when that cannot be: failure() tells why (V2). A free port that the
  // first open() found is the one that later ones ask for.
  bool open();
  bool reopen();
  // Stops listening. Idempotent.
  virtual void close();
  // The next connection; empty when there is none now. Throws std::logic_error when not opened,
  // std::system_error when the machine cannot accept (too many descriptors, say).
  std::optional<Incoming> accept();
  // Accepts into axes until there is no more, or `most` have come. Throws nothing: when the machine
  // cannot accept, failure() tells why and the next call tries again.
  void serviceAccepts(std::size_t most = 1024);

 protected:
  const PollerBinding& binding() const noexcept { return binding_; }
  void wake() const noexcept { binding_.waker.wake(); }
  // When to accept again though nobody tells: after an accept that the machine could not do. Empty:
  // not before it is told.
  std::optional<base::Tyme> acceptDue() const;

 private:
  net::Listener::Accepted acceptOne();

  AcceptorOptions options_;
  net::Net* net_;
  net::Ip ip_;
  Address ha_;
  Address eha_;
  std::unique_ptr<net::Listener> listener_;
  PollerBinding binding_;
  bool notified_ = false;  // the listener tells the waker
  std::deque<Incoming> axes_;
  std::optional<Failure> failure_;
  base::Tyme askedAt_{0};  // for a connection, the last time
  bool acceptLacksMemory_ = false;
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
  void moved() override;
  void wasCut() override { refresh(); }

 private:
  friend class Server;
  bool spent();

  Address ha_;
  Address ca_;
  base::Tymer tymer_;
  std::shared_ptr<Turn> turn_;  // with a server that has a poller
  bool refreshable_;
  bool graced_ = false;
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
class HIO_EXPORT Server : public Acceptor {
 public:
  using Ixes = std::map<Address, std::unique_ptr<Remoter>>;

  static constexpr base::Tyme Timeout = std::chrono::seconds(1);

  // Throws std::invalid_argument, naming the field and its value, for an option out of its range.
  explicit Server(ServerOptions options = {});
  ~Server() override;

  // The connections, by the far side's address. service() closes those that are cut off and removes
  // them once their rxbs is empty, or after `timeout` if nobody reads it; without a source of time,
  // at the next but one service().
  const Ixes& ixes() const noexcept { return ixes_; }
  WireLog* wl() const noexcept { return options_.wl; }

  // Those that the last service() has serviced: with a poller the ones that had something to do,
  // otherwise all. Pointers are good until the next service() or the removal of their remoter.
  const std::vector<Remoter*>& serviced() const noexcept { return serviced_; }

  // Winds the remoters too.
  void wind(base::Tymth tymth) override;
  // With a poller, service() looks only at connections that have something to do; a remoter's
  // tx() is something, too. Idle ones are then dropped up to a sixteenth of `timeout` late.
  void attach(net::Poller* poller, base::Waker waker = {}) override;
  // When service() has something to do though nothing is ready; empty: never, or not wound.
  virtual std::optional<base::Tyme> deadline() const;
  // Closes and forgets every connection too (V7).
  void close() override;

  // Turns what is in axes into remoters (V4).
  virtual void serviceAxes();
  // Accepts, then serviceAxes.
  virtual void serviceConnects();
  void serviceReceivesAllIx();
  void serviceSendsAllIx();
  // Removes spent remoters, then serviceConnects, receives of all, sends of all (V5).
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
  // A flood of connections must not keep one service() for ever.
  static constexpr std::size_t MostAtOnce = 1024;
  // Accepts into axes at most `most`, and no more than there is room for beside those in ixes and
  // `others`.
  void acceptBeside(std::size_t others, std::size_t most);
  // From now on a remoter services the connection.
  void admit(Incoming incoming);
  virtual std::unique_ptr<Remoter> remoterFor(RemoterOptions options) const;

 private:
  void removeSpent();
  bool over(Remoter& remoter) const;
  void attachIx(Remoter& remoter);
  void takeTurns();
  // It gets another turn though nobody will tell of it.
  void starve(const Remoter& remoter);

  ServerOptions options_;
  std::unique_ptr<ReadyLine> readyLine_;  // with a poller; outlives the remoters
  Ixes ixes_;
  std::vector<Remoter*> serviced_;
  std::vector<std::shared_ptr<Turn>> lingering_;  // cut off, and not yet read
  std::vector<std::shared_ptr<Turn>> starving_;   // get another turn after the pause
  help::Deadline pause_{base::Tyme(0), base::Tyme(0)};
  base::Tyme idleLookAt_{0};
};

// The server's end of one connection over TLS, made when its handshake is done.
class HIO_EXPORT RemoterTls : public Remoter {
 public:
  using Remoter::Remoter;

  // Version, cipher, protocol and the client's certificates; empty once closed.
  net::TlsInfo tlsInfo() const { return net::tlsInfoOf(stream()); }
};

using net::ClientCerts;

struct ServerTlsOptions {
  // Shared, reusable settings; then the fields from version to cafilepath have to be left out.
  std::shared_ptr<net::TlsContext> context{};
  std::optional<net::TlsVersion> version{};  // exactly this one; empty: TLS 1.2 and up
  std::optional<ClientCerts> certify{};      // whether clients show certificates; empty: required
  // The server's key and certificate; certpath alone where it holds both.
  std::string keypath{};
  std::string certpath{};
  // Whose client certificates to believe; needed unless certify is none.
  std::string cafilepath{};

  // Beyond hio:
  // A client that has not finished its handshake by then is dropped. Needs a source of time.
  base::Tyme handshakeTimeout = std::chrono::seconds(10);
  // Handshakes in progress at once; further connections wait in the kernel.
  std::size_t maxHandshakes = 1024;
};

// The context that a ServerTls with these options uses. Throws as net::TlsContext::server().
HIO_EXPORT std::shared_ptr<net::TlsContext> initServerContext(const ServerTlsOptions& options);

// A Server over TLS (V9). One context serves all connections. A client that fails or stalls in its
// handshake is dropped and counted; the others go on.
class HIO_EXPORT ServerTls : public Server {
 public:
  // Throws as Server and initServerContext() do; std::invalid_argument also for a handshakeTimeout
  // or mostHandshakes that is not above 0.
  explicit ServerTls(ServerOptions options = {}, ServerTlsOptions tls = {});
  ~ServerTls() override;

  const std::shared_ptr<net::TlsContext>& context() const noexcept { return context_; }
  // How many connections are in their handshake; ixes() has those that are through.
  std::size_t cxes() const noexcept { return cxes_.size(); }
  // How many clients failed in their handshake, and why the last one did.
  std::uint64_t refused() const noexcept { return refused_; }
  const std::optional<Failure>& refusal() const noexcept { return refusal_; }

  // Winds the handshakes' deadlines too; they start anew.
  void wind(base::Tymth tymth) override;
  void attach(net::Poller* poller, base::Waker waker = {}) override;
  bool notifies() const noexcept override;
  std::optional<base::Tyme> deadline() const override;
  void close() override;
  // Puts what is in axes under TLS.
  void serviceAxes() override;
  // One step of each handshake; those that are done become remoters.
  void serviceCxes();
  // Accepts, then serviceAxes, then serviceCxes.
  void serviceConnects() override;

 protected:
  std::unique_ptr<Remoter> remoterFor(RemoterOptions options) const override;

 private:
  struct Shaking {
    Shaking(Incoming theIncoming, base::Tyme timeout, base::Tymth tymth)
        : incoming(std::move(theIncoming)),
          tymer({.duration = timeout, .tymth = std::move(tymth)}) {}

    Incoming incoming;
    base::Tymer tymer;
    bool watched = false;
    bool lacksMemory = false;
  };
  void settle(Incoming& incoming, const net::IoResult& result);
  void refuse(const Address& ca, std::error_code code, std::string why);

  std::shared_ptr<net::TlsContext> context_;
  base::Tyme timeout_;
  std::size_t most_;
  std::list<Shaking> cxes_;
  std::uint64_t refused_ = 0;
  std::optional<Failure> refusal_;
};

// A server, listening if it could (see opened() and failure()); closed when its scope ends.
template <class S = Server, class... More>
std::unique_ptr<S> openServer(ServerOptions options = {}, More&&... more) {
  auto server = std::make_unique<S>(std::move(options), std::forward<More>(more)...);
  server->reopen();
  return server;
}

}  // namespace hio::core::tcp
