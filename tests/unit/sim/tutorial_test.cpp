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
  sim::Testbed bed({"laptop", "server"});

  auto echo = openServer({.port = 7, .tymth = bed.tymth(), .net = &bed["server"]});
  Client client({.host = "server", .port = 7, .tymth = bed.tymth(), .net = &bed["laptop"]});
  bed.add(client, *echo);
  bed.add([&] {
    for (const auto& [address, remoter] : echo->ixes()) {
      remoter->tx(remoter->rxbs().view());
      remoter->clearRxbs();
    }
  });

  client.tx("hello");
  EXPECT_EQ(bed.run([&] { return client.rxbs().size() == 5; }), sim::Outcome::done);
  EXPECT_THAT(client, sim::HasReceived("hello"));
}

TEST(SimTutorial, ARetry) {
  sim::Testbed bed({"laptop", "server"});
  auto listening = openServer({.port = 7, .tymth = bed.tymth(), .net = &bed["server"]});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = bed.tymth(),
                 .net = &bed["laptop"]});
  bed.add(client, *listening);

  auto firewall = bed.world().add(sim::blackHole(bed["server"], 7));
  bed.pass(5s);  // and no test has waited
  EXPECT_THAT(client, sim::HasFailed(std::errc::timed_out));

  firewall.remove();
  EXPECT_EQ(bed.run([&] { return client.connected(); }), sim::Outcome::done);
}

namespace {

// True when the client got through a bad half hour.
bool survives(std::uint64_t seed) {
  sim::Testbed bed({"laptop", "server"}, {.seed = seed});
  sim::World& world = bed.world();
  const auto line = world.add(sim::link({.latency = 30ms, .jitter = 20ms}));
  const auto lost = world.add(sim::loss(bed["laptop"], bed["server"], 50));
  auto listening = openServer({.port = 7, .tymth = bed.tymth(), .net = &bed["server"]});
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = bed.tymth(),
                 .net = &bed["laptop"]});
  bed.add(client, *listening);

  for (int minute = 0; minute < 30; ++minute) {
    sim::RuleGuard fault;
    if (world.random().chance(500)) fault = world.add(sim::partition(bed["laptop"], bed["server"]));
    if (world.random().chance(100)) bed["server"].crash(), listening->reopen();
    client.tx("tick");
    bed.pass(1min);
  }
  const auto delivered = [&] { return client.connected() && client.txbs().empty(); };
  return bed.run(delivered) == sim::Outcome::done;
}

}  // namespace

TEST(SimTutorial, ASeededPartitionTest) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_TRUE(survives(seed)) << "seed " << seed;
  }
}

TEST(SimTutorial, ARuleOfYourOwn) {
  sim::Testbed bed;
  auto slow =
      bed.world().add(sim::Rule([](const sim::Packet& packet) -> std::optional<sim::Verdict> {
        if (packet.bytes <= 1000) return std::nullopt;  // the next rule is asked
        return sim::Verdict::deliver(100ms, 1000);
      }));
  auto full =
      bed.world().add(sim::Rule([](const sim::Call& call) -> std::optional<sim::CallVerdict> {
        if (call.op != sim::Op::open || !call.random.chance(100)) return std::nullopt;
        return sim::CallVerdict{.code = std::make_error_code(std::errc::too_many_files_open)};
      }));
}

TEST(SimTutorial, WhatIsLeftOver) {
  sim::Testbed bed;
  EXPECT_THAT(bed.world().leftovers(), testing::IsEmpty());
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
    EXPECT_EQ(co_await core::tcp::received(client, 5), core::tcp::Waited::reached);
    doist.stop();
    co_return true;
  });
  doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(server, told),
                                  std::make_shared<ClientDoer>(client, told), user}});
  EXPECT_THAT(client, sim::HasReceived("hello"));
}
