// One seed, one run: in this process, in another one, and with another compiler.
#include <gtest/gtest.h>

#include <set>

#include "hio/core/tcp.hpp"
#include "support/sim_pair.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::openServer;

TEST(SimRandom, DrawsTheSameNumbersEverywhere) {
  Random random(1);
  EXPECT_EQ(random.next(), 0x910a2dec89025cc1U);
  EXPECT_EQ(random.next(), 0xbeeb8da1658eec67U);
  EXPECT_EQ(random.below(0), 0U);
  std::array<int, 6> dice{};
  for (int i = 0; i < 6000; ++i) ++dice.at(random.below(6));
  for (const int count : dice) EXPECT_NEAR(count, 1000, 150);
  for (int i = 0; i < 100; ++i) {
    const auto drawn = random.between(std::uint64_t{3}, 5);
    EXPECT_TRUE(drawn >= 3 && drawn <= 5);
    const base::Tyme tyme = random.between(-1s, 1s);
    EXPECT_TRUE(tyme >= -1s && tyme <= 1s);
  }
  (void)random.between(std::uint64_t{0}, ~std::uint64_t{0});
}

struct Played {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::vector<std::string> timeline;
};

// A client that is cut off, refused and delayed while it echoes a thousand lines.
Played play(std::uint64_t seed) {
  Played played;
  base::Tymist tymist;
  World world({.tymth = tymist.tymen(), .seed = seed, .watch = [&](const Event& event) {
                 played.timeline.push_back(event.text());
               }});
  Host& near = world.host("near");
  Host& far = world.host("far");
  const auto line = world.add(link({.latency = 5ms, .jitter = 20ms, .bytesPerSecond = 50'000}));
  const auto lost = world.add(loss(near, far, 50));
  const auto small = world.add(pieces(near, 100));
  const auto reset = world.add(end(near, Op::receive, Ending::reset, {.nth = 100}));
  auto server = openServer({.port = 7, .tymth = tymist.tymen(), .net = &far});
  Client client(
      {.host = "far", .port = 7, .reconnectable = true, .tymth = tymist.tymen(), .net = &near});
  int lines = 0;
  run(tymist, world,
      {.step =
           [&] {
             if (lines < 200 && client.txbs().empty()) {
               client.tx("line " + std::to_string(++lines) + '\n');
             }
             client.service();
             server->service();
             for (const auto& [ca, remoter] : server->ixes()) {
               remoter->tx(remoter->rxbs().view());
               remoter->clearRxbs();
             }
           },
       .done = [&] { return client.epoch() == 2 && client.rxbs().size() > 1000; },
       .wake = [&] { return client.deadline(); }});
  EXPECT_EQ(client.epoch(), 2U);
  played.hash = world.hash();
  played.events = world.events();
  return played;
}

TEST(SimDeterminism, OneSeedOneRun) {
  const Played one = play(7);
  const Played two = play(7);
  EXPECT_EQ(one.hash, two.hash);
  EXPECT_EQ(one.timeline, two.timeline);
  EXPECT_GT(one.events, 100U);
}

// Without the library's client, whose calls may change: streams driven by hand in a bad network.
// The number was written down by another process, made by another compiler.
TEST(SimDeterminism, TheSameInEveryProcessAndBuild) {
  base::Tymist tymist;
  World world({.tymth = tymist.tymen(), .seed = 7});
  Host& near = world.host("near");
  Host& far = world.host("far");
  const auto line = world.add(link({.latency = 5ms, .jitter = 20ms, .bytesPerSecond = 50'000}));
  const auto lost = world.add(loss(near, far, 100));
  const auto small = world.add(pieces(near, 100));
  auto listener = far.listen({.ip = far.addresses().front(), .port = 7}, {}).it;
  auto stream = near.open(listener->local(), {}).it;
  std::unique_ptr<net::Stream> peer;
  std::string got;
  const std::string text(300, 'x');
  for (int i = 0; i < 1000; ++i) {
    tymist.tick();
    if (!stream->connect().isDone()) continue;
    (void)test::SimPair::send(*stream, text);
    if (!peer) peer = listener->accept().stream;
    if (peer) got += test::SimPair::receive(*peer);
  }
  EXPECT_EQ(got.size(), 49'819U);
  EXPECT_EQ(world.events(), 1729U);
  EXPECT_EQ(world.hash(), 0x6412ff0954f013b7U);
}

TEST(SimDeterminism, OtherSeedsAreOtherRuns) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) hashes.insert(play(seed).hash);
  EXPECT_EQ(hashes.size(), 20U);
}

TEST(SimDeterminism, ContentsThatDoNotRepeatCanBeLeftOut) {
  const auto hashOf = [](bool hashBytes, const std::string& text) {
    base::Tymist tymist;
    World world({.tymth = tymist.tymen(), .hashBytes = hashBytes});
    Host& host = world.host("host");
    auto listener = host.listen({.ip = host.addresses().front(), .port = 1}, {}).it;
    auto stream = host.open(listener->local(), {}).it;
    EXPECT_TRUE(stream->connect().isBlocked());
    EXPECT_TRUE(stream->connect().isDone());
    EXPECT_TRUE(stream->send(help::bytesOf(text)).isDone());
    return world.hash();
  };
  EXPECT_NE(hashOf(true, "one"), hashOf(true, "two"));
  EXPECT_EQ(hashOf(false, "one"), hashOf(false, "two"));
}

TEST(SimDeterminism, ADigestTellsBytesApart) {
  std::set<std::uint64_t> digests;
  std::string text;
  for (int i = 0; i < 20; ++i) {
    digests.insert(digestOf(help::bytesOf(text)));
    text += 'x';
  }
  EXPECT_EQ(digests.size(), 20U);
  EXPECT_EQ(digestOf(help::bytesOf("hello, world")), 0xbb61de05caf9f2eeU);
}

}  // namespace
}  // namespace hio::sim
