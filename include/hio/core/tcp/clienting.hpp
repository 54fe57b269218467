// hio.core.tcp.clienting: the nonblocking TCP client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hio/base/tyming.hpp"
#include "hio/core/coring.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/core/tcp/retry.hpp"
#include "hio/export.hpp"
#include "hio/help/timing.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {

class Backoff;
class Dial;

// What becomes of bytes still in txbs when the connection is cut off.
enum class OnCutoff : std::uint8_t {
  keep,  // they go out on the next connection, even the rest of a message half sent (T9)
  drop,  // they are forgotten at that moment; what is queued later goes out on the next connection
};

// Every option has the specification's default (C1). Pointers stay the caller's and what they point
// to must outlive the client.
struct ClientOptions {
  // How long one attempt (resolve, connect, handshake together) may take when reconnectable; 0 or
  // less: no limit.
  base::Tyme timeout{0};
  // Where to connect: `ha` when given, otherwise host and port. A host is a number, "localhost" or
  // a name; "" means this machine. A port is from 0 to 65535.
  Address ha{};
  std::string host = "127.0.0.1";
  int port = 56000;
  // Connect anew by itself after a failed attempt and after a cutoff, paced as `retry` says. Needs
  // a source of time.
  bool reconnectable = false;
  // Bytes of one receive, and the least size of the socket's buffers; at least 1. Raise for bulk.
  std::size_t bs = 8096;
  // The caller's own buffers; null: the client's.
  help::Bytearray* txbs = nullptr;
  help::Bytearray* rxbs = nullptr;
  // Where received and sent bytes are logged; null: nowhere.
  WireLog* wl = nullptr;
  // The source of time; empty: not wound, see wind().
  base::Tymth tymth{};

  // Beyond the specification:
  RetryOptions retry{};
  OnCutoff onCutoff = OnCutoff::keep;
  // The far side's clean end does not cut off: ended() tells it, sending goes on, and the cutoff
  // comes with this side's own shutdownSend(). For peers that finish sending before they finish
  // reading.
  bool halfOpen = false;
  Limits limits{};
  // Small sends leave at once (TCP_NODELAY); turn off to trade latency for fewer packets.
  bool noDelay = true;
  // The kernel probes an idle connection, and tells when the peer's machine has vanished.
  bool keepAlive = false;
  // The network; null: the machine's own.
  net::Net* net = nullptr;
};

// Arguments of reinitHostPort; those not given have hio's defaults (H4).
struct HostPort {
  Address ha{};
  std::string hostname = "127.0.0.1";
  int port = 56000;
};

// Where a client is in its life; docs/architecture.md shows how one phase follows another.
enum class Phase : std::uint8_t {
  closed,
  resolving,
  connecting,
  handshaking,
  connected,
  cutoff,
  waiting,
  stopped,
};
HIO_EXPORT std::string_view nameOf(Phase phase) noexcept;

// A TCP client that is serviced: put bytes on txbs, call service() once in a while, take bytes from
// rxbs. No call blocks, but for the name lookups of a blocking Resolver. The service functions
// never throw for anything that the network or the peer did; failure() keeps it. May be destroyed
// in any phase. Belongs to one thread at a time.
class HIO_EXPORT Client : public Link {
 public:
  static constexpr base::Tyme Timeout{0};
  static constexpr bool Reconnectable = false;

  // Makes no socket and asks no name server. Throws std::invalid_argument, naming the field and its
  // value, for an option out of its range.
  explicit Client(ClientOptions options = {});
  // Closes at once.
  ~Client() override;

  // The host and port connected to, or to connect to: after connecting, the peer's number. The
  // setters replace their half only; the next attempt uses it (H5). port() throws
  // std::invalid_argument outside 0 to 65535.
  const std::string& host() const noexcept { return ha_.host; }
  std::uint16_t port() const noexcept { return ha_.port; }
  void host(std::string host);
  void port(int port);
  const Address& ha() const noexcept { return ha_; }
  // The own address on the connection; kept after it, empty before the first.
  const Address& ca() const noexcept { return ca_; }
  // The host as it was given.
  const std::string& hostname() const noexcept { return hostname_; }
  // Sets ha and hostname anew; an existing connection goes on (H4).
  void reinitHostPort(HostPort to = {});

