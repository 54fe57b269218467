// The simulated TCP in time: what is lost, what waits, and what is given up when.
#include <gtest/gtest.h>

#include "support/sim_pair.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using base::Tyme;
using net::IoResult;
using test::blockedOnRead;
using test::SimPair;

struct SimTcp : SimPair {};

TEST_F(SimTcp, LatencyIsExact) {
  auto line = world.add(link(near, far, {.latency = 10ms}));
  listen();
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(20ms - 1ns);
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(1ns);
  EXPECT_TRUE(stream->connect().isDone());
  EXPECT_FALSE(listener->accept().stream);
  tick(10ms);
  peer = listener->accept().stream;
  ASSERT_TRUE(peer);
  EXPECT_EQ(send(*stream, "ping").count(), 4U);
  EXPECT_EQ(world.next(), tymist.tyme() + 10ms);
  tick(10ms - 1ns);
  EXPECT_EQ(receive(*peer), "");
  tick(1ns);
  EXPECT_EQ(receive(*peer), "ping");
}

// One tick over many events plays each at its own time.
TEST_F(SimTcp, ALongTickIsPlayedInOrder) {
  auto line = world.add(link(near, far, {.latency = 10ms}));
  listen();
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(1h);
  EXPECT_TRUE(stream->connect().isDone());
  EXPECT_TRUE(listener->accept().stream);
}

// Faults 2: as Linux with tcp_syn_retries = 6.
TEST_F(SimTcp, ABlackHoleTimesOutAfter127Seconds) {
  auto rule = world.add(blackHole(far, 80));
  listen();
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  ASSERT_TRUE(jumpUntil([&] { return !stream->connect().isBlocked(); }));
  EXPECT_EQ(stream->connect().code(), std::errc::timed_out);
  EXPECT_EQ(stream->connect().kind(), IoResult::Kind::lost);
  EXPECT_EQ(tymist.tyme(), 127s);
}

TEST_F(SimTcp, ALostSynIsSentAgainAfterASecond) {
  auto rule = world.add(blackHole(far, 80));
  listen();
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  rule.remove();
  ASSERT_TRUE(jumpUntil([&] { return stream->connect().isDone(); }));
  EXPECT_EQ(tymist.tyme(), 1s);
}

// Faults 20: as Linux with tcp_retries2 = 15.
TEST_F(SimTcp, AnEstablishedConnectionTimesOutAfter15Minutes) {
  connect();
  auto rule = world.add(partition(near, far));
  EXPECT_EQ(send(*stream, "lost").count(), 4U);
  ASSERT_TRUE(jumpUntil([&] { return receiveOnce(*stream).isError(); }));
  EXPECT_EQ(receiveOnce(*stream).code(), std::errc::timed_out);
  EXPECT_EQ(tymist.tyme(), 924600ms);
  EXPECT_TRUE(receiveOnce(*peer).isBlocked());
}

TEST_F(SimTcp, APartitionThatHealsLosesNothing) {
  for (const bool oneWay : {false, true}) {
    for (const bool there : {false, true}) {
      connect();
      std::vector<RuleGuard> rules;
      if (oneWay) {
        rules.push_back(world.add(there ? partitionOneWay(near, far) : partitionOneWay(far, near)));
      } else {
        rules.push_back(world.add(partition(near, far)));
      }
      std::string all;
      std::string got;
      for (int i = 0; i < 50; ++i) {
        const std::string text = "message " + std::to_string(i) + ' ';
        ASSERT_EQ(send(*stream, text).count(), text.size());
        ASSERT_EQ(send(*peer, text).count(), text.size());
        all += text;
        tick(100ms);
      }
      rules.clear();
      std::string back;
      ASSERT_TRUE(jumpUntil([&] {
        got += receive(*peer);
        back += receive(*stream);
        return got.size() == all.size() && back.size() == all.size();
      }));
      EXPECT_EQ(got, all);
      EXPECT_EQ(back, all);
    }
  }
}

