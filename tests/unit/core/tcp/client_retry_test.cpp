// What a reconnectable client does after a failed attempt and after a cutoff.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::failed;
using test::FakeNet;
using test::lost;

struct ClientRetry : testing::Test {
  base::Tymist tymist{0s, 10ms};
  FakeNet net;

  ClientOptions options() {
    return {.timeout = 1s, .reconnectable = true, .tymth = tymist.tymen(), .net = &net};
  }
  void refuseNext(int times) {
    while (times-- > 0) net.next().connects = {failed(std::errc::connection_refused)};
  }
  // Services until the client is in that phase; how long it took.
  base::Tyme until(Client& client, Phase phase, base::Tyme most = 1h) {
    const base::Tyme start = tymist.tyme();
    client.service();
    while (client.phase() != phase && tymist.tyme() - start < most) {
      tymist.tick();
      client.service();
    }
    EXPECT_EQ(nameOf(client.phase()), nameOf(phase));
    return tymist.tyme() - start;
  }
};

TEST(Backoff, DrawsFromAWindowThatDoublesUpToItsMost) {
  FakeNet net;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff({.firstPause = 100ms, .maxPause = 1s, .seed = seed});
    for (const base::Tyme ceiling : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
      const base::Tyme pause = backoff.next(net);
      EXPECT_GE(pause, 0s) << "seed " << seed;
      EXPECT_LE(pause, ceiling) << "seed " << seed;
    }
    backoff.reset();
    EXPECT_LE(backoff.next(net), 100ms);
  }
}

TEST(Backoff, UsesTheWholeWindowAndRepeatsWithItsSeed) {
  FakeNet net;
  std::vector<base::Tyme> pauses;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    pauses.push_back(Backoff({.firstPause = 1s, .maxPause = 1s, .seed = seed}).next(net));
    EXPECT_EQ(pauses.back(), Backoff({.firstPause = 1s, .maxPause = 1s, .seed = seed}).next(net));
  }
  std::sort(pauses.begin(), pauses.end());
  EXPECT_LT(pauses.front(), 10ms);
  EXPECT_GT(pauses.back(), 990ms);
  EXPECT_NEAR(std::chrono::duration<double>(pauses[500]).count(), 0.5, 0.1);
}

TEST(Backoff, NeverOverflows) {
  FakeNet net;
  Backoff backoff({.firstPause = 1ns, .maxPause = base::Tyme::max() - 1ns, .seed = 7});
  for (int i = 0; i < 200; ++i) EXPECT_GE(backoff.next(net), 0s);
}

// A13 [bug]: hio's retries have no pause.
TEST_F(ClientRetry, PausesBetweenAttemptsAndSaysWhichAttemptFailed) {
  refuseNext(5);
  Client client(options());
  until(client, Phase::waiting);
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.accepted() || client.connected() || client.cutoff());
  EXPECT_EQ(net.openNow(), 0);
  EXPECT_EQ(client.deadline().value() > tymist.tyme(), true);
  until(client, Phase::connected);
  EXPECT_EQ(net.openedCount(), 6U);
  EXPECT_EQ(client.failure(), nullptr);
  EXPECT_EQ(client.epoch(), 1U);
}

TEST_F(ClientRetry, TheSeedDecidesThePauses) {
  const auto timeOfConnect = [](std::uint64_t seed) {
    base::Tymist time(0s, 1ms);
    FakeNet fake;
    for (int i = 0; i < 4; ++i) fake.next().connects = {failed(std::errc::connection_refused)};
    Client client(
        {.reconnectable = true, .tymth = time.tymen(), .retry = {.seed = seed}, .net = &fake});
    while (!client.serviceConnect()) time.tick();
    return time.tyme();
  };
  EXPECT_EQ(timeOfConnect(1), timeOfConnect(1));
  EXPECT_NE(timeOfConnect(1), timeOfConnect(2));
}

