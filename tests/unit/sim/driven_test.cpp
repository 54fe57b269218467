// Programs that the simulated network tells of what there is to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "support/driven_tls.hpp"
#include "support/sim_pair.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using namespace core::tcp;

struct Counter final : base::Wakeable {
  int wakes = 0;
  void wake() noexcept override { ++wakes; }
};

struct SimTold : test::SimPair {
  std::shared_ptr<Counter> told = std::make_shared<Counter>();

  // Of a stream whose last calls found that they had to wait.
  void attach(net::Stream& to) {
    ASSERT_TRUE(to.attach(&world.poller(), base::Waker(told)));
    EXPECT_TRUE(receiveOnce(to).isBlocked());
    told->wakes = 0;
  }
};

TEST_F(SimTold, OfWhatArrivesOnceUntilItIsTaken) {
  connect();
  attach(*peer);
  EXPECT_FALSE(peer->pending().received);
  EXPECT_EQ(send(*stream, "one").count(), 3U);
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_TRUE(peer->pending().received);
  EXPECT_EQ(send(*stream, "two").count(), 3U);
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_EQ(receive(*peer), "onetwo");
  EXPECT_FALSE(peer->pending().received);
  EXPECT_EQ(send(*stream, "three").count(), 5U);
  tick(1s);
  EXPECT_EQ(told->wakes, 2);
}

TEST_F(SimTold, OfTheEndAndOfAReset) {
  connect();
  attach(*peer);
  EXPECT_TRUE(stream->shutdown(net::Direction::send).isDone());
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_TRUE(peer->pending().received);
  EXPECT_TRUE(receiveOnce(*peer).isEnded());

  connect();
  attach(*peer);
  const auto rule = world.add(end(near, Op::send, Ending::reset));
  EXPECT_EQ(send(*stream, "x").code(), std::errc::connection_reset);
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_EQ(receiveOnce(*peer).code(), std::errc::connection_reset);
}

TEST_F(SimTold, OfRoomForSending) {
  connect();
  const std::string much(std::size_t(1) << 20U, 'x');
  attach(*stream);
  while (!send(*stream, much).isBlocked()) tick(1ms);
  EXPECT_FALSE(stream->sendable());
  told->wakes = 0;
  EXPECT_FALSE(receive(*peer).empty());
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_TRUE(stream->sendable());
}

TEST_F(SimTold, OfAConnectionToAccept) {
  listen();
  ASSERT_TRUE(listener->attach(&world.poller(), base::Waker(told)));
  EXPECT_TRUE(listener->accept().result.isBlocked());
  told->wakes = 0;
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(1s);
  EXPECT_EQ(told->wakes, 1);
  EXPECT_TRUE(listener->accept().stream);
}

TEST_F(SimTold, NothingOnceItIsDetached) {
  connect();
  attach(*peer);
  EXPECT_FALSE(peer->attach(nullptr, {}));
  EXPECT_EQ(send(*stream, "x").count(), 1U);
  tick(1s);
  EXPECT_EQ(told->wakes, 0);
  EXPECT_FALSE(peer->pending().received);
}

TEST_F(SimTold, ThePollerDeliversWithoutWaitingAndHasNoDescriptors) {
  connect();
  EXPECT_EQ(send(*stream, "x").count(), 1U);
  const auto before = tymist.tyme();
  tymist.tick(1s);
  EXPECT_GT(world.poller().wait(std::nullopt).count(), 0U);
  EXPECT_EQ(world.poller().wait(1h).count(), 0U);
  EXPECT_EQ(tymist.tyme(), before + 1s);
  struct Nobody final : net::ReadinessHandler {
    void ready(net::Readiness) noexcept override { ADD_FAILURE(); }
  } nobody;
  std::error_code code;
  const net::Registration watch = world.poller().watch(0, nobody, code);
  EXPECT_EQ(code, std::errc::operation_not_supported);
}

