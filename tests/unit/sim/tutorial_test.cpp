// The code of docs/testing.md, to the letter.
#include <gtest/gtest.h>
#include <hio/core/tcp.hpp>
#include <hio/sim.hpp>
#include <hio/sim/matchers.hpp>

#include <memory>
#include <string>

using namespace std::chrono_literals;
using namespace hio;
using core::tcp::Client;
using core::tcp::ClientDoer;
using core::tcp::EchoServerDoer;
using core::tcp::openServer;
using core::tcp::Server;

TEST(SimTutorial, FirstTest) {
  sim::Lab lab({"laptop", "server"});

  auto echo = openServer({.port = 7, .tymth = lab.tymth(), .net = &lab["server"]});
  Client client({.host = "server", .port = 7, .tymth = lab.tymth(), .net = &lab["laptop"]});
  lab.add(client, *echo);
  lab.add([&] {
    for (const auto& [address, remoter] : echo->ixes()) {
      remoter->tx(remoter->rxbs().view());
      remoter->clearRxbs();
    }
  });

  client.tx("hello");
  EXPECT_EQ(lab.run([&] { return client.rxbs().size() == 5; }), sim::Outcome::done);
  EXPECT_THAT(client, sim::HasReceived("hello"));
}

TEST(SimTutorial, ARetry) {
  sim::Lab lab({"laptop", "server"});
  auto listening = openServer({.port = 7, .tymth = lab.tymth(), .net = &lab["server"]});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = lab.tymth(),
                 .net = &lab["laptop"]});
  lab.add(client, *listening);

  auto firewall = lab.world().add(sim::blackHole(lab["server"], 7));
  lab.pass(5s);  // and no test has waited
  EXPECT_THAT(client, sim::HasFailed(std::errc::timed_out));

  firewall.remove();
  EXPECT_EQ(lab.run([&] { return client.connected(); }), sim::Outcome::done);
}

namespace {

// True when the client got through a bad half hour.
bool survives(std::uint64_t seed) {
  sim::Lab lab({"laptop", "server"}, {.seed = seed});
  sim::World& world = lab.world();
  const auto line = world.add(sim::link({.latency = 30ms, .jitter = 20ms}));
  const auto lost = world.add(sim::loss(lab["laptop"], lab["server"], 50));
  auto listening = openServer({.port = 7, .tymth = lab.tymth(), .net = &lab["server"]});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = lab.tymth(),
                 .net = &lab["laptop"]});
  lab.add(client, *listening);

  for (int minute = 0; minute < 30; ++minute) {
    sim::InForce fault;
    if (world.random().chance(500)) fault = world.add(sim::partition(lab["laptop"], lab["server"]));
    if (world.random().chance(100)) lab["server"].crash(), listening->reopen();
    client.tx("tick");
    lab.pass(1min);
  }
  const auto delivered = [&] { return client.connected() && client.txbs().empty(); };
  return lab.run(delivered) == sim::Outcome::done;
}

}  // namespace

TEST(SimTutorial, ASeededPartitionTest) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_TRUE(survives(seed)) << "seed " << seed;
  }
}

TEST(SimTutorial, ARuleOfYourOwn) {
  sim::Lab lab;
  auto slow = lab.world().add(sim::Rule([](const sim::Packet& packet) -> std::optional<sim::Fate> {
    if (packet.bytes <= 1000) return std::nullopt;  // the next rule is asked
    return sim::Fate::deliver(100ms, 1000);
  }));
  auto full = lab.world().add(sim::Rule([](const sim::Call& call) -> std::optional<sim::CallFate> {
    if (call.op != sim::Op::open || !call.random.chance(100)) return std::nullopt;
    return sim::CallFate{.code = std::make_error_code(std::errc::too_many_files_open)};
  }));
}

TEST(SimTutorial, WhatIsLeftOver) {
  sim::Lab lab;
  EXPECT_THAT(lab.world().leftovers(), testing::IsEmpty());
}

TEST(SimTutorial, WithAClockOfYourOwn) {
  base::Tymist tymist;
  sim::World world({.tymth = tymist.tymen()});
  sim::Host& laptop = world.host("laptop");
  Client client({.host = "nowhere", .port = 7, .tymth = tymist.tymen(), .net = &laptop});

  const auto step = [&] { client.service(); };
  const auto failed = [&] { return client.failure() != nullptr; };
  const auto wake = [&] { return client.deadline(); };
  EXPECT_EQ(sim::run(tymist, world, {.step = step, .done = failed, .wake = wake}),
            sim::Outcome::done);
}

TEST(SimTutorial, DoersAreToldOfWhatArrives) {
  base::Doist doist({.limit = 1h});
  sim::World world({.tymth = doist.tymen()});
  sim::WorldPacer pacer(world);
  doist.pacer(&pacer);
  Server server({.port = 7, .net = &world.host("server")});
  Client client({.host = "server", .port = 7, .net = &world.host("laptop")});
  client.tx("hello");
  const core::tcp::LinkDoerOptions told{.poller = &world.poller()};
  const auto user = base::doify([&](base::Tymth, base::Tyme) -> base::Deed {
    EXPECT_TRUE(co_await core::tcp::received(client, 5));
    doist.stop();
    co_return true;
  });
  doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(server, told),
                                  std::make_shared<ClientDoer>(client, told), user}});
  EXPECT_THAT(client, sim::HasReceived("hello"));
}
