// The demo's near side: streams a source through a connection that is cut off now and then. The
// protocol is told in demo_server.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hio/core/tcp/clienting_tls.hpp"
#include "journal.hpp"
#include "source.hpp"
#include "terminal.hpp"

namespace hio::tool {

class DemoClient {
 public:
  // Positions in the stream, and bytes, of one connection.
  struct Sent {
    std::uint64_t from = 0;
    // To the network, up to this position; over TLS a part may still be staged there, and is as
    // much in doubt as what is under way.
    std::uint64_t handedOver = 0;
    std::uint64_t acknowledged = 0;  // by the server, up to this position
    bool cut = false;
  };

  // Over TLS with the context, the server's name being localhost; over TCP without one.
  DemoClient(base::Tymth tymth, const core::Address& server, const Source& source,
             std::uint64_t seed, const Journal& journal, std::shared_ptr<net::TlsContext> context);

  // Throws std::runtime_error when the server says what cannot be, or is not to be trusted.
  void service();
  void attach(net::Poller& poller) { client_->attach(&poller); }
  std::optional<base::Tyme> deadline() const { return client_->deadline(); }

  // All is sent and acknowledged, and the connection was ended in order.
  bool done() const noexcept { return done_; }
  std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  const std::vector<Sent>& connections() const noexcept { return sent_; }

 private:
  void beginEpoch();
  void readLines();
  void heard(std::uint64_t have, bool all);
  void resume(std::uint64_t have);
  void feed();
  void endEpoch();

  const Source& source_;
  const Journal& journal_;
  std::unique_ptr<core::tcp::Client> client_;
  std::vector<Sent> sent_{};
  std::vector<std::byte> piece_;
  std::uint64_t next_ = 0;  // the position that goes to txbs next
  std::uint64_t acknowledged_ = 0;
  bool resumed_ = false;     // on this connection the server has told what it has
  bool ended_ = false;       // this side has ended its sending
  bool allArrived_ = false;  // the server says so
  bool done_ = false;
};

}  // namespace hio::tool
