// A loop sleeps until deadline(): it must neither oversleep nor spin.
#include <gtest/gtest.h>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::blockedOnWrite;
using test::failed;
using test::FakeNet;
using test::lost;

struct ClientLoop : testing::Test {
  base::Tymist tymist;
  FakeNet net;

  ClientOptions options() { return {.tymth = tymist.tymen(), .net = &net}; }
};

TEST_F(ClientLoop, LooksAtSeveralRacingStreamsByTheClock) {
  net.names["two.test"] = {.ips = {*net::Ip::parse("10.0.0.1"), *net::Ip::parse("10.0.0.2")}};
  net.next().connects.assign(3, blockedOnWrite());
  net.next().connects.assign(9, blockedOnWrite());
  ClientOptions two = options();
  two.host = "two.test";
  Client client(two);
  client.service();
  EXPECT_EQ(client.deadline(), 250ms);
  tymist.tick(250ms);
  client.service();
  EXPECT_EQ(client.deadline(), std::nullopt);
  tymist.tick(10ms);
  client.service();
  client.service();
  EXPECT_TRUE(client.connected());
}

// A full rxbs is nothing to be woken for; making room is.
TEST_F(ClientLoop, IsDueAgainWhenAFullBufferHasRoom) {
  ClientOptions bounded = options();
  bounded.limits.rxHigh = 4;
  Client client(bounded);
  client.connect();
  net.wire(0).receives = {"abcdef", lost(std::errc::connection_reset)};
  client.service();
  EXPECT_EQ(client.deadline(), std::nullopt);
  client.rxbs().consume(1);
  EXPECT_EQ(client.deadline(), 0s);
  client.clearRxbs();
  EXPECT_EQ(client.deadline(), 0s);
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.deadline(), std::nullopt);
}

// Faults 14: what arrived is delivered, however full rxbs was when the link was found gone.
TEST_F(ClientLoop, AFullBufferLosesNothingWhenASendFindsTheLinkGone) {
  ClientOptions bounded = options();
  bounded.limits.rxHigh = 4;
  Client client(bounded);
  client.connect();
  net.wire(0).receives = {"abcdefgh", lost(std::errc::connection_reset)};
  client.service();
  net.wire(0).sends = {lost(std::errc::broken_pipe)};
  client.tx("x");
  client.service();
  EXPECT_FALSE(client.cutoff());
  EXPECT_EQ(client.rxbs().text(), "abcd");
  client.clearRxbs();
  client.service();
  EXPECT_EQ(client.rxbs().text(), "efgh");
  client.clearRxbs();
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::broken_pipe);
  EXPECT_EQ(net.wire(0).sendCalls, 1);
}

TEST_F(ClientLoop, AHalfOpenClientLearnsOfAReset) {
  ClientOptions half = options();
  half.halfOpen = true;
  Client client(half);
  client.connect();
  net.wire(0).receives = {IoResult::ended()};
  client.service();
  ASSERT_TRUE(client.ended());
  net.wire(0).receives = {lost(std::errc::connection_reset)};
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_reset);
}

TEST_F(ClientLoop, DrainingWithNothingToSendIsDueAtOnce) {
  Client client(options());
  client.connect();
  client.drain(10s);
  EXPECT_EQ(client.deadline(), 0s);
  client.service();
  EXPECT_EQ(net.wire(0).shutdowns.size(), 1U);
  EXPECT_EQ(client.deadline(), 10s);
  net.wire(0).receives = {IoResult::ended()};
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
}

TEST_F(ClientLoop, DrainingACutOffClientIsDueAtOnce) {
  Client client(options());
  client.connect();
  net.wire(0).receives = {IoResult::ended()};
  client.service();
  client.drain(10s);
  EXPECT_EQ(client.deadline(), 0s);
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
}

// Faults 9: with a time, lacking a descriptor is a pause, also for one that is not reconnectable.
TEST_F(ClientLoop, StarvingForADescriptorItWaitsAndComesBack) {
  net.failOpen(std::errc::too_many_files_open);
  Client client(options());
  client.service();
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_EQ(client.deadline(), 100ms);
  tymist.tick(100ms);
  client.service();
  EXPECT_TRUE(client.connected());
}

// Faults 42
TEST_F(ClientLoop, ATimeThatWasSetBackIsDueAtOnce) {
  tymist.tyme(1h);
  net.next().connects = {failed(std::errc::connection_refused)};
  ClientOptions again = options();
  again.reconnectable = true;
  Client client(again);
  client.service();
  ASSERT_EQ(client.phase(), Phase::waiting);
  tymist.tyme(0s);
  EXPECT_EQ(client.deadline(), 0s);
}

TEST_F(ClientLoop, TheLongestTimeoutIsNever) {
  tymist.tyme(1h);
  net.next().connects.assign(4, blockedOnWrite());
  ClientOptions patient = options();
  patient.timeout = base::Tyme::max();
  patient.reconnectable = true;
  Client client(patient);
  for (int i = 0; i < 4; ++i, tymist.tick(10'000h)) EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.failure(), nullptr);
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_EQ(net.openedCount(), 1U);
}

TEST_F(ClientLoop, TimeSpentConnectedIsNoTrouble) {
  net.next().connects = {failed(std::errc::connection_refused)};
  ClientOptions brief = options();
  brief.reconnectable = true;
  brief.retry.giveUpAfter = 5s;
  Client client(brief);
  for (client.service(); !client.connected(); client.service()) tymist.tick(10ms);
  tymist.tick(9s);
  net.wire(1).receives = {IoResult::ended()};
  client.service();
  for (int i = 0; i < 100 && client.epoch() < 2; ++i, tymist.tick(10ms)) client.service();
  EXPECT_EQ(client.epoch(), 2U);
}

TEST_F(ClientLoop, AResolverWithoutAnAddressIsAFailure) {
  net.names["empty.test"] = {};
  ClientOptions empty = options();
  empty.host = "empty.test";
  Client client(empty);
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.failure()->code(), net::ResolveError::noAddress);
}

TEST_F(ClientLoop, AnIdleOneHoldsNoLargeBuffer) {
  ClientOptions bulky = options();
  bulky.bs = 1U << 20U;
  Client client(bulky);
  client.connect();
  client.service();
  EXPECT_LE(client.rxbs().capacity(), help::Bytearray::Keep);
}

}  // namespace
}  // namespace hio::core::tcp
