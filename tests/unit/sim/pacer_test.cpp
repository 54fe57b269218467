#include "hio/sim/pacer.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using base::Deed;
using base::Tyme;
using base::Tymth;
using namespace core::tcp;

// The same doers as on the real network, in virtual time: a client that reconnects through a
// partition of an hour.
TEST(WorldPacer, LetsADoistLiveInAWorld) {
  base::Doist doist({.tock = 100ms, .limit = 2h});
  World world({.tymth = doist.tymen()});
  WorldPacer pacer(world);
  doist.pacer(&pacer);
  Host& near = world.host("near");
  Host& far = world.host("far");
  auto partition = std::make_unique<RuleGuard>(world.add(sim::partition(near, far)));
  Server server({.port = 7, .net = &far});
  Client client({.timeout = 10s, .host = "far", .port = 7, .reconnectable = true, .net = &near});
  client.tx("hello");
  Tyme echoed{0};
  const auto user = base::doify([&](Tymth tymth, Tyme) -> Deed {
    co_await base::sleep(1h);
    EXPECT_FALSE(client.connected());
    partition.reset();
    EXPECT_EQ(co_await received(client, 5), Waited::reached);
    echoed = tymth();
    doist.stop();
    co_return true;
  });
  doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(server),
                                  std::make_shared<ClientDoer>(client), user}});
  EXPECT_EQ(client.rxbs().text(), "hello");
  EXPECT_GE(echoed, 1h);
  EXPECT_LT(echoed, 1h + 1min);  // the longest pause between two attempts, and one attempt
  EXPECT_GT(client.failure() ? 0U : client.epoch(), 0U);
}

TEST(WorldPacer, EndsARunInWhichNothingWillHappen) {
  base::Doist doist;
  World world({.tymth = doist.tymen()});
  WorldPacer pacer(world);
  doist.pacer(&pacer);
  doist.run(
      {.doers = base::Doers{base::doify([](Tyme) { return false; }, {.tock = base::Forever})}});
  EXPECT_EQ(doist.tyme(), 0s);
}

}  // namespace
}  // namespace hio::sim
