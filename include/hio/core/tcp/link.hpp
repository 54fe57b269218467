// One end of a TCP connection, as a Client and a Remoter have it: two buffers, and how it ended.
#pragma once

#include <algorithm>
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
  // What one service() receives at most, so that a fast sender cannot keep it for ever. With a
  // poller never more than 64 KiB, or bs if that is larger: the waker is then told of the rest.
  std::size_t rxBudget = 1U << 20U;
};

// Bytes that one connection has moved.
struct Traffic {
  std::uint64_t epoch = 0;     // which connection of this link, from 1; 0: none yet
  std::uint64_t sent = 0;      // handed to the network: sent, not necessarily received
  std::uint64_t received = 0;  // taken from the network
};

// What a foreign event loop should wait for on fd().
struct Interest {
  bool read = false;
  bool write = false;
};

// Who tells a link of readiness, and whom.
struct PollerBinding {
  net::Poller* poller = nullptr;
  base::Waker waker{};

  // False where the stream tells nobody.
  bool to(net::Stream& stream) const { return stream.attach(poller, waker); }
  bool to(net::Lookup& lookup) const { return lookup.attach(poller, waker); }
};

class Link;

// Has a waker told whenever what a link shows may have changed: its phase, its ends, its buffers by
// service(). Neither has to outlive the other.
class HIO_EXPORT Observer {
 public:
  Observer() noexcept = default;
  ~Observer() { leave(); }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void watch(Link& link, base::Waker waker) noexcept;
  void leave() noexcept;
  // False also once the link is no more.
  bool watching() const noexcept { return link_ != nullptr; }

 private:
  friend class Link;

  Link* link_ = nullptr;
  base::Waker waker_;
  Observer* before_ = nullptr;
  Observer* after_ = nullptr;
};

class HIO_EXPORT Link : public base::Tymee {
 public:
  ~Link() override;

  // The connection has ended: by the far side, or because the way to it is gone. failure() tells
  // which; it is empty after a clean end. Stays until the link is opened anew.
  bool cutoff() const noexcept { return cutoff_; }
  // The far side has cleanly finished sending; see the option halfOpen.
  bool ended() const noexcept { return ended_; }
  // Why the link is not connected, or was cut off: the first reason, kept until it is connected or
  // opened anew. Empty when nothing failed.
  const std::unique_ptr<const Failure>& failure() const noexcept { return failure_; }
  // What the current connection, or the last one, has moved.
  const Traffic& traffic() const noexcept { return traffic_; }

  // Bytes waiting to be sent, and bytes received and not yet consumed: the caller's own Bytearray
  // where the options gave one.
  help::Bytearray& txbs() noexcept { return *txbs_; }
  help::Bytearray& rxbs() noexcept { return *rxbs_; }
  const help::Bytearray& txbs() const noexcept { return *txbs_; }
  const help::Bytearray& rxbs() const noexcept { return *rxbs_; }
  std::size_t bs() const noexcept { return bs_; }
  WireLog* wl() const noexcept { return wl_; }

  // Bytes from txbs that the stream has taken and not passed on yet, as TLS may have.
  bool unsent() const noexcept;
  // Send and receive buffer of the socket, as the kernel reports them; zeros without one (B1).
  virtual net::BufferSizes actualBufSizes() const;
  // From now on calls that are known to be blocked ask nobody, and `waker` is told when service()
  // has something to do: readiness, or bytes given to tx(). See watched() and net::Poller. The
  // poller outlives the link or is taken away by another attach; null: as at first.
  virtual void attach(net::Poller* poller, base::Waker waker = {});
  // Nothing escapes the waker: until it is told, or deadline() has come, service() need not be
  // called. False without a poller and where the network tells nobody.
  virtual bool notifies() const noexcept;
  // Has service() called again: after room was made in a full rxbs, or bytes were put on txbs past
  // tx().
  void wake() const noexcept { binding_.waker.wake(); }
  // rxbs is at its high-water mark: nothing is read before there is room.
  bool full() const noexcept { return rxbs_->size() >= limits_.rxHigh; }
  // For a foreign event loop: the descriptor to wait on, and what for; -1 when there is nothing to
  // wait for, and the descriptor is then not to be watched: it may be ready for ever.
  virtual int fd() const noexcept;
  virtual Interest wants() const noexcept;

