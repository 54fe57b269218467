// The rules of a simulated network, one by one.
#include <gtest/gtest.h>

#include <functional>

#include "support/sim_pair.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using base::Tyme;
using net::IoResult;
using test::SimPair;

struct SimRules : SimPair {
  std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(SimRules, BandwidthIsExact) {
  connect();
  auto line = world.add(link(near, far, {.latency = 5ms, .bytesPerSecond = 1000}));
  EXPECT_EQ(send(*stream, std::string(100, 'a')).count(), 100U);
  EXPECT_EQ(send(*stream, std::string(100, 'b')).count(), 100U);
  tick(105ms - 1ns);
  EXPECT_EQ(receive(*peer), "");
  tick(1ns);
  EXPECT_EQ(receive(*peer), std::string(100, 'a'));
  tick(100ms);
  EXPECT_EQ(receive(*peer), std::string(100, 'b'));
}

TEST_F(SimRules, PacketsOfOneByteArriveOneByOne) {
  connect();
  auto line = world.add(link(near, far, {.bytesPerSecond = 1000, .piece = 1}));
  EXPECT_EQ(send(*stream, "abc").count(), 3U);
  for (const char* const each : {"a", "b", "c"}) {
    tick(1ms);
    EXPECT_EQ(receive(*peer), each);
  }
}

TEST_F(SimRules, JitterStaysInItsBoundsAndInOrder) {
  connect();
  auto line = world.add(link(near, far, {.latency = 10ms, .jitter = 5ms}));
  Tyme least = 1h;
  Tyme most(0);
  std::string got;
  for (char c = 'a'; c <= 'z'; ++c) {
    const Tyme sent = tymist.tyme();
    EXPECT_EQ(send(*stream, std::string(1, c)).count(), 1U);
    ASSERT_TRUE(jumpUntil([&] {
      const std::string text = receive(*peer);
      got += text;
      return !text.empty();
    }));
    least = std::min(least, tymist.tyme() - sent);
    most = std::max(most, tymist.tyme() - sent);
    tick(100ms);
  }
  EXPECT_EQ(got, "abcdefghijklmnopqrstuvwxyz");
  EXPECT_GE(least, 10ms);
  EXPECT_LE(most, 15ms);
  EXPECT_GT(most - least, 1ms);
}

TEST_F(SimRules, TheRuleAddedLastIsAskedFirst) {
  listen();
  auto first = world.add(refuse(far, 80));
  int asked = 0;
  auto second = world.add(Rule([&asked](const Packet& packet) -> std::optional<Verdict> {
    if (packet.kind != Packet::Kind::syn) return std::nullopt;
    ++asked;
    return Verdict::deliver(1s);
  }));
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(1s);
  EXPECT_TRUE(stream->connect().isDone());
  EXPECT_EQ(asked, 1);
  second.remove();
  auto other = open();
  EXPECT_TRUE(other->connect().isBlocked());
  EXPECT_EQ(other->connect().code(), std::errc::connection_refused);
  first.remove();
  auto third = open();
  EXPECT_TRUE(third->connect().isBlocked());
  EXPECT_TRUE(third->connect().isDone());
}

TEST_F(SimRules, ARuleMayRemoveItself) {
  listen();
  RuleGuard once;
  once = world.add(Rule([&once](const Packet&) -> std::optional<Verdict> {
    once.remove();
    return Verdict::drop();
  }));
  stream = open();
  EXPECT_TRUE(stream->connect().isBlocked());
  tick(1s);
  EXPECT_TRUE(stream->connect().isDone());
}

// Faults 9, 10: each operation, at its nth call, once.
TEST_F(SimRules, AnyErrorAtTheNthCallOfAnyOperation) {
  auto noSocket = world.add(fail(near, Op::open, std::errc::too_many_files_open, {.nth = 2}));
  EXPECT_TRUE(open());
  EXPECT_EQ(near.open({}, {}).code, std::errc::too_many_files_open);
  EXPECT_TRUE(open());
  auto noListener = world.add(fail(far, Op::listen, std::errc::permission_denied));
  EXPECT_EQ(far.listen({}, {}).code, std::errc::permission_denied);
  auto noConnect = world.add(fail(near, Op::connect, std::errc::host_unreachable));
  EXPECT_EQ(open()->connect().code(), std::errc::host_unreachable);
  connect();
  auto noReceive = world.add(fail(near, Op::receive, std::errc::interrupted, {.times = 2}));
  EXPECT_EQ(send(*peer, "hello").count(), 5U);
  EXPECT_TRUE(receiveOnce(*stream).isBlocked());
  EXPECT_TRUE(receiveOnce(*stream).isBlocked());
  EXPECT_EQ(receive(*stream), "hello");
  auto noSend = world.add(fail(near, Op::send, std::errc::no_buffer_space));
  EXPECT_TRUE(send(*stream, "x").isBlocked());
  EXPECT_EQ(send(*stream, "x").count(), 1U);
  auto noShutdown = world.add(fail(near, Op::shutdown, std::errc::not_connected));
  EXPECT_EQ(stream->shutdown(net::Direction::send).code(), std::errc::not_connected);
  noSend = world.add(fail(near, Op::send, std::errc::host_unreachable));
  EXPECT_EQ(send(*stream, "x").code(), std::errc::host_unreachable);
  EXPECT_EQ(send(*stream, "x").code(), std::errc::host_unreachable);
}

TEST_F(SimRules, AcceptCanFailForTheListenerOrForOneConnection) {
  listen();
  auto one = open();
  auto two = open();
  EXPECT_TRUE(one->connect().isBlocked());
  EXPECT_TRUE(two->connect().isBlocked());
  auto shortage = world.add(fail(far, Op::accept, std::errc::too_many_files_open));
  EXPECT_EQ(listener->accept().result.code(), std::errc::too_many_files_open);
  auto aborted = world.add(fail(far, Op::accept, std::errc::connection_aborted));
  auto accepted = listener->accept();
  ASSERT_TRUE(accepted.stream);
  EXPECT_TRUE(two->connect().isDone());
  EXPECT_EQ(accepted.stream->peer(), two->local());
  EXPECT_TRUE(listener->accept().result.isBlocked());
}

TEST_F(SimRules, AConnectionEndsAtTheNthCall) {
  connect();
  auto rule = world.add(end(near, Op::send, Ending::reset, {.nth = 2}));
  EXPECT_EQ(send(*stream, "one").count(), 3U);
  EXPECT_EQ(send(*stream, "two").code(), std::errc::connection_reset);
  EXPECT_EQ(receive(*peer), "one");
  EXPECT_EQ(receiveOnce(*peer).code(), std::errc::connection_reset);
}

TEST_F(SimRules, AConnectionEndsAtTheNthByte) {
  connect();
  auto rule = world.add(endAtByte(near, Op::receive, Ending::finish, 5));
  EXPECT_EQ(send(*peer, "12345678").count(), 8U);
  EXPECT_EQ(receive(*stream), "12345");
  EXPECT_TRUE(receiveOnce(*stream).isEnded());
  connect();
  auto cut = world.add(endAtByte(far, Op::send, Ending::finish, 4));
  EXPECT_EQ(send(*peer, "12345678").count(), 4U);
  EXPECT_EQ(send(*peer, "5678").count(), 4U);
  EXPECT_EQ(receive(*stream), "1234");
  EXPECT_TRUE(receiveOnce(*stream).isEnded());
  EXPECT_TRUE(receiveOnce(*peer).isEnded());
  EXPECT_EQ(send(*peer, "9").code(), std::errc::broken_pipe);
}

TEST_F(SimRules, PiecesAreDrawnFromOneToMost) {
  connect();
  auto rule = world.add(pieces(near, 3));
  std::array<int, 4> seen{};
  for (int i = 0; i < 200; ++i) ++seen.at(send(*stream, "abcdef").count());
  EXPECT_EQ(seen[0], 0);
  for (int n = 1; n <= 3; ++n) EXPECT_GT(seen.at(static_cast<std::size_t>(n)), 30);
  EXPECT_EQ(send(*peer, "abcdef").count(), 6U);
  EXPECT_EQ(receive(*stream), "abcdef");
}

TEST_F(SimRules, NamesAreAnsweredFromTheTable) {
  world.name("www.example.test", {far.address(), near.address()});
  std::vector<net::Ip> found;
  EXPECT_EQ(near.resolver().lookup("FAR.")->poll(found).count(), 1U);
  EXPECT_EQ(near.resolver().lookup("www.Example.test")->poll(found).count(), 2U);
  EXPECT_EQ(found, (std::vector{far.addresses()[0], far.addresses()[0], near.addresses()[0]}));
  EXPECT_EQ(near.resolver().lookup("nobody")->poll(found).code(), net::ResolveError::notFound);
  EXPECT_EQ(near.resolver().lookup("a\nb")->poll(found).code(), net::ResolveError::badName);
  EXPECT_EQ(near.resolver().lookup("")->poll(found).code(), net::ResolveError::badName);
}

TEST_F(SimRules, NamesAreAnsweredLateWrongAndChanging) {
  const net::Ip wrong = *net::Ip::parse("10.66.66.66");
  auto rule = world.add(answers(
      "far", {{.code = net::ResolveError::tryAgain, .late = 2s}, {.addresses = {wrong}}, {}}));
  std::vector<net::Ip> found;
  const auto late = near.resolver().lookup("far");
  EXPECT_TRUE(late->poll(found).isBlocked());
  EXPECT_EQ(world.next(), 2s);
  EXPECT_EQ(world.leftovers().front().text(), "near: the lookup of 'far' is not answered");
  tick(2s);
  EXPECT_EQ(late->poll(found).code(), net::ResolveError::tryAgain);
  EXPECT_TRUE(world.leftovers().empty());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(near.resolver().lookup("far")->poll(found).isDone());
  EXPECT_EQ(found, (std::vector{wrong, far.addresses()[0], far.addresses()[0]}));
}

TEST_F(SimRules, ContradictionsAreRefused) {
  auto one = world.add(partition(near, far));
  EXPECT_EQ(refusal([&] { (void)world.add(hold(far, near)); }),
            "the rule 'hold far > near' contradicts 'partition near > far', which is in force: "
            "both settle what becomes of packets far > near; remove that one first");
  one.remove();
  auto two = world.add(hold(far, near));
  auto line = world.add(link(near, far, {}));
  EXPECT_NE(refusal([&] { (void)world.add(link(far, near, {})); }), "accepted");
  auto port = world.add(refuse(far, 80));
  auto otherPort = world.add(blackHole(far, 81));
  EXPECT_NE(refusal([&] { (void)world.add(blackHole(far, 80)); }), "accepted");
}

TEST_F(SimRules, ValuesOutOfRangeAreRefusedWithWhatToChange) {
  const auto expect = [this](const std::string& part, const std::function<void()>& call) {
    EXPECT_NE(refusal(call).find(part), std::string::npos) << refusal(call);
  };
  expect("latency is below 0", [&] { (void)link({.latency = -1ns}); });
  expect("jitter is below 0", [&] { (void)link({.jitter = -1ns}); });
  expect("piece is 0", [&] { (void)link({.piece = 0}); });
  expect("give two hosts", [&] { (void)partition(near, near); });
  expect("above 1000", [&] { (void)loss(near, far, 1001); });
  expect("the first call is 1", [&] { (void)fail(near, Op::open, {}, {.nth = 0}); });
  expect("times is 0", [&] { (void)fail(near, Op::open, {}, {.times = 0}); });
  expect("no connection", [&] { (void)end(near, Op::open, Ending::reset); });
  expect("moves no bytes", [&] { (void)endAtByte(near, Op::open, Ending::reset, 1); });
  expect("most is 0", [&] { (void)pieces(near, 0); });
  expect("below 2", [&] { (void)buffers(near, {.send = 1, .receive = 2}); });
  expect("no answer", [&] { (void)answers("far", {}); });
  expect("late is below 0", [&] { (void)answers("far", {{.late = -1s}}); });
}

}  // namespace
}  // namespace hio::sim
