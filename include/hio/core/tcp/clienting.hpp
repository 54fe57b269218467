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

namespace hio::core::tcp {

class Attempt;

// What becomes of bytes still in txbs when the connection is cut off.
enum class OnCutoff : std::uint8_t {
  keep,  // they go out on the next connection, even the rest of a message half sent (T9)
  drop,  // they are thrown away at that moment; what is queued later goes out on the next
         // connection
};

// Every option has the specification's default (C1). Pointers stay the caller's and what they point
// to must outlive the client.
struct ClientOptions {
  // How long one attempt (resolve, connect, handshake together) may take, from its first step; 0 or
  // less: no limit. Above 0 it needs a source of time.
  base::Tyme timeout{0};
  // Where to connect: `ha` when given, otherwise host and port. A host is a number, "localhost" or
  // a name; "" means this machine. A port is from 0 to 65535.
  Address ha{};
  std::string host = "127.0.0.1";
  int port = 56000;
  // Come back by itself after a connection that stood was lost, paced as `retry` says. Needs a
  // source of time. Attempts that fail are made again either way.
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
// in any phase. Belongs to one thread at a time. In a child made by fork() it may only be
// destroyed, which does not touch the parent's connection.
//
// To sleep between two service calls: attach() a net::Poller, wait on it until deadline(), then
// call service(). A ClientDoer does that in a Doist, a Loop for a program that has no loop.
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
  // When service() has something to do though nobody calls the waker: stored by each service call.
  // A closed client is due at once, as service() opens it. Empty: not before it is woken, or not
  // wound. Where notifies() is false, service() has to be called now and then besides.
  std::optional<base::Tyme> deadline() const { return storedDeadline(); }
  bool finished() const noexcept override;

  // Replaces the source of time of the client and its timers, which start anew (P2).
  void wind(base::Tymth tymth) override;
  // Bounds each attempt: it starts with the attempt's first step (S6).
  const base::Tymer& tymer() const noexcept { return tymer_; }
  // Gives the attempt its whole timeout again. Throws std::logic_error when not wound.
  void refresh() { tymer_.start(); }

  // Opens a new socket, closing an old one, and clears cutoff; connects nothing. False when there
  // is none to be had, failure() tells why (O1, O2).
  virtual bool open();
  // close(), then open() (O3).
  bool reopen();
  // Closes at once; cutoff, addresses, buffers and the timer stay. Nothing when closed (O5). The
  // next service() opens it again; see stop().
  virtual void close();
  // Closes and stays closed until open(), reopen(), accept() or connect().
  void stop();
  // The connection stands and is of no use, such as a server that says it is busy: ends it as a
  // failed attempt of stage "use", with the pause that follows one. False, and nothing done, when
  // no connection stands.
  bool reject(std::error_code code, std::string why = {});
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
  // network did. After a failed attempt the next one is made when its pause is over; not wound, by
  // the next call. docs/architecture.md has the table. Throws std::logic_error for a client that is
  // reconnectable or has a timeout and is not wound (S5).
  bool serviceConnect();
  // serviceConnect, serviceSends, serviceReceives (X1).
  void service();

  void attach(net::Poller* poller, base::Waker waker = {}) override;
  bool notifies() const noexcept override;
  net::BufferSizes actualBufSizes() const override;

 protected:
  // Whether a connection begins with a handshake; then secured() puts the stream that makes it over
  // the plain one.
  virtual bool handshakes() const noexcept { return false; }
  virtual std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) { return plain; }
  // The client shakes hands, or is about to.
  bool shaking() const noexcept { return phase_ == Phase::handshaking; }
  // secured(), once for each connection. Throws what it throws; the attempt has then failed.
  void secure();
  // One step of the handshake. A failure is kept in failure().
  void shake();
  // Throws what failed since there were `before` failures, if it was one of these stages.
  void raiseFailure(std::uint64_t before, std::initializer_list<Stage> stages) const;
  std::uint64_t failures() const noexcept { return failures_; }

  bool usable(std::string_view what) override;
  Tyme nextDue() noexcept override;
  void wasCut() final;

 private:
  void setTarget(const Address& at);
  std::optional<Tyme> now() const { return tymth() ? std::optional(tyme()) : std::nullopt; }
  bool begin();
  void advance();
  void becomeConnected();
  void attemptFailed(std::error_code code, std::string detail = {});
  void failed(std::unique_ptr<Failure> failure);
  void countFailure();
  bool startsFresh();
  void endEpoch();
  void goOn(Stage stage);
  void pause(Tyme duration);
  bool isWanted();
  bool exhausted() const;
  void abandon() noexcept;
  bool overdue();
  bool drained() const noexcept;
  void serviceDrain();
  void connectStep();
  Tyme phaseDue() noexcept;

  // What each visit looks at comes first; see Link.
  Phase phase_ = Phase::closed;
  OnCutoff onCutoff_;
  bool reconnectable_;
  bool draining_ = false;
  bool noDelay_;
  bool keepAlive_;
  std::unique_ptr<Attempt> attempt_;  // in the phases resolving, connecting, handshaking
  net::Net* net_;
  Backoff backoff_;
  Address ha_;
  Address ca_;
  std::string hostname_;
  std::string target_;  // the host to resolve for each attempt: ha_ holds a number once connected
  base::Tymer tymer_;
  help::Deadline pause_{base::Tyme(0), base::Tyme(0)};  // between attempts
  help::Deadline drainer_{base::Tyme(0), base::Tyme(0)};
  Traffic previous_;
  std::uint64_t epochStart_ = 0;  // position in all that rxbs ever held
  std::uint64_t attempts_ = 0;    // failed in a row
  std::uint64_t failures_ = 0;    // failed ever
  base::Tyme connectedAt_{0};
  base::Tyme troubleSince_{0};  // the first failure in a row
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
