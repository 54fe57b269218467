// Clients that mean a TLS server harm, in their hundreds.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "support/driven_tls.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using namespace core::tcp;

constexpr std::size_t MostHandshakes = 16;

struct Hostile : testing::Test {
  Testbed bed{{"mob", "honest", "server"}};
  tool::Authority authority{"root"};
  ServerTls server{{.port = 443, .tymth = bed.tymth(), .net = &bed["server"]}, options()};
  std::deque<Client> mob;
  ClientTls honest{{.timeout = 1h,
                    .host = "server",
                    .port = 443,
                    .reconnectable = true,
                    .tymth = bed.tymth(),
                    .net = &bed["honest"]},
                   test::clientTls(authority)};
  std::size_t mostSeen = 0;

  ServerTlsOptions options() const {
    auto tls = test::serverTls(authority.issue({"server"}));
    tls.handshakeTimeout = 10s;
    tls.maxHandshakes = MostHandshakes;
    return tls;
  }
  // Their connections come first.
  void come(std::size_t count) {
    ASSERT_TRUE(server.open());
    for (std::size_t i = 0; i < count; ++i) {
      mob.emplace_back(ClientOptions{.host = "server",
                                     .port = 443,
                                     .reconnectable = true,
                                     .tymth = bed.tymth(),
                                     .net = &bed["mob"]});
      mob.back().service();
      bed.add(mob.back());
    }
    bed.add(server, honest);
    bed.add([&] { mostSeen = std::max(mostSeen, server.cxes()); });
  }
};

TEST_F(Hostile, SilentClientsKeepAnHonestOneWaitingForTheirDeadlinesOnly) {
  come(100);
  ASSERT_EQ(bed.run([&] { return honest.connected(); }), Outcome::done);
  EXPECT_EQ(mostSeen, MostHandshakes);
  // Seven lots of sixteen, and then it was its turn.
  EXPECT_LE(bed.tyme(), 80s);
  EXPECT_GE(server.refused(), 100U - MostHandshakes);
}

// A byte now and then is no progress that buys time.
TEST_F(Hostile, AHandshakeThatDripsInEndsAtItsDeadline) {
  come(MostHandshakes);
  // A record that promises 16,000 bytes of a handshake message.
  const std::string hello("\x16\x03\x01\x3e\x80\x01\x00\x3e\x7c\x03\x03", 11);
  std::size_t sent = 0;
  for (base::Tyme now{0}; now < 10s; now += 1s, ++sent) {
    for (Client& each : mob) each.tx(hello.substr(sent, 1));
    bed.pass(1s);
  }
  ASSERT_EQ(bed.run([&] { return honest.connected(); }), Outcome::done);
  EXPECT_LE(bed.tyme(), 12s);
  EXPECT_EQ(server.refusal()->code(), std::errc::timed_out);
}

TEST_F(Hostile, JunkIsDroppedAtOnce) {
  come(100);
  for (Client& each : mob) each.tx("GET / HTTP/1.1\r\n\r\n");
  ASSERT_EQ(bed.run([&] { return honest.connected() && server.refused() >= 100; }), Outcome::done);
  EXPECT_LE(bed.tyme(), 10s);
  EXPECT_LE(mostSeen, MostHandshakes);
}

}  // namespace
}  // namespace hio::sim
