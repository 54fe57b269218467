// What a client or server waits for: nobody sleeps for ever, nobody is given up for nothing, and a
// program does the same polled and driven.
#include <gtest/gtest.h>

#include <memory>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "support/driven_tls.hpp"
#include "support/fake_net.hpp"
#include "support/pipe_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::blockedOnWrite;
using test::FakeNet;

// A4: with a poller, over a network that notifies nobody, both ends are looked at each tock.
TEST(Waiting, ANetworkThatNotifiesNobodyIsLookedAt) {
  base::Doist doist;
  sim::World world({.tymth = doist.tymen()});
  test::PipeNet net;
  const tool::Authority authority("root");
  ServerTls server({.host = "127.0.0.1", .port = 8, .net = &net},
                   test::serverTls(authority.issue({"far.test"})));
  ClientTls client({.host = "far.test", .port = 8, .net = &net}, test::clientTls(authority));
  const LinkDoerOptions driven{.poller = &world.poller()};
  doist.extend({std::make_shared<ClientDoer>(client, driven),
                std::make_shared<EchoServerDoer>(server, driven)});
  client.tx("hello");
  doist.enter();
  for (int cycles = 0; cycles < 50 && client.rxbs().empty(); ++cycles) {
    doist.recur();
    EXPECT_FALSE(client.notifies());
  }
  EXPECT_EQ(client.rxbs().text(), "hello");
  doist.exit();
}

struct Shortage : testing::Test {
  base::Tymist tymist;
  FakeNet net;
  Client client{{.tymth = tymist.tymen(), .net = &net}};
  void lackFor(int sends) {
    client.connect();
    net.wire(0).sends.assign(static_cast<std::size_t>(sends),
                             IoResult::lacking(IoResult::On::write));
    client.tx("x");
    client.service();
  }
};

// A8
TEST_F(Shortage, ADirectionInWhichNothingIsToBeMovedDoesNotCount) {
  lackFor(1);
  client.txbs().clear();
  for (int second = 0; second < 30; ++second, tymist.tick(1s)) client.service();
  EXPECT_FALSE(client.cutoff());
  EXPECT_EQ(client.deadline(), std::nullopt);
}

TEST_F(Shortage, TheTimeOfTheBlockedCallIsKept) {
  lackFor(1);
  EXPECT_EQ(client.deadline(), 100ms);
  tymist.tick(60ms);
  EXPECT_EQ(client.deadline(), 100ms);
  tymist.tick(40ms);
  client.service();
  EXPECT_EQ(net.wire(0).sent, "x");
}

TEST_F(Shortage, WhatWasNotAskedForAWhileSaysNothingOfTheTimeBetween) {
  lackFor(2);
  tymist.tick(30s);
  client.service();
  EXPECT_FALSE(client.cutoff());
  tymist.tick(100ms);
  client.service();
  EXPECT_EQ(net.wire(0).sent, "x");
}

TEST_F(Shortage, OneThatLastsIsAFailure) {
  lackFor(200);
  for (int times = 0; times < 101; ++times, tymist.tick(100ms)) client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::no_buffer_space);
}

// A9
TEST(Waiting, AClockSetBackDoesNotLeaveALookupBehind) {
  FakeNet net;
  net.names["slow.test"] = {.ips = {*net::Ip::parse("10.0.0.1")}, .blockedPolls = 2};
  base::Tymist tymist(1h);
  Client client({.host = "slow.test", .tymth = tymist.tymen(), .net = &net});
  client.service();
  EXPECT_EQ(client.deadline(), 1h + 10ms);
  tymist.tyme(0s);
  EXPECT_EQ(client.deadline(), 0s);
  client.service();
  EXPECT_EQ(client.deadline(), 10ms);
}

// A21
TEST(Waiting, AnAttemptsFailureNamesWhatWasTried) {
  FakeNet net;
  net.next().connects.assign(9, blockedOnWrite());
  base::Tymist tymist;
  Client client(
      {.timeout = 1s, .host = "10.0.0.1", .port = 7, .tymth = tymist.tymen(), .net = &net});
  client.service();
  client.reinitHostPort({.hostname = "10.0.0.2", .port = 8});
  tymist.tick(1s);
  client.service();
  EXPECT_EQ(client.failure()->address(), Address("10.0.0.1", 7));
  tymist.tick(1s);
  client.service();
  EXPECT_EQ(net.wire(1).target.ip.text(), "10.0.0.2");
}

// B3: ten minutes with a server that does not speak TLS, polled or driven.
std::uint64_t attemptsIn10Minutes(bool driven, bool reconnectable) {
  base::Doist doist({.limit = 10min});
  sim::World world({.tymth = doist.tymen(), .seed = 5});
  sim::WorldPacer pacer(world);
  doist.pacer(driven ? static_cast<base::Pacer*>(&pacer) : nullptr);
  auto& near = world.host("near");
  auto& far = world.host("far");
  Server server({.port = 7, .net = &far});
  ClientTls client({.timeout = 5s,
                    .host = "far",
                    .port = 7,
                    .reconnectable = reconnectable,
                    .retry = {.maxPause = 10s, .seed = 3},
                    .net = &near},
                   {.certify = Certify::insecureNone, .hostify = Hostify::insecureOff});
  const LinkDoerOptions how{.poller = driven ? &world.poller() : nullptr};
  std::uint64_t attempts = 0;
  doist.extend({std::make_shared<EchoServerDoer>(server, how),
                std::make_shared<ClientDoer>(client, how),
                base::doify(
                    [&](base::Tyme) {
                      if (client.failure() != nullptr) {
                        attempts = client.failure()->attempt();
                      }
                      return false;
                    },
                    {.tock = 1s})});
  doist.run();
  return attempts;
}

TEST(Waiting, AFailedHandshakeIsFollowedByTheSamePolledAndDriven) {
  for (const bool reconnectable : {false, true}) {
    const auto polled = attemptsIn10Minutes(false, reconnectable);
    const auto driven = attemptsIn10Minutes(true, reconnectable);
    // A pause of 5 to 10 s after each.
    EXPECT_GE(polled, 55U);
    EXPECT_LE(polled, 121U);
    EXPECT_NEAR(static_cast<double>(polled), static_cast<double>(driven), 2) << reconnectable;
  }
}

}  // namespace
}  // namespace hio::core::tcp