// What nobody tells the end of is tried again after a pause, by programs that are only visited
// when there is something to do.
struct Starved : testing::Test {
  base::Doist doist{{.limit = 1h}};
  World world{{.tymth = doist.tymen()}};
  WorldPacer pacer{world};
  Host& near = world.host("near");
  Host& far = world.host("far");
  Server server{{.port = 7, .net = &far}};
  Client client{{.host = "far", .port = 7, .net = &near}};

  // Until done(); gives the tyme.
  base::Tyme run(const std::function<bool()>& done) { return run(server, client, done); }
  base::Tyme run(Server& echoes, Client& calls, const std::function<bool()>& done) {
    doist.pacer(&pacer);
    const auto user = base::doify(
        [&](base::Tyme) {
          if (done()) doist.stop();
          return false;
        },
        {.tock = 1ms});
    const LinkDoerOptions byPoller{.poller = &world.poller()};
    doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(echoes, byPoller),
                                    std::make_shared<ClientDoer>(calls, byPoller), user}});
    return doist.tyme();
  }
};

TEST_F(Starved, AClientSendsAgainAfterAPause) {
  const auto rule = world.add(fail(near, Op::send, std::errc::no_buffer_space, {.times = 3}));
  client.tx("hello");
  const auto took = run([&] { return client.rxbs().text() == "hello"; });
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 400ms);
}

TEST_F(Starved, AClientReceivesAgainAfterAPause) {
  const auto rule = world.add(fail(near, Op::receive, std::errc::not_enough_memory, {.times = 3}));
  client.tx("hello");
  const auto took = run([&] { return client.rxbs().text() == "hello"; });
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 400ms);
}

TEST_F(Starved, AClientFailsWhenItLastsTooLong) {
  const auto rule = world.add(fail(near, Op::send, std::errc::no_buffer_space, {.times = 100'000}));
  client.tx("hello");
  const auto took = run([&] { return client.failure() != nullptr; });
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->code(), std::errc::no_buffer_space);
  EXPECT_EQ(client.failure()->stage(), Stage::send);
  EXPECT_THAT(client.failure()->message(), testing::HasSubstr("short of memory"));
  EXPECT_EQ(client.txbs().text(), "hello");
  EXPECT_GE(took, 10s);
  EXPECT_LT(took, 11s);
}

TEST_F(Starved, AServerAcceptsAgainAfterAPause) {
  const auto rule = world.add(fail(far, Op::accept, std::errc::too_many_files_open, {.times = 3}));
  client.tx("hello");
  const auto took = run([&] { return client.rxbs().text() == "hello"; });
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 400ms);
  EXPECT_FALSE(server.failure());
}

TEST_F(Starved, AServersConnectionGetsAnotherTurn) {
  const auto noReceive =
      world.add(fail(far, Op::receive, std::errc::no_buffer_space, {.times = 3}));
  const auto noSend = world.add(fail(far, Op::send, std::errc::no_buffer_space, {.times = 2}));
  client.tx("hello");
  const auto took = run([&] { return client.rxbs().text() == "hello"; });
  EXPECT_GE(took, 300ms);
  EXPECT_LT(took, 600ms);
}

TEST_F(Starved, AHandshakeGoesOnAfterAPause) {
  const tool::Authority authority("root");
  const auto own = authority.issue({"far"});
  ServerTls tlsServer({.port = 8, .net = &far}, test::serverTls(own));
  ClientTls tlsClient({.host = "far", .port = 8, .net = &near}, test::clientTls(authority));
  tlsClient.tx("hello");
  const auto atClient =
      world.add(fail(near, Op::receive, std::errc::not_enough_memory, {.times = 2}));
  const auto atServer = world.add(fail(far, Op::send, std::errc::no_buffer_space, {.times = 2}));
  const auto took = run(tlsServer, tlsClient, [&] { return tlsClient.rxbs().text() == "hello"; });
  EXPECT_GE(took, 100ms);  // a visit that the far side causes may try again before
  EXPECT_LT(took, 300ms);
}

}  // namespace
}  // namespace hio::sim
