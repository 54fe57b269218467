// A client may be destroyed at any moment, and is thrifty with memory.
#include <gtest/gtest.h>

#include <string>

#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/serving.hpp"
#include "support/allocations.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::blockedOnWrite;
using test::failed;
using test::FakeNet;

struct ClientLife : testing::Test {
  base::Tymist tymist;
  FakeNet net;

  ClientOptions options() {
    return {.timeout = 1s, .reconnectable = true, .tymth = tymist.tymen(), .net = &net};
  }
};

// FakeNet fails the test when a stream is left open; the sanitizers tell the rest.
TEST_F(ClientLife, MayEndInEveryPhase) {
  net.names["slow.test"] = {.ips = {}, .blockedPolls = 10};
  const auto in = [&](Phase phase, auto prepare) {
    ClientOptions made = options();
    if (phase == Phase::resolving) made.host = "slow.test";
    if (phase == Phase::stopped) made.retry.attempts = 1;
    Client client(made);
    client.tx("unsent");
    prepare(client);
    EXPECT_EQ(nameOf(client.phase()), nameOf(phase));
  };
  const auto service = [](Client& client) { client.service(); };
  in(Phase::closed, [](Client&) {});
  in(Phase::closed, [](Client& client) { client.service(), client.close(); });
  in(Phase::resolving, service);
  in(Phase::connecting, [](Client& client) { client.open(); });
  net.next().connects = {blockedOnWrite()};
  in(Phase::connecting, service);
  in(Phase::connected, service);
  net.next().receives = {"unread", IoResult::ended()};
  in(Phase::cutoff, service);
  net.next().connects = {failed(std::errc::connection_refused)};
  in(Phase::waiting, service);
  net.next().connects = {failed(std::errc::connection_refused)};
  in(Phase::stopped, service);
  in(Phase::connected, [](Client& client) { client.service(), client.drain(1s); });
}

// Messages to and fro, with empty calls between: no memory is asked for.
TEST_F(ClientLife, ServiceAllocatesNothingWhenSteady) {
  const std::string message(200, 'm');
  WireLog log;
  ClientOptions logged = options();
  logged.wl = &log;
  Client client(logged);
  client.service();
  test::Wire& wire = net.wire(0);
  wire.sent.reserve(1U << 20U);
  const auto round = [&] {
    client.tx(message);
    client.service();
    client.service();
    client.clearRxbs();
    tymist.tick();
  };
  for (int i = 0; i < 1000; ++i) wire.receives.emplace_back(message);
  for (int i = 0; i < 10; ++i) round();
  const test::Allocations before = test::allocations();
  for (int i = 0; i < 500; ++i) round();
  EXPECT_EQ(test::allocations().made - before.made, 0U);
  EXPECT_EQ(client.traffic().sent, 510U * message.size());
}

TEST(IdleClient, HoldsNoBuffers) {
  FakeNet net;
  Client client({.net = &net});
  client.open();
  EXPECT_EQ(client.txbs().capacity() + client.rxbs().capacity(), 0U);
}

}  // namespace
}  // namespace hio::core::tcp
