// Clients and servers run by a Doist and told what there is to do: by the simulated network in
// virtual time, and by the kernel in real time.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "support/arms.hpp"
#include "support/driven_tls.hpp"
#include "support/loopback.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using base::Doist;
using test::ArmKind;
using test::clientTls;
using test::serverTls;

// Who runs the doers, and on which network.
class Ground {
 public:
  virtual ~Ground() = default;
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  virtual net::Net& near() = 0;
  virtual net::Net& far() = 0;
  // Of far(), as near() reaches it.
  virtual std::string host() const = 0;
  virtual net::Poller& poller() = 0;

  Doist doist{{.limit = 60s}};

 protected:
  Ground() = default;
};

class RealGround final : public Ground {
 public:
  RealGround() { doist.pacer(&pacer_); }
  net::Net& near() override { return net::systemNet(); }
  net::Net& far() override { return net::systemNet(); }
  std::string host() const override { return "127.0.0.1"; }
  net::Poller& poller() override { return *poller_; }

 private:
  std::unique_ptr<net::Poller> poller_ = net::systemPoller();
  net::PollerPacer pacer_{*poller_};
};

class SimGround final : public Ground {
 public:
  SimGround() { doist.pacer(&pacer_); }
  net::Net& near() override { return near_; }
  net::Net& far() override { return far_; }
  std::string host() const override { return far_.address(); }
  net::Poller& poller() override { return world_.poller(); }

 private:
  sim::World world_{{.tymth = doist.tymen()}};
  sim::WorldPacer pacer_{world_};
  sim::Host& near_ = world_.host("near");
  sim::Host& far_ = world_.host("far");
};

struct DrivenOnBothNets : testing::TestWithParam<ArmKind> {
  std::unique_ptr<Ground> ground = GetParam() == ArmKind::simulator
                                       ? std::unique_ptr<Ground>(std::make_unique<SimGround>())
                                       : std::make_unique<RealGround>();

  net::Net& near() const { return ground->near(); }
  net::Net& far() const { return ground->far(); }
  std::string host() const { return ground->host(); }
  Doist& doist() const { return ground->doist; }
  LinkDoerOptions byPoller() const { return {.poller = &ground->poller()}; }
};

// Counts its visits.
template <class Doer>
struct Counted : Doer {
  using Doer::Doer;
  int visits = 0;
  bool recur(base::Tyme tyme) override {
    ++visits;
    return Doer::recur(tyme);
  }
};

TEST_P(DrivenOnBothNets, PingsAndPongsWithAHandfulOfVisitsForEach) {
  Server server({.host = host(), .port = 0, .net = &far()});
  ASSERT_TRUE(server.open());
  const std::uint16_t port = server.eha().port;
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  Client client({.host = host(), .port = port, .net = &near()});
  const auto counted = std::make_shared<Counted<ClientDoer>>(client, byPoller());
  constexpr int Rounds = 1000;
  const auto user = base::doify([&, sent = 0](base::Tyme) mutable {
    if (client.rxbs().size() == 4) {
      client.clearRxbs();
      if (sent == Rounds) doist().stop();
    }
    if (client.rxbs().empty() && client.txbs().empty() && sent < Rounds && client.connected() &&
        client.traffic().received == static_cast<std::uint64_t>(4 * sent)) {
      client.tx("ping");
      ++sent;
    }
    return false;
  });
  doist().run({.doers = base::Doers{echo, counted, user}});
  EXPECT_EQ(client.traffic().received, 4U * Rounds);
  EXPECT_LE(counted->visits, 3 * Rounds + 20);
}

TEST_P(DrivenOnBothNets, NobodyIsVisitedForAnIdleConnection) {
  Server server({.host = host(), .port = 0, .net = &far()});
  ASSERT_TRUE(server.open());
  const auto echo = std::make_shared<Counted<EchoServerDoer>>(server, byPoller());
  Client client({.host = host(), .port = server.eha().port, .net = &near()});
  const auto counted = std::make_shared<Counted<ClientDoer>>(client, byPoller());
  int cycles = 0;
  const auto clock = base::doify(
      [&](base::Tyme) {
        if (++cycles == 50) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{echo, counted, clock}});
  EXPECT_EQ(cycles, 50);
  EXPECT_LE(counted->visits, 6);
  EXPECT_LE(echo->visits, 6);
}

TEST_P(DrivenOnBothNets, CarriesMegabytesThroughTls) {
  const tool::Authority authority("root");
  const auto own = authority.issue({host()});
  ServerTls server({.host = host(), .port = 0, .net = &far()}, serverTls(own));
  ASSERT_TRUE(server.open());
  ClientTls client({.host = host(), .port = server.eha().port, .net = &near()},
                   clientTls(authority));
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  const std::string sent(5U << 20U, 'x');
  client.tx(sent);
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.rxbs().size() == sent.size() || client.failure()) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{echo, doer, user}});
  EXPECT_EQ(client.rxbs().text(), sent);
  EXPECT_FALSE(client.failure()) << client.failure()->message();
}

