// One end of a TCP connection, as a Client and a Remoter have it: two buffers, and how it ended.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hio/base/tyming.hpp"
#include "hio/core/coring.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/core/tcp/notified.hpp"
#include "hio/core/wiring.hpp"
#include "hio/export.hpp"
#include "hio/help/bytearray.hpp"
#include "hio/net/net.hpp"
#include "hio/net/poller.hpp"

namespace hio::core::tcp {

using base::Tyme;
using base::Tymth;

// Bounds of a link's memory and work, in bytes; each is at least 1.
struct Limits {
  // At this many bytes in rxbs the link stops reading and TCP holds the far side back. A message
  // that must lie in rxbs as a whole has to fit.
  std::size_t rxHigh = 64U << 20U;
  // tx() refuses bytes that would make txbs longer than this.
  std::size_t txLimit = 64U << 20U;
  // What one service() receives at most, so that a fast sender cannot keep it for ever; less if it
  // comes in tiny pieces. With a poller at most max(64 KiB, bs) for each call. The waker is called
  // for the rest.
  std::size_t rxBudget = 1U << 20U;
};

// Bytes that one connection has moved.
struct Traffic {
  std::uint64_t epoch = 0;     // which connection of this link, from 1; 0: none yet
  std::uint64_t sent = 0;      // handed to the network: sent, not necessarily received
  std::uint64_t received = 0;  // taken from the network
  std::uint64_t dropped = 0;   // thrown away from txbs when the connection was cut off
};

class Link;

// Calls `waker` after any change of the link's phase, ends or buffers. Either may be destroyed
// first.
class HIO_EXPORT Observer {
 public:
  Observer() noexcept = default;
  ~Observer() { detach(); }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void observe(Link& link, base::Waker waker) noexcept;
  void detach() noexcept;
  // False also once the link is destroyed; the waker is called then.
  bool attached() const noexcept { return link_ != nullptr; }

 private:
  friend class Link;

  Link* link_ = nullptr;
  base::Waker waker_;
  Observer* before_ = nullptr;
  Observer* after_ = nullptr;
};

// Belongs to one thread at a time. What is given by pointer has to outlive the link.
class HIO_EXPORT Link : public base::Tymee {
 public:
  ~Link() override;

  // A connection stands: bytes may move. False before it, and once it is cut off or closed.
  bool standing() const noexcept { return stream_ && !cutoff_; }
  // The connection has ended: by the far side, or because the way to it is gone. failure() says
  // which; it is null after a clean end. Stays until the link is opened anew.
  bool cutoff() const noexcept { return cutoff_; }
  // The far side has cleanly finished sending; see the option halfOpen.
  bool ended() const noexcept { return ended_; }
  // No connection will stand any more unless the program opens one: it has stopped, or was cut off
  // and does not reconnect.
  virtual bool finished() const noexcept { return !standing(); }
  // Why the link is not connected, or was cut off: the first reason, kept until it is connected or
  // opened anew. Null when nothing failed. Owned by the link.
  const Failure* failure() const noexcept { return failure_.get(); }
  // What the current connection, or the last one, has moved.
  const Traffic& traffic() const noexcept { return traffic_; }

  // Bytes waiting to be sent, and bytes received and not yet consumed: the caller's own Bytearray
  // where the options gave one. Bytes leave txbs when the network has taken them.
  help::Bytearray& txbs() noexcept { return *txbs_; }
  help::Bytearray& rxbs() noexcept { return *rxbs_; }
  const help::Bytearray& txbs() const noexcept { return *txbs_; }
  const help::Bytearray& rxbs() const noexcept { return *rxbs_; }
  std::size_t bs() const noexcept { return bs_; }
  WireLog* wl() const noexcept { return wl_; }
  const Limits& limits() const noexcept { return limits_; }
  // How many bytes tx() would take now.
  std::size_t txRoom() const noexcept {
    return limits_.txLimit - std::min(limits_.txLimit, txbs_->size());
  }