  Phase phase() const noexcept;
  // A socket is open, or the client is on its way to one.
  bool opened() const noexcept;
  // The TCP connection stands, also when it is cut off, and before the handshake of TLS is done.
  bool accepted() const noexcept;
  // The connection can be used, or was cut off.
  bool connected() const noexcept { return phase_ == Phase::connected; }
  // How many connections this client has had.
  std::uint64_t epoch() const noexcept { return traffic().epoch; }
  // What the connection before traffic()'s has moved: after a reconnect, how many bytes were handed
  // over of which nobody told whether they arrived.
  const Traffic& previousTraffic() const noexcept { return previous_; }
  // How many bytes at the front of rxbs came over an earlier connection than the current one.
  std::size_t staleRx() const noexcept;
  // When service() has something to do even if the socket is not ready; empty: never, or not wound.
  std::optional<base::Tyme> deadline() const;

  // Replaces the source of time of the client and its timers, which start anew (P2).
  void wind(base::Tymth tymth) override;
  // Bounds the attempts of a reconnectable client: it starts with each one (S6).
  const base::Tymer& tymer() const noexcept { return tymer_; }
  // Gives the attempt its whole timeout again. Throws std::logic_error when not wound.
  void refresh() { tymer_.start(); }

  // Opens a new socket, closing an old one, and clears cutoff; connects nothing. False when there
  // is none to be had, failure() tells why (O1, O2).
  virtual bool open();
  // close(), then open() (O3).
  bool reopen();
  // Closes at once; cutoff, addresses, buffers and the timer stay. Nothing when closed (O5).
  virtual void close();
  // Sends what is in txbs, ends the sending, waits for the far side's end, then closes; at the
  // latest after `limit`. Meanwhile tx() takes nothing; service() does the work, and the client is
  // then stopped. Throws std::logic_error when not wound.
  void drain(base::Tyme limit);

  // One attempt, or one more step of it; true when connected. Opens a closed client first (A1 to
  // A3). A refusal, reset or timeout gives false; throws std::system_error when the name cannot be
  // resolved or no socket can be had.
  bool accept();
  virtual bool connect() { return accept(); }
  // accept() as part of service(), with the handshake where there is one: throws nothing that the
  // network did. A reconnectable client that is cut off or whose attempt failed goes on by itself;
  // another one tries again at once. Throws std::logic_error for a reconnectable client that is not
  // wound (S5).
  bool serviceConnect();
  // serviceConnect, serviceSends, serviceReceives (X1).
  void service();

  void attach(net::Poller* poller, base::Waker waker = {}) override;
  bool notifies() const noexcept override;
  net::BufferSizes actualBufSizes() const override;
  int fd() const noexcept override;
  Interest wants() const noexcept override;

