// One attempt to connect.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/core/tcp/notified.hpp"
#include "hio/net/net.hpp"

namespace hio::core::tcp {

// The lookup of the name, the race of its addresses, and the handshake: made for one attempt, then
// destroyed. It knows when it wants to be asked again, and nothing of retries.
// The race is RFC 8305's: families alternate, the next address joins when the one before has failed
// or has not answered for 250 ms, the first to connect wins and the others are closed. Without a
// time the addresses are tried one after the other.
class Attempt {
 public:
  enum class Phase : std::uint8_t { resolving, connecting, handshaking };

  // Opens the first stream if `target` is an address; sends nothing before advance().
  Attempt(net::Net& net, Address target, const net::StreamOptions& options, PollerBinding binding);

  void bind(const PollerBinding& binding);
  bool notifies() const noexcept;
  // The source of time has changed: what waits for a time starts anew.
  void rewind() noexcept;

  // One step towards a TCP connection: done when there is one (the phase is then handshaking),
  // blocked, or failed.
  net::IoResult advance(std::optional<base::Tyme> now);
  // The stream of the TCP connection, which is to be secured or taken; null before.
  net::Stream* stream() const noexcept { return stream_.get(); }
  // Puts `layer(stream)` in the place of the stream, once. What it throws comes out; the stream is
  // then gone.
  template <class Layer>
  void secure(Layer layer) {
    if (std::exchange(secured_, true)) return;
    stream_.reset(layer(stream_.release()), binding_);
  }
  // One step of the handshake of a secured stream.
  net::IoResult shake(std::optional<base::Tyme> now);
  std::unique_ptr<net::Stream> take() noexcept { return stream_.release(); }

  Phase phase() const noexcept { return phase_; }
  // Nothing has been sent yet.
  bool fresh() const noexcept { return fresh_; }
  const Address& target() const noexcept { return target_; }
  // When it wants to be asked again though nobody is notified: Tyme::min() at once, Forever never.
  base::Tyme due() const noexcept;
  // The stream that was started last, or the connection's.
  const net::Stream* latest() const noexcept;

  // After a failure: what was being done, and what became of each address that failed, in order.
  Stage stage() const noexcept;
  const std::vector<Failure::Try>& tries() const noexcept { return tries_; }
  // The first address's error, once all have failed.
  std::error_code firstError() const noexcept;
  // Not one stream could be opened.
  bool neverOpened() const noexcept { return phase_ == Phase::connecting && !opened_; }

 private:
  struct Racer {
    net::Endpoint target;
    Notified<net::Stream> stream;
  };

  net::IoResult pollLookup(std::optional<base::Tyme> now);
  net::IoResult race(std::optional<base::Tyme> now);
  void startRace(std::vector<net::Ip> ips);
  bool openNext();
  void connectAll();

  net::Net& net_;
  Address target_;
  net::StreamOptions options_;
  PollerBinding binding_;
  Phase phase_ = Phase::resolving;
  bool fresh_ = true;
  bool opened_ = false;
  bool secured_ = false;
  Notified<net::Lookup> lookup_;
  std::vector<net::Endpoint> targets_;
  std::size_t next_ = 0;
  std::vector<Racer> racers_;
  std::vector<Failure::Try> tries_;
  std::optional<base::Tyme> joins_;  // when the next address does
  Notified<net::Stream> stream_;     // that won
  base::Tyme due_ = base::Tyme::min();
};

}  // namespace hio::core::tcp
