// A network that passes everything on and writes down what every stream has moved.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "hio/net/net.hpp"

namespace hio::swarm {

// What one stream has moved and how it ended, as its owner was told.
struct Wire {
  net::Endpoint near{};
  net::Endpoint far{};
  bool connected = false;
  bool open = true;
  bool ended = false;
  std::optional<std::error_code> error{};  // the first one, once connected
  std::string sent{};
  std::string received{};
  std::string given{};  // what the program gave to be sent; kept by the checker
  std::size_t compared = 0;
};

class Tap final : public net::Net {
 public:
  struct Move {
    bool sent;
    const Wire* wire;
    std::string bytes;
  };

  explicit Tap(net::Net& below) : below_(below) {}

  // Those that connected or were accepted, in that order.
  const std::vector<std::shared_ptr<Wire>>& wires() const { return wires_; }
  // All moves of all streams, in order.
  const std::vector<Move>& moves() const { return moves_; }
  int openNow() const { return open_; }

  net::Made<net::Stream> open(const net::Endpoint& peer,
                              const net::StreamOptions& options) override;
  net::Made<net::Listener> listen(const net::Endpoint& local,
                                  const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return below_.resolver(); }
  std::uint64_t seed() override { return below_.seed(); }

 private:
  class TapStream;
  class TapListener;

  net::Net& below_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<Move> moves_;
  int open_ = 0;
};

}  // namespace hio::swarm