// So that what comes can be consumed while it is in the processor's cache.
TEST_P(DrivenOnBothNets, AVisitOfABusyStreamBringsAModestPiece) {
  struct Doer : ClientDoer {
    using ClientDoer::ClientDoer;
    std::size_t most = 0;
    std::size_t all = 0;
    bool recur(base::Tyme tyme) override {
      ClientDoer::recur(tyme);
      const std::size_t came = client().rxbs().size();
      most = std::max(most, came);
      all += came;
      client().clearRxbs();
      return false;
    }
  };
  Server server({.host = host(), .port = 0, .net = &far()});
  ASSERT_TRUE(server.open());
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  Client client({.host = host(), .port = server.eha().port, .net = &near()});
  const auto doer = std::make_shared<Doer>(client, byPoller());
  const std::string sent(5U << 20U, 'x');
  client.tx(sent);
  const auto user = base::doify(
      [&](base::Tyme) {
        if (doer->all == sent.size()) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{echo, doer, user}});
  EXPECT_EQ(doer->all, sent.size());
  EXPECT_GT(doer->most, 8096U);
  EXPECT_LE(doer->most, 64U << 10U);
}

// A handshake that has failed makes room for a connection of which the poller has told already.
TEST_P(DrivenOnBothNets, AStalledHandshakeKeepsNobodyWaitingForEver) {
  const tool::Authority authority("root");
  const auto own = authority.issue({host()});
  auto limited = serverTls(own);
  limited.handshakeTimeout = 50ms;
  limited.maxHandshakes = 1;
  ServerTls server({.host = host(), .port = 0, .net = &far()}, limited);
  ASSERT_TRUE(server.open());
  Client stalls({.host = host(), .port = server.eha().port, .net = &near()});
  ClientTls waits({.host = host(), .port = server.eha().port, .net = &near()},
                  clientTls(authority));
  bool connected = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        connected = waits.connected();
        if (connected) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{std::make_shared<ServerDoer>(server, byPoller()),
                                    std::make_shared<ClientDoer>(stalls, byPoller()),
                                    std::make_shared<ClientDoer>(waits, byPoller()), user}});
  EXPECT_TRUE(connected);
  EXPECT_EQ(server.refused(), 1U);
}

TEST_P(DrivenOnBothNets, ARemoterThatWasClosedGoes) {
  Server server({.host = host(), .port = 0, .net = &far()});
  ASSERT_TRUE(server.open());
  Client client({.host = host(), .port = server.eha().port, .net = &near()});
  bool closed = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        if (!closed && !server.ixes().empty()) {
          server.closeAllIx();
          closed = true;
        }
        if (closed && server.ixes().empty()) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{std::make_shared<ServerDoer>(server, byPoller()),
                                    std::make_shared<ClientDoer>(client, byPoller()), user},
               .limit = 5s});
  EXPECT_TRUE(closed);
  EXPECT_TRUE(server.ixes().empty());
}

TEST_P(DrivenOnBothNets, ReconnectsWhenItsPauseIsOver) {
  Client client({.host = host(),
                 .port = test::closedPort(),
                 .reconnectable = true,
                 .retry = {.firstPause = 2ms, .maxPause = 2ms, .attempts = 5},
                 .net = &near()});
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.phase() == Phase::stopped) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run({.doers = base::Doers{doer, user}});
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->attempt(), 5U);
}

TEST_P(DrivenOnBothNets, AServerWhosePortWasTakenListensOnceItIsFree) {
  auto first = std::make_unique<Server>(ServerOptions{.host = host(), .port = 0, .net = &far()});
  ASSERT_TRUE(first->open());
  Server second({.host = host(), .port = first->eha().port, .net = &far()});
  bool refused = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        if (second.failure() != nullptr && first) {
          refused = second.failure()->code() == std::errc::address_in_use;
          first->close();
          first.reset();
        }
        if (second.opened()) doist().stop();
        return false;
      },
      {.tock = 1ms});
  doist().run(
      {.doers = base::Doers{std::make_shared<ServerDoer>(second, byPoller()), user}, .limit = 5s});
  EXPECT_TRUE(refused);
  EXPECT_LT(doist().tyme(), 3s);
}

// One for both families, and IPv4 clients have IPv4 addresses.
TEST_P(DrivenOnBothNets, AServerOnAllAddressesKnowsIpv4ClientsByTheirs) {
  Server server({.host = "::", .port = 0, .net = &far()});
  if (!server.open()) return;  // a machine without IPv6
  Client client({.host = host(), .port = server.eha().port, .net = &near()});
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.connected() && !server.ixes().empty()) doist().stop();
        return false;
      },
      {.tock = 1ms});
  Address ca;
  const auto look = base::doify([&](base::Tyme) {
    if (!server.ixes().empty()) ca = server.ixes().begin()->first;
    return false;
  });
  doist().run({.doers = base::Doers{std::make_shared<ServerDoer>(server, byPoller()),
                                    std::make_shared<ClientDoer>(client, byPoller()), look, user},
               .limit = 5s});
  EXPECT_EQ(ca.host.find(':'), std::string::npos) << ca.text();
  EXPECT_FALSE(ca.host.empty());
}

INSTANTIATE_TEST_SUITE_P(Nets, DrivenOnBothNets,
                         testing::Values(ArmKind::simulator, ArmKind::loopback),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace hio::core::tcp
