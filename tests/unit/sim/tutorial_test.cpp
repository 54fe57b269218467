// The code of docs/testing.md, to the letter.
#include <gtest/gtest.h>
#include <hio/core/tcp.hpp>
#include <hio/sim.hpp>

#include <string>

using namespace std::chrono_literals;
using namespace hio;
using core::tcp::Client;
using core::tcp::openServer;

TEST(SimTutorial, FirstTest) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen()});
  sim::Host& laptop = world.host("laptop");
  sim::Host& server = world.host("server");

  auto echo = openServer({.port = 7, .tymth = tymist.tymen(), .net = &server});
  Client client({.host = "server", .port = 7, .tymth = tymist.tymen(), .net = &laptop});
  client.tx("hello");

  const auto step = [&] {
    client.service();
    echo->service();
    for (const auto& [address, remoter] : echo->ixes()) {
      remoter->tx(remoter->rxbs().view());
      remoter->clearRxbs();
    }
  };
  const auto done = [&] { return client.rxbs().text() == "hello"; };
  EXPECT_EQ(sim::run(tymist, world, {.step = step, .done = done}), sim::Outcome::done);
}

TEST(SimTutorial, ARetry) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen()});
  sim::Host& laptop = world.host("laptop");
  sim::Host& server = world.host("server");
  auto listening = openServer({.port = 7, .tymth = tymist.tymen(), .net = &server});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .net = &laptop});

  auto firewall = world.add(sim::blackHole(server, 7));
  const auto step = [&] { client.service(), listening->service(); };
  const auto wake = [&] { return client.deadline(); };
  const auto gaveUpTwice = [&] { return client.failure() && client.failure()->attempt() == 2; };
  EXPECT_EQ(sim::run(tymist, world, {.step = step, .done = gaveUpTwice, .wake = wake}),
            sim::Outcome::done);
  EXPECT_GE(tymist.tyme(), 10s);  // two attempts of 5 s, and no test has waited

  firewall.remove();
  const auto connected = [&] { return client.connected(); };
  EXPECT_EQ(sim::run(tymist, world, {.step = step, .done = connected, .wake = wake}),
            sim::Outcome::done);
}

namespace {

// True when the client got through a bad half hour.
bool survives(std::uint64_t seed) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen(), .seed = seed});
  sim::Host& laptop = world.host("laptop");
  sim::Host& server = world.host("server");
  const auto line = world.add(sim::link({.latency = 30ms, .jitter = 20ms}));
  const auto lost = world.add(sim::loss(laptop, server, 50));
  auto listening = openServer({.port = 7, .tymth = tymist.tymen(), .net = &server});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .net = &laptop});

  const auto step = [&] { client.service(), listening->service(); };
  const auto wake = [&] { return client.deadline(); };
  const auto never = [] { return false; };
  for (int minute = 0; minute < 30; ++minute) {
    sim::InForce fault;
    if (world.random().chance(500)) fault = world.add(sim::partition(laptop, server));
    if (world.random().chance(100)) server.crash(), listening->reopen();
    client.tx("tick");
    sim::run(tymist, world, {.step = step, .done = never, .wake = wake, .limit = 1min});
    tymist.tyme(base::Tyme((minute + 1) * 1min));
  }
  const auto delivered = [&] { return client.connected() && client.txbs().empty(); };
  return sim::run(tymist, world, {.step = step, .done = delivered, .wake = wake}) ==
         sim::Outcome::done;
}

}  // namespace

TEST(SimTutorial, ASeededPartitionTest) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_TRUE(survives(seed)) << "seed " << seed;
  }
}

TEST(SimTutorial, ARuleOfYourOwn) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen()});
  auto slow = world.add(sim::Rule([](const sim::Packet& packet) -> std::optional<sim::Fate> {
    if (packet.bytes <= 1000) return std::nullopt;  // the next rule is asked
    return sim::Fate::deliver(100ms, 1000);
  }));
  auto full = world.add(sim::Rule([](const sim::Call& call) -> std::optional<sim::CallFate> {
    if (call.op != sim::Op::open || !call.random.chance(100)) return std::nullopt;
    return sim::CallFate{.code = std::make_error_code(std::errc::too_many_files_open)};
  }));
}

TEST(SimTutorial, WhatIsLeftOver) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen()});
  for (const sim::Leftover& left : world.leftovers()) ADD_FAILURE() << left.text();
}