// S7 [bug]: hio never reconnects after a cutoff.
TEST_F(ClientRetry, ReconnectsAfterACutoffAndKeepsWhatWasQueued) {
  net.next().receives = {"old", IoResult::ended()};
  Client client(options());
  client.service();
  ASSERT_TRUE(client.cutoff());
  client.tx("queued");
  client.service();
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_FALSE(client.cutoff());
  until(client, Phase::connected);
  EXPECT_EQ(client.epoch(), 2U);
  EXPECT_EQ(net.wire(1).sent, "queued");
  // The old connection's bytes are readable until they are cleared, and told apart.
  EXPECT_EQ(client.rxbs().text(), "old");
  EXPECT_EQ(client.staleRx(), 3U);
  net.wire(1).receives = {"new"};
  client.service();
  EXPECT_EQ(client.rxbs().text(), "oldnew");
  EXPECT_EQ(client.staleRx(), 3U);
  client.rxbs().consume(2);
  EXPECT_EQ(client.staleRx(), 1U);
  client.clearRxbs();
  EXPECT_EQ(client.staleRx(), 0U);
}

// S7: not reconnectable, nothing happens after a cutoff.
TEST_F(ClientRetry, NotReconnectableStaysCutOff) {
  net.next().receives = {IoResult::ended()};
  Client client({.tymth = tymist.tymen(), .net = &net});
  for (int i = 0; i < 10; ++i, tymist.tick(1h)) client.service();
  EXPECT_EQ(client.phase(), Phase::cutoff);
  EXPECT_EQ(net.openedCount(), 1U);
}

TEST_F(ClientRetry, OnCutoffDropForgetsWhatWasQueuedThenAndOnlyThat) {
  net.next().sends = {IoResult::done(2), test::blockedOnWrite(), lost(std::errc::connection_reset)};
  ClientOptions dropping = options();
  dropping.onCutoff = OnCutoff::drop;
  Client client(dropping);
  client.tx("abcdef");
  client.service();
  client.service();
  client.service();
  ASSERT_TRUE(client.cutoff());
  EXPECT_TRUE(client.txbs().empty());
  client.tx("later");
  until(client, Phase::connected);
  EXPECT_EQ(net.wire(0).sent, "ab");
  EXPECT_EQ(net.wire(1).sent, "later");
}

TEST_F(ClientRetry, TellsWhatTheOldConnectionHandedOver) {
  net.next().receives = {"12345"};
  Client client(options());
  client.tx("abc");
  client.service();
  EXPECT_EQ(client.traffic().sent, 3U);
  EXPECT_EQ(client.traffic().received, 5U);
  net.wire(0).receives = {IoResult::ended()};
  client.service();
  until(client, Phase::connected);
  EXPECT_EQ(client.previousTraffic().epoch, 1U);
  EXPECT_EQ(client.previousTraffic().sent, 3U);
  EXPECT_EQ(client.previousTraffic().received, 5U);
  EXPECT_EQ(client.traffic().epoch, 2U);
  EXPECT_EQ(client.traffic().sent, 0U);
}

TEST_F(ClientRetry, StopsAfterTheAttemptsItMayMake) {
  refuseNext(3);
  ClientOptions few = options();
  few.retry.attempts = 3;
  Client client(few);
  until(client, Phase::stopped);
  EXPECT_FALSE(client.opened() || client.accepted() || client.connected());
  EXPECT_EQ(client.failure()->attempt(), 3U);
  EXPECT_EQ(client.deadline(), std::nullopt);
  for (int i = 0; i < 100; ++i, tymist.tick(1h)) client.service();
  EXPECT_EQ(net.openedCount(), 3U);
  // Only the user starts it again, with all its attempts.
  EXPECT_TRUE(client.connect());
}

TEST_F(ClientRetry, StopsAfterTheTimeItMayTake) {
  net.next().connects = {failed(std::errc::connection_refused)};
  for (int i = 0; i < 50; ++i) net.next().connects = {failed(std::errc::connection_refused)};
  ClientOptions brief = options();
  brief.retry = {.firstPause = 1s, .maxPause = 1s, .giveUpAfter = 5s};
  Client client(brief);
  until(client, Phase::stopped);
  EXPECT_GE(tymist.tyme(), 5s);
  EXPECT_LE(tymist.tyme(), 6s + 100ms);
  // Use up the scripts.
  while (net.openedCount() < 51) client.reopen();
}

