#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "support/allocations.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using base::Deed;
using base::Tyme;
using base::Tymth;
using test::FakeNet;

struct AwaitingTest : testing::Test {
  FakeNet net;
  base::Doist doist;
  std::unique_ptr<Client> client = std::make_unique<Client>(ClientOptions{.net = &net});
  std::optional<Waited> outcome;

  // Runs what `deed` waits for beside the client's doer, for so many cycles.
  template <class Wait>
  void run(Wait wait) {
    doist.extend(
        {std::make_shared<ClientDoer>(*client), base::doify([=, this](Tymth, Tyme) -> Deed {
           outcome = co_await wait();
           co_return true;
         })});
    doist.enter();
  }
  void turn(int cycles = 3) {
    for (; cycles > 0; --cycles) doist.recur();
  }
  void TearDown() override { doist.exit(); }
};

TEST_F(AwaitingTest, ConnectedWhenTheClientIs) {
  net.next().connects = {test::blockedOnWrite(), test::blockedOnWrite()};
  run([this] { return connected(*client); });
  turn(1);
  EXPECT_FALSE(outcome);
  turn();
  EXPECT_EQ(outcome, Waited::reached);
}

TEST_F(AwaitingTest, ConnectedIsOverOnceTheClientHasStopped) {
  client = std::make_unique<Client>(
      ClientOptions{.reconnectable = true, .retry = {.attempts = 1}, .net = &net});
  net.next().connects = {test::failed(std::errc::connection_refused)};
  run([this] { return connected(*client); });
  turn();
  EXPECT_EQ(outcome, Waited::stopped);
}

TEST_F(AwaitingTest, EachEndsAtItsLimit) {
  net.next().connects = std::deque<net::IoResult>(100, test::blockedOnWrite());
  run([this] { return connected(*client, 62500us); });  // two tocks
  turn(2);
  EXPECT_FALSE(outcome);
  turn(1);
  EXPECT_EQ(outcome, Waited::late);
}

TEST_F(AwaitingTest, ReceivedWhenThereIsEnough) {
  net.next().receives = {"ab", test::blockedOnRead(), "cd"};
  run([this] { return received(*client, 4); });
  turn(1);
  EXPECT_FALSE(outcome);
  turn();
  EXPECT_EQ(outcome, Waited::reached);
  EXPECT_EQ(client->rxbs().text(), "abcd");
}

TEST_F(AwaitingTest, ReceivedIsHopelessWhenTheFarSideHasEnded) {
  net.next().receives = {"ab", net::IoResult::ended()};
  run([this] { return received(*client, 4); });
  turn();
  EXPECT_EQ(outcome, Waited::cut);
}

TEST_F(AwaitingTest, DrainedWhenAllIsHandedOver) {
  net.next().sends = {net::IoResult::done(2), test::blockedOnWrite()};
  client->tx("abcd");
  run([this] { return drained(*client); });
  turn(2);
  EXPECT_FALSE(outcome);
  turn();
  EXPECT_EQ(outcome, Waited::reached);
}

// Parked meanwhile: it is not visited before something has changed.
TEST_F(AwaitingTest, AWaitIsNotVisitedForNothingAndAllocatesNothing) {
  net.next();
  run([this] { return received(*client); });
  turn(5);
  const test::Allocations before = test::allocations();
  turn(100);
  EXPECT_EQ(test::allocations().made, before.made);
  EXPECT_FALSE(outcome);
}

TEST_F(AwaitingTest, TheClientMayBeDestroyedMeanwhile) {
  doist.extend({base::doify([this](Tymth, Tyme) -> Deed {
    outcome = co_await received(*client);
    co_return true;
  })});
  doist.enter();
  turn();
  client.reset();
  turn();
  EXPECT_EQ(outcome, Waited::stopped);
}

// A1: in every order of the doers; the client has left the cutoff when the coroutine is visited.
TEST_F(AwaitingTest, AWaitIsOverWithItsConnectionThoughTheClientComesBack) {
  for (const bool doerFirst : {true, false}) {
    base::Doist runs;
    Client back({.reconnectable = true, .net = &net});
    net.next().receives = {"ab", test::blockedOnRead(), net::IoResult::ended()};
    outcome.reset();
    const auto waits = base::doify([&](Tymth, Tyme) -> Deed {
      const Waited link = co_await connected(back);
      EXPECT_EQ(link, Waited::reached);
      outcome = co_await received(back, 4);
      co_return true;
    });
    const auto doer = std::make_shared<ClientDoer>(back);
    runs.extend(doerFirst ? base::Doers{doer, waits} : base::Doers{waits, doer});
    runs.enter();
    for (int cycles = 0; cycles < 10 && !outcome; ++cycles) runs.recur();
    EXPECT_EQ(outcome, Waited::cut) << doerFirst;
    runs.exit();
  }
}

// A2
TEST_F(AwaitingTest, DrainedIsNotReachedByBytesThatWereThrownAway) {
  client = std::make_unique<Client>(
      ClientOptions{.reconnectable = true, .onCutoff = OnCutoff::drop, .net = &net});
  net.next().sends = {test::blockedOnWrite(), test::lost(std::errc::connection_reset)};
  client->tx("abcd");
  run([this] { return drained(*client); });
  turn(6);
  EXPECT_EQ(outcome, Waited::cut);
}

TEST_F(AwaitingTest, AWaitOnAStoppedClientIsOver) {
  run([this] { return received(*client); });
  turn(3);
  client->stop();
  turn(1);
  EXPECT_EQ(outcome, Waited::cut);
  outcome.reset();
  doist.extend({base::doify([this](Tymth, Tyme) -> Deed {
    outcome = co_await connected(*client);
    co_return true;
  })});
  EXPECT_EQ(outcome, Waited::stopped);
}

TEST_F(AwaitingTest, ACoroutineMayBeDestroyedWhileItWaits) {
  run([this] { return received(*client); });
  turn();
  doist.exit();
  EXPECT_FALSE(outcome);
  client->close();
}

}  // namespace
}  // namespace hio::core::tcp