TEST_F(SimTcp, HeldPacketsArriveWhenReleased) {
  connect();
  auto rule = world.add(hold(near, far));
  EXPECT_EQ(send(*stream, "one ").count(), 4U);
  tick(1h);
  EXPECT_EQ(receive(*peer), "");
  EXPECT_EQ(send(*stream, "two").count(), 3U);
  EXPECT_EQ(world.leftovers().size(), 6U);  // the listener, two streams, bytes unsent, two packets
  rule.remove();
  EXPECT_EQ(receive(*peer), "one two");
}

TEST_F(SimTcp, LossOnlyDelays) {
  connect();
  auto rule = world.add(loss(near, far, 200));
  std::string all;
  std::string got;
  for (int i = 0; i < 500; ++i) all += "piece " + std::to_string(i) + '\n';
  std::size_t sent = 0;
  ASSERT_TRUE(jumpUntil([&] {
    while (sent < all.size()) {
      const IoResult result = send(*stream, std::string_view(all).substr(sent, 10));
      if (!result.isDone()) break;
      sent += result.count();
    }
    got += receive(*peer);
    return got.size() == all.size();
  }));
  EXPECT_EQ(got, all);
}

TEST_F(SimTcp, AFullWindowHoldsTheSenderBack) {
  auto tight = world.add(buffers(near, {.send = 200, .receive = 200}));
  auto tightToo = world.add(buffers(far, {.send = 100, .receive = 100}));
  connect();
  EXPECT_EQ(stream->bufferSizes().send, 200U);
  EXPECT_EQ(peer->bufferSizes().receive, 100U);
  const std::string text(500, 'x');
  // 50 bytes of room over there and 100 here.
  EXPECT_EQ(send(*stream, text).count(), 100U);
  world.service();
  EXPECT_EQ(send(*stream, text).count(), 50U);
  EXPECT_TRUE(send(*stream, text).isBlocked());
  EXPECT_EQ(world.next(), 200ms);  // it will ask whether there is room
  EXPECT_EQ(receiveOnce(*peer).count(), 50U);
  EXPECT_EQ(send(*stream, text).count(), 50U);
}

// As Linux: a window that stays closed is asked about for ever, and ever less often.
TEST_F(SimTcp, AClosedWindowIsNotGivenUp) {
  auto tight = world.add(buffers(far, {.send = 100, .receive = 100}));
  connect();
  EXPECT_EQ(send(*stream, std::string(60, 'x')).count(), 60U);
  int looks = 0;
  ASSERT_TRUE(jumpUntil([&] { return ++looks > 200; }));
  EXPECT_GT(tymist.tyme(), 2h);
  EXPECT_TRUE(receiveOnce(*stream).isBlocked());
  EXPECT_EQ(receive(*peer).size(), 60U);
  world.service();
  EXPECT_EQ(world.next(), std::nullopt);
}

TEST_F(SimTcp, AClosedWindowOfAMachineThatCrashedIsFoundOut) {
  auto tight = world.add(buffers(far, {.send = 100, .receive = 100}));
  connect();
  EXPECT_EQ(send(*stream, std::string(60, 'x')).count(), 60U);
  world.service();
  far.crash();
  ASSERT_TRUE(jumpUntil([&] { return receiveOnce(*stream).isError(); }));
  EXPECT_EQ(receiveOnce(*stream).code(), std::errc::connection_reset);
  EXPECT_LE(tymist.tyme(), 1s);
}

// Also a reset can be lost: what asked for it asks again.
TEST_F(SimTcp, AResetThatIsLostComesAgain) {
  connect();
  auto rule = world.add(partitionOneWay(far, near));
  EXPECT_EQ(send(*stream, "unread").count(), 6U);
  world.service();
  peer.reset();
  tick(1s);
  EXPECT_TRUE(receiveOnce(*stream).isBlocked());
  rule.remove();
  ASSERT_TRUE(jumpUntil([&] { return receiveOnce(*stream).isError(); }));
  EXPECT_EQ(receiveOnce(*stream).code(), std::errc::connection_reset);
}

