// Passes everything on and writes down what every stream has moved.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/help/bytearray.hpp"
#include "hio/net/net.hpp"
#include "hio/net/tls.hpp"

namespace hio::swarm {

// What one stream has moved and how it ended, as its owner was told.
struct Wire {
  net::Endpoint near{};
  net::Endpoint far{};
  base::Tyme begun{0};
  base::Tyme connectedAt{0};
  net::TlsInfo tls{};  // of its handshake, if it had one
  bool connected = false;
  bool open = true;
  bool ended = false;
  bool shut = false;                       // its owner has ended the sending,
  bool sentAfterShut = false;              // and then sent more
  std::optional<std::error_code> error{};  // the first one, once connected
  bool askedSinceError = false;            // a receive has brought nothing since
  std::string sent{};
  std::size_t unsent = 0;  // of sent: not taken by the network yet
  std::string received{};
  std::string given{};  // what the program gave to be sent; kept by the checker
  std::size_t compared = 0;
  std::size_t framed = 0;  // of sent: known to be records of TLS
};

// What is written down of the streams of one side.
class Notes {
 public:
  struct Move {
    bool sent;
    bool early;  // before it was connected
    const Wire* wire;
    std::string bytes;
  };

  explicit Notes(base::Tymth tymth) : tymth_(std::move(tymth)) {}

  // Those that connected or were accepted, in that order.
  const std::vector<std::shared_ptr<Wire>>& wires() const { return wires_; }
  // All moves of all streams, in order.
  const std::vector<Move>& moves() const { return moves_; }
  int openNow() const { return open_; }

  // The same stream, written down from now on; `connected` when it is so already.
  std::unique_ptr<net::Stream> tapped(std::unique_ptr<net::Stream> stream, bool connected);

 private:
  class TapStream;

  base::Tymth tymth_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<Move> moves_;
  int open_ = 0;
};

// A network whose streams are all written down.
class Tap final : public net::Net {
 public:
  Tap(net::Net& below, Notes& notes) : below_(below), notes_(notes) {}

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return below_.resolver(); }
  std::uint64_t seed() override { return below_.seed(); }

 private:
  class TapListener;

  net::Net& below_;
  Notes& notes_;
};

}  // namespace hio::swarm