  // The stream holds bytes that the network has not taken yet, as TLS may; service() passes them
  // on.
  bool unsent() const noexcept;
  // Send and receive buffer of the socket, as the kernel reports them; zeros without one (B1).
  virtual net::BufferSizes actualBufSizes() const;

  // From now on uses `poller`; `waker` is called whenever service() has work. Null: as at first.
  // The poller outlives the link, or another attach() takes it away.
  virtual void attach(net::Poller* poller, base::Waker waker = {});
  // True: service() need not be called before the waker is called or the deadline has come. False
  // without a poller, and where the network notifies nobody.
  virtual bool notifies() const noexcept {
    return binding_.poller && (!stream_ || stream_.notifies());
  }
  // Has service() called again: after consuming from a full rxbs (clearRxbs() and the waits of
  // awaiting.hpp do it themselves), or after putting bytes on txbs past tx().
  void wake() noexcept;
  // rxbs is at its high-water mark: nothing is read before there is room.
  bool full() const noexcept { return rxbs_->size() >= limits_.rxHigh; }

  // One receive of at most bs bytes, which do not go to rxbs: empty optional when there is nothing
  // now, no bytes when the far side has closed or is lost (cutoff is then true), data otherwise (R1
  // to R5). Throws std::logic_error without a socket, std::system_error for an unexpected error.
  std::optional<help::Bytes> receive();
  // Receives into rxbs until there is no more, the limits are reached or the far side has closed.
  // Nothing when not connected. Throws for nothing that the network did (R6, R7).
  void serviceReceives();
  // The same with at most one receive of at most bs bytes (R8).
  void serviceReceiveOnce();
  void clearRxbs() noexcept;

  // One send past txbs. Returns how many bytes were taken; 0 when none can be now or the far side
  // is lost (cutoff is then true) (T1 to T4). Throws std::logic_error without a socket,
  // std::system_error for an unexpected error and after this side's shutdownSend().
  std::size_t send(std::span<const std::byte> data);
  std::size_t send(std::string_view text) { return send(help::bytesOf(text)); }
  // Copies all of the data onto txbs, in any state; false, and nothing copied, when txbs would
  // exceed its limit or the link is closing (T6).
  bool tx(std::span<const std::byte> data);
  bool tx(std::string_view text) { return tx(help::bytesOf(text)); }
  // One send of what is in txbs; what was taken is consumed. Nothing when not connected, cut off or
  // shut down for sending: the bytes then wait (T7, T9, O7). Throws for nothing that the network
  // did.
  void serviceSends();

  // Ends one direction or both; a no-op without a connection, repeatable, throws nothing (O4). The
  // far side sees the end of the stream at once: what waits in txbs is not sent before it.
  void shutdown(net::Direction direction = net::Direction::both);
  void shutdownSend() { shutdown(net::Direction::send); }
  void shutdownReceive() { shutdown(net::Direction::receive); }

 protected:
  // As a due time: service() has work now.
  static constexpr Tyme AtOnce = Tyme::min();

  struct Setup {
    std::size_t bs;
    help::Bytearray* txbs;
    help::Bytearray* rxbs;
    WireLog* wl;
    bool halfOpen;
    Limits limits;
    Tymth tymth;
  };
  // Throws std::invalid_argument for bs or a limit of 0.
  explicit Link(const Setup& setup);

  // A connection begins: a new epoch, nothing ended, no failure.
  void adopt(std::unique_ptr<net::Stream>&& stream);
  // Shuts the connection down and closes it; flags, failure and counts stay.
  void discard() noexcept;
  const net::Stream* stream() const noexcept { return stream_.get(); }
  void clearEnds() noexcept { cutoff_ = ended_ = sendShut_ = false; }
  bool sendShut() const noexcept { return sendShut_; }
  void refuseTx(bool refuse) noexcept { txRefused_ = refuse; }
  void keep(std::unique_ptr<const Failure> failure) noexcept { failure_ = std::move(failure); }
  // At the cutoff: forgets what is in txbs.
  void dropTxbs() noexcept;

  // True when the stream may be used, false when there is nothing to be had yet; throws
  // std::logic_error when it makes no sense to ask.
  virtual bool usable(std::string_view what);