// The news that there is room again can be lost too.
TEST_F(SimTcp, AWindowThatOpensInAPartitionIsFoundOut) {
  auto tight = world.add(buffers(far, {.send = 100, .receive = 100}));
  connect();
  EXPECT_EQ(send(*stream, std::string(60, 'x')).count(), 60U);
  world.service();
  auto rule = world.add(partitionOneWay(far, near));
  EXPECT_EQ(receive(*peer).size(), 50U);
  world.service();
  rule.remove();
  ASSERT_TRUE(jumpUntil([&] { return receive(*peer).size() == 10; }));
  EXPECT_LE(tymist.tyme(), 1s);
  // Also when there was nothing to send at that moment.
  EXPECT_EQ(send(*stream, std::string(50, 'x')).count(), 50U);
  world.service();
  rule = world.add(partitionOneWay(far, near));
  EXPECT_EQ(receive(*peer).size(), 50U);
  world.service();
  rule.remove();
  EXPECT_EQ(send(*stream, "y").count(), 1U);
  ASSERT_TRUE(jumpUntil([&] { return receive(*peer) == "y"; }));
}

TEST_F(SimTcp, PortsRunOutAndComeBack) {
  World small({.tymth = tymist.tymen(), .firstPort = 40000, .lastPort = 40003});
  Host& here = small.host("here");
  Host& there = small.host("there");
  auto socket = there.listen({.ip = there.addresses().front(), .port = 80}, {}).it;
  std::vector<std::unique_ptr<net::Stream>> streams;
  for (int i = 0; i < 5; ++i) {
    streams.push_back(here.open(socket->local(), {}).it);
    const IoResult result = streams.back()->connect();
    if (i < 4) {
      EXPECT_TRUE(result.isBlocked());
    } else {
      EXPECT_EQ(result.code(), std::errc::address_not_available);
    }
  }
  streams.clear();
  socket.reset();
  small.service();
  auto again = here.open({.ip = there.addresses().front(), .port = 80}, {}).it;
  EXPECT_TRUE(again->connect().isBlocked());
}

TEST_F(SimTcp, NoRouteToWhereNobodyIs) {
  for (const char* const nowhere : {"10.99.99.99", "fd00::99"}) {
    auto one = near.open({.ip = *net::Ip::parse(nowhere), .port = 1}, {}).it;
    EXPECT_EQ(one->connect().code(), std::errc::network_unreachable);
  }
}

// A machine that lost its power says nothing; the one that is up again knows nothing.
TEST_F(SimTcp, ACrashedHostIsFoundOutBySending) {
  connect();
  far.crash();
  EXPECT_TRUE(receiveOnce(*stream).isBlocked());
  EXPECT_EQ(world.next(), std::nullopt);
  EXPECT_EQ(receiveOnce(*peer).code(), std::errc::network_down);
  EXPECT_EQ(listener->accept().result.code(), std::errc::network_down);
  EXPECT_EQ(send(*stream, "anybody?").count(), 8U);
  world.service();
  EXPECT_EQ(receiveOnce(*stream).code(), std::errc::connection_reset);
}

// Faults 42: the network's time goes on from where it was.
TEST_F(SimTcp, ATymeThatIsSetBackDelaysNothingForEver) {
  auto line = world.add(link(near, far, {.latency = 10ms}));
  tymist.tyme(1h);
  listen();
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(5ms);
  tymist.tyme(0s);
  EXPECT_EQ(world.next(), 5ms);
  tick(15ms);
  EXPECT_TRUE(stream->connect().isDone());
  tymist.tyme(24h * 365);
  EXPECT_TRUE(listener->accept().stream);
}

}  // namespace
}  // namespace hio::sim
