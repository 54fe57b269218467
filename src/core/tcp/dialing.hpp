// One attempt to connect, to any of several addresses.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/net/net.hpp"

namespace hio::core::tcp {

// Races the addresses in the manner of RFC 8305: families alternate, the next address joins when
// the one before has failed or has not answered for a while, the first to connect wins and the
// others are closed. Without a time the addresses are tried one after the other.
class Dial {
 public:
  static constexpr base::Tyme Stagger = std::chrono::milliseconds(250);
  // How often several streams at once want to be looked at: one descriptor cannot tell of them all.
  static constexpr base::Tyme Look = std::chrono::milliseconds(10);

  // Opens a stream for the first address; nothing is sent before poll(). At least one address.
  Dial(net::Net& net, std::vector<net::Ip> ips, std::uint16_t port, net::StreamOptions options,
       PollerBinding binding = {});

  void attach(const PollerBinding& binding);
  // Each stream tells the waker.
  bool notifies() const noexcept { return notifies_; }

  // Goes on: done when a stream has connected, blocked while one may, failed with the first
  // address's error when all have failed. Asks each stream once.
  net::IoResult poll(std::optional<base::Tyme> now);
  // The stream that connected, after done.
  std::unique_ptr<net::Stream> take() noexcept { return std::move(winner_); }

  // Nothing has been sent yet.
  bool fresh() const noexcept { return fresh_; }
  // The stream that was started last; null when all have failed.
  const net::Stream* latest() const noexcept;
  // When poll() has something to do though latest() is not ready.
  std::optional<base::Tyme> deadline(base::Tyme now) const noexcept;
  // What became of those that failed, in order.
  const std::vector<Failure::Try>& tries() const noexcept { return tries_; }
  // No stream could even be opened.
  bool neverOpened() const noexcept { return !opened_; }
  // The first address's error; set once all have failed.
  std::error_code firstError() const noexcept;
  // The source of time has changed: the next address joins on the new one.
  void rewind() noexcept { polledAt_.reset(), joins_.reset(); }

 private:
  bool openNext();
  void connectAll();

  net::Net& net_;
  net::StreamOptions options_;
  std::vector<net::Endpoint> targets_;
  std::size_t next_ = 0;
  struct Racer {
    net::Endpoint target;
    std::unique_ptr<net::Stream> stream;
  };
  std::vector<Racer> racers_;
  std::unique_ptr<net::Stream> winner_;
  std::vector<Failure::Try> tries_;
  PollerBinding binding_;
  bool notifies_;
  std::optional<base::Tyme> joins_;
  std::optional<base::Tyme> polledAt_;
  bool opened_ = false;
  bool fresh_ = true;
};

}  // namespace hio::core::tcp