  // One receive of at most bs bytes, which do not go to rxbs: empty optional when there is nothing
  // now, no bytes when the far side has closed or is lost (cutoff is then true), data otherwise (R1
  // to R5). Throws std::logic_error without a socket, std::system_error for an unexpected error.
  std::optional<help::Bytes> receive();
  // Receives into rxbs until there is no more, the limits are reached or the far side has closed.
  // Nothing when not connected. Throws for nothing that the network did (R6, R7).
  void serviceReceives();
  // The same with at most one receive of at most bs bytes (R8).
  void serviceReceiveOnce();
  void clearRxbs() noexcept { rxbs_->clear(); }

  // One send past txbs. Returns how many bytes were taken; 0 when none can be now or the far side
  // is lost (cutoff is then true) (T1 to T4). Throws std::logic_error without a socket,
  // std::system_error for an unexpected error and after this side's shutdownSend().
  std::size_t send(std::span<const std::byte> data);
  std::size_t send(std::string_view text) { return send(help::bytesOf(text)); }
  // Copies all of the data onto txbs, in any state; false, and nothing copied, when txbs would
  // exceed its limit or the link is closing (T6).
  bool tx(std::span<const std::byte> data);
  bool tx(std::string_view text) { return tx(help::bytesOf(text)); }
  // How many bytes tx() has room for.
  std::size_t txRoom() const noexcept {
    return limits_.txLimit - std::min(limits_.txLimit, txbs_->size());
  }
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

  // True when the stream may be used, false when there is nothing to be had yet; throws
  // std::logic_error when it makes no sense to ask.
  virtual bool usable(std::string_view what);
  // service() has something to do of which no descriptor tells, or has told already.
  bool ready() const noexcept;
  // It will after a pause: a call was blocked by what nobody tells the end of.
  bool lacksMemory() const noexcept { return flowing() && lacksMemory_; }
  const PollerBinding& binding() const noexcept { return binding_; }
  // What the link shows may have changed.
  void changed() const noexcept;
  // Called when bytes have moved, and when the connection has been cut off.
  virtual void moved() {}
  virtual void wasCut() {}

 private:
  bool flowing() const noexcept { return stream_ != nullptr && !cutoff_; }
  // A send has failed; what has arrived may still be read.
  bool sendDead() const noexcept { return sendShut_ || failure_ != nullptr; }
  std::size_t receiveSome(std::size_t allowed);
  void readSmaller() noexcept;
  void rest() noexcept;
  net::IoResult take(std::span<std::byte> room);
  net::IoResult put(std::span<const std::byte> data);
  net::IoResult bounded(net::IoResult result);
  void fail(Stage stage, const std::error_code& code);
  void cut();
  void cutWhenOver();
  void cutWhenRead();
  [[noreturn]] void raise(Stage stage, const std::error_code& code) const;
  Address far() const { return Address(stream_->peer()); }

  friend class Observer;

  std::unique_ptr<const std::string> who_;  // far() as the wire log shows it; only with a log
  std::size_t bs_;
  help::Bytearray ownTxbs_;
  help::Bytearray ownRxbs_;
  // What each visit looks at, close together here and at the front of those that derive from this.
  std::unique_ptr<net::Stream> stream_;
  help::Bytearray* txbs_;
  help::Bytearray* rxbs_;
  std::size_t readSize_;  // of the next receive
  Limits limits_;
  Traffic traffic_;
  Observer* observers_ = nullptr;
  WireLog* wl_;
  PollerBinding binding_;
  std::unique_ptr<const Failure> failure_;
  std::optional<Tyme> starvedSince_;
  bool notified_ = false;     // the stream tells the waker
  bool lacksMemory_ = false;  // as of the last call
  bool halfOpen_;
  bool cutoff_ = false;
  bool ended_ = false;
  bool sendShut_ = false;
  bool txRefused_ = false;
};

}  // namespace hio::core::tcp