TEST_F(ClientRetry, StopsAtAFailureThatNoRetryMends) {
  net.names["bad"] = {.code = net::ResolveError::badName};
  for (const bool reconnectable : {false, true}) {
    ClientOptions bad = options();
    bad.host = "bad";
    bad.reconnectable = reconnectable;
    Client client(bad);
    client.service();
    EXPECT_EQ(client.phase(), Phase::stopped);
    EXPECT_EQ(client.failure()->code(), net::ResolveError::badName);
  }
}

TEST_F(ClientRetry, TheCallerMayDecideWhatIsWorthARetry) {
  refuseNext(1);
  ClientOptions strict = options();
  strict.retry.retryable = [](const Failure& failure) {
    return failure.code() != std::errc::connection_refused;
  };
  Client client(strict);
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
}

// A server that takes connections only to end them uses up attempts as one that refuses does.
TEST_F(ClientRetry, ConnectionsThatDoNotLastCountAsFailed) {
  for (int i = 0; i < 3; ++i) net.next().receives = {IoResult::ended()};
  ClientOptions few = options();
  few.retry.attempts = 3;
  Client client(few);
  until(client, Phase::stopped);
  EXPECT_EQ(client.epoch(), 3U);
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_aborted);
}

TEST_F(ClientRetry, AConnectionThatLastedMakesPausesShortAndAttemptsFresh) {
  refuseNext(8);
  ClientOptions few = options();
  few.retry.attempts = 9;
  Client client(few);
  until(client, Phase::connected);
  tymist.tick(10s);
  refuseNext(8);
  net.wire(8).receives = {lost(std::errc::connection_reset)};
  client.service();
  ASSERT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_reset);
  client.service();
  EXPECT_LE(client.deadline().value() - tymist.tyme(), 100ms);
  until(client, Phase::connected);
  EXPECT_EQ(client.epoch(), 2U);
}

// Faults 42: clocks that jump.
TEST_F(ClientRetry, ATimeThatJumpsAheadMakesOneAttemptNotMany) {
  refuseNext(2);
  Client client(options());
  client.service();
  tymist.tick(24h * 365);
  client.service();
  EXPECT_EQ(net.openedCount(), 2U);
  until(client, Phase::connected);
}

TEST_F(ClientRetry, ATimeThatIsSetBackDoesNotStretchThePause) {
  tymist.tyme(24h);
  refuseNext(1);
  Client client(options());
  client.service();
  tymist.tyme(0s);
  EXPECT_LE(until(client, Phase::connected), 200ms);
}

TEST_F(ClientRetry, AnotherTimeMayBeWoundWhileItWaits) {
  refuseNext(1);
  Client client(options());
  client.service();
  ASSERT_EQ(client.phase(), Phase::waiting);
  base::Tymist other(-50h, 10ms);
  client.wind(other.tymen());
  for (int i = 0; i < 20 && !client.connected(); ++i, other.tick()) client.service();
  EXPECT_TRUE(client.connected());
}

TEST_F(ClientRetry, ConnectDoesNotWaitForThePause) {
  refuseNext(1);
  Client client(options());
  client.service();
  ASSERT_EQ(client.phase(), Phase::waiting);
  EXPECT_TRUE(client.connect());
}

TEST_F(ClientRetry, WithoutADescriptorItWaitsEvenIfPausesAreOff) {
  net.failOpen(std::errc::too_many_files_open);
  ClientOptions hasty = options();
  hasty.retry = {.firstPause = 0s};
  Client client(hasty);
  client.service();
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_EQ(client.failure()->stage(), Stage::open);
  client.service();
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_EQ(client.deadline(), 100ms);
  tymist.tick(100ms);
  client.service();
  EXPECT_TRUE(client.connected());
}

TEST_F(ClientRetry, ClosingWhileItWaitsEndsTheWaiting) {
  refuseNext(1);
  Client client(options());
  client.service();
  ASSERT_EQ(client.phase(), Phase::waiting);
  client.close();
  EXPECT_EQ(client.phase(), Phase::closed);
  EXPECT_EQ(client.deadline(), tymist.tyme());  // the next service() opens it
}

}  // namespace
}  // namespace hio::core::tcp