  // What the link waits for is known in one place: each service call ends by storing when the next
  // one is due though nobody calls the waker. AtOnce: now; base::Forever: not before.
  virtual Tyme nextDue() noexcept { return flowDue(); }
  void storeDue() noexcept;
  // Of the connection that stands: its buffers, its stream, what the machine lacked.
  Tyme flowDue() noexcept;
  // The stored time on tyme(), which may have been set back since; empty: none, or not wound.
  std::optional<Tyme> storedDeadline() const;

  const PollerBinding& binding() const noexcept { return binding_; }
  // service() waits for room in rxbs, and there is some again.
  bool hasRoomAgain() const noexcept { return waitsForRoom_ && standing() && !full(); }
  void wakeIfRoomAgain() noexcept;
  // service() has work though nothing new was told; or will have after a pause, as the machine
  // lacks memory.
  bool ready() const noexcept { return standing() && (due_ == AtOnce || hasRoomAgain()); }
  bool lacksMemory() const noexcept {
    return standing() && (receiveShortage_.on || sendShortage_.on);
  }
  // What the link shows may have changed.
  void changed() const noexcept;
  // Called when bytes have moved, and when the connection has been cut off. They must not destroy
  // the link.
  virtual void moved() {}
  virtual void wasCut() {}

  // serviceReceives() and serviceSends() for those who store the due time themselves.
  void receiveAll();
  void sendOnce();

 private:
  // A shortage of memory that blocks one direction.
  struct Shortage {
    bool on = false;
    Tyme since{0};  // the first call that it blocked
    Tyme asked{0};  // the last one
  };

  bool isNotified() const noexcept { return stream_.notifies() && binding_.poller; }
  // A send has failed; what has arrived may still be read.
  bool sendDead() const noexcept { return sendShut_ || failure_ != nullptr; }
  bool wantsReceive() const noexcept { return !ended_ && !full(); }
  bool wantsSend(const net::Pending& pending) const noexcept;
  // Bytes at the front of txbs that the stream has accepted and the network has not taken yet.
  std::size_t acceptedTx() const noexcept;
  void consumeTaken(std::size_t unsent) noexcept;
  std::size_t receiveSome(std::size_t allowed, std::size_t size);
  void readSmaller() noexcept;
  void shrinkWhenQuiet() noexcept;
  net::IoResult take(std::span<std::byte> room);
  net::IoResult put(std::span<const std::byte> data);
  net::IoResult failIfTooLong(net::IoResult result, Shortage& shortage);
  Tyme retryAt(const Shortage& shortage) const noexcept;
  void fail(Stage stage, const std::error_code& code);
  void markCutOff();
  void cutWhenOver();
  void cutWhenRead();
  [[noreturn]] void raise(Stage stage, const std::error_code& code) const;
  Address far() const { return Address(stream_->peer()); }

  friend class LinkWait;
  friend class Observer;

  std::unique_ptr<const std::string> who_;  // far() as the wire log shows it; only with a log
  std::size_t bs_;
  help::Bytearray ownTxbs_;
  help::Bytearray ownRxbs_;
  // What each visit looks at, close together here and at the front of those that derive from this.
  Notified<net::Stream> stream_;
  help::Bytearray* txbs_;
  help::Bytearray* rxbs_;
  std::size_t readSize_;        // of the next receive
  std::size_t inStream_ = 0;    // of txbs: accepted by the stream, not taken by the network
  std::uint64_t accepted_ = 0;  // position, in all that txbs ever held, up to which the stream took
  Tyme due_ = AtOnce;
  Tyme storedAt_ = AtOnce;
  Limits limits_;
  Traffic traffic_;
  Observer* observers_ = nullptr;
  WireLog* wl_;
  PollerBinding binding_;
  std::unique_ptr<const Failure> failure_;
  Shortage receiveShortage_;
  Shortage sendShortage_;
  bool halfOpen_;
  bool cutoff_ = false;
  bool ended_ = false;
  bool sendShut_ = false;
  bool txRefused_ = false;
  bool waitsForRoom_ = false;
};

}  // namespace hio::core::tcp