 protected:
  // Whether a connection begins with a handshake; then secured() puts the stream that makes it over
  // the plain one.
  virtual bool handshakes() const noexcept { return false; }
  virtual std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) { return plain; }
  // The stream that shakes hands; null outside of that phase.
  const net::Stream* shaking() const noexcept { return shaking_.get(); }
  // secured(), once for each connection. Throws what it throws; the client is then closed.
  void secure();
  // One step of the handshake. A failure is kept in failure().
  void shake();
  // Throws what failed since there were `before` failures, if it was one of these stages.
  void raiseFailure(std::uint64_t before, std::initializer_list<Stage> stages) const;
  std::uint64_t failures() const noexcept { return failures_; }

  bool usable(std::string_view what) override;
  void wasCut() override;

 private:
  void aim(const Address& at);
  bool begin();
  bool dial(std::vector<net::Ip> ips);
  void approach();
  void pollLookup();
  void pollDial();
  void established(std::unique_ptr<net::Stream> stream);
  void linked();
  void attemptFailed(Stage stage, std::error_code code, std::string detail = {});
  void countFailure();
  void endEpoch();
  void retryOrStop(Stage stage);
  bool exhausted() const;
  void abandon() noexcept;
  bool attempting() const noexcept;
  bool paced() const noexcept { return reconnectable_ && tymth(); }
  bool drained() const noexcept;
  void serviceDrain();

  // What each visit looks at comes first; see Link.
  Phase phase_ = Phase::closed;
  OnCutoff onCutoff_;
  bool reconnectable_;
  bool draining_ = false;
  bool secured_ = false;  // shaking_ has been through secured()
  net::IoResult::On shakesOn_ = net::IoResult::On::read;
  bool shakeLacksMemory_ = false;
  bool noDelay_;
  bool keepAlive_;
  bool lookupTells_ = false;  // the waker of news
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<net::Stream> shaking_;
  std::unique_ptr<net::Lookup> lookup_;
  net::Net* net_;
  std::unique_ptr<Backoff> backoff_;  // of a reconnectable client
  bool (*retryable_)(const Failure&);
  Address ha_;
  Address ca_;
  std::string hostname_;
  std::string target_;  // the host to resolve for each attempt: ha_ holds a number once connected
  base::Tymer tymer_;
  help::Deadline pause_{base::Tyme(0), base::Tyme(0)};  // between attempts
  help::Deadline drainer_{base::Tyme(0), base::Tyme(0)};
  std::optional<base::Tyme> lookedUpAt_;
  Traffic previous_;
  std::uint64_t epochStart_ = 0;  // position in all that rxbs ever held
  std::uint64_t attempts_ = 0;    // failed in a row
  std::uint64_t failures_ = 0;    // failed ever
  base::Tyme connectedAt_{0};
  base::Tyme troubleSince_{0};  // the first failure in a row
};

using net::Certify;
using net::Hostify;
using net::TlsVersion;

// How a ClientTls verifies and is verified (L1). What is not here is an option of net::TlsContext.
struct TlsOptions {
  // Shared, reusable settings. Then all that follows but certedhost has to be left out: one place
  // says what is trusted. Empty: a context is made of the rest.
  std::shared_ptr<net::TlsContext> context{};
  std::optional<TlsVersion> version{};  // exactly this one; empty: TLS 1.2 and up
  std::optional<Certify> certify{};     // empty: required
  std::optional<Hostify> hostify{};     // empty: on
  // The name that the server is asked for and that its certificate must be made for; empty: the
  // host as given, or the peer's number when there is none (L7).
  std::string certedhost{};
  // This side's key and certificate; certpath alone where it holds both.
  std::string keypath{};
  std::string certpath{};
  // The only certificates to trust; empty: the system's.
  std::string cafilepath{};
};

// A Client over TLS. connected() is true once the handshake is done and the far side's certificate
// and name have been checked twice; before, not a byte of the application moves. A certificate or
// name that is refused stops the client, reconnectable or not: no retry mends it.
class HIO_EXPORT ClientTls : public Client {
 public:
  // Throws as Client does; std::invalid_argument also for options that contradict each other and
  // for a name that no certificate can be checked against, std::system_error for files that cannot
  // be used.
  explicit ClientTls(ClientOptions options = {}, TlsOptions tls = {});

  const std::string& certedhost() const noexcept { return certedhost_; }
  const std::shared_ptr<net::TlsContext>& context() const noexcept { return context_; }

  // Puts the accepted connection under TLS; sends nothing yet. Nothing when that is done already.
  // Throws std::logic_error without a connection (L9).
  void wrap();
  // One step of the handshake, wrapping first; true when connected. Throws std::system_error when
  // it failed, with the reason of failure(); the client is then closed (L10, L21).
  bool handshake();
  // accept(), then handshake() (L11).
  bool connect() override;

  // Version, cipher, protocol and the server's certificates; empty when not connected.
  net::TlsInfo tlsInfo() const { return net::tlsInfoOf(stream()); }

 protected:
  bool handshakes() const noexcept override { return true; }
  std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) override;

 private:
  std::shared_ptr<net::TlsContext> context_;
  std::string certedhost_;
};

// A C, opened and not yet connected; closed when its scope ends, also by an exception. What the
// constructor throws comes out as it is (N1, N2).
template <class C = Client, class... More>
std::unique_ptr<C> openClient(ClientOptions options = {}, More&&... more) {
  auto client = std::make_unique<C>(std::move(options), std::forward<More>(more)...);
  client->reopen();
  return client;
}

}  // namespace hio::core::tcp
