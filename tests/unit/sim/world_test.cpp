// Setting a world up, running it, and what it tells at its end.
#include "hio/sim/world.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "hio/core/tcp.hpp"
#include "support/sim_pair.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::openServer;
using test::SimPair;

struct SimWorld : SimPair {
  std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(SimWorld, WhatCannotBeIsRefusedWithWhatToChange) {
  EXPECT_EQ(refusal([&] { World({}); }),
            "world: tymth is empty, so time cannot advance; use tymist.tymen()");
  EXPECT_EQ(refusal([&] { World({.tymth = tymist.tymen(), .buffers = {.send = 1}}); }),
            "world: buffers are at least 2 bytes, of which half hold data");
  EXPECT_NE(refusal([&] { World({.tymth = tymist.tymen(), .retries = -1}); }), "accepted");
  EXPECT_NE(refusal([&] { World({.tymth = tymist.tymen(), .firstPort = 0}); }), "accepted");
  EXPECT_EQ(refusal([&] { world.host("other", {"10.0.0.1"}); }),
            "host 'other': 10.0.0.1 is the address of host 'near' already; give each its own");
  EXPECT_EQ(refusal([&] { world.host("Near"); }),
            "there is a host or name 'Near' already; take another");
  EXPECT_EQ(refusal([&] { world.host("other", {"ten"}); }),
            "'ten' is no address; write such as 10.0.0.1");
  EXPECT_NE(refusal([&] { world.host("other", {"127.0.0.1"}); }), "accepted");
  EXPECT_NE(refusal([&] { world.host(""); }), "accepted");
  EXPECT_EQ(refusal([&] { world.name("www", {"10.9.9.9"}); }),
            "the name 'www' resolves to 10.9.9.9, which no host has; make the host first, or add "
            "the rule answers() for a wrong answer");
  EXPECT_NE(refusal([&] { world.name("www", {}); }), "accepted");
  EXPECT_NE(refusal([&] { world.name("near", {"10.0.0.1"}); }), "accepted");
}

TEST_F(SimWorld, HostsWithoutAddressesGetTheirOwn) {
  EXPECT_EQ(near.address(), "10.0.0.1");
  EXPECT_EQ(far.address(), "10.0.0.2");
  world.host("taken", {"10.0.0.4"});
  EXPECT_EQ(world.host("next").address(), "10.0.0.5");
}

// The first example of the documentation: programs as they are, on simulated machines.
TEST_F(SimWorld, ClientAndServerRunUnchanged) {
  auto line = world.add(link({.latency = 20ms}));
  auto server = openServer({.port = 7, .tymth = tymist.tymen(), .net = &far});
  ASSERT_TRUE(server->opened());
  Client client({.host = "far", .port = 7, .tymth = tymist.tymen(), .net = &near});
  client.tx("hello");
  const auto step = [&] {
    client.service();
    server->service();
    for (const auto& [ca, remoter] : server->ixes()) {
      remoter->tx(remoter->rxbs().view());
      remoter->clearRxbs();
    }
  };
  EXPECT_EQ(run(tymist, world,
                {.step = step,
                 .done = [&] { return client.rxbs().text() == "hello"; },
                 .wake = [&] { return client.deadline(); }}),
            Outcome::done);
  EXPECT_EQ(tymist.tyme(), 80ms);  // there and back for the connection, there and back for the text
  client.close();
  server->close();
  EXPECT_EQ(run(tymist, world, {.step = [] {}, .done = [] { return false; }}), Outcome::quiet);
  for (const Leftover& left : world.leftovers()) ADD_FAILURE() << left.text();
}

TEST_F(SimWorld, RunEndsAtItsLimit) {
  const auto never = [] { return false; };
  EXPECT_EQ(
      run(tymist, world, {.step = [] {}, .done = never, .wake = [] { return 2h; }, .limit = 1h}),
      Outcome::late);
  EXPECT_EQ(tymist.tyme(), 1h);
  EXPECT_EQ(run(tymist, world, {.step = [] {}, .done = never}), Outcome::quiet);
  EXPECT_THROW(run(tymist, world, {.step = [] {}}), std::invalid_argument);
}

TEST_F(SimWorld, TimeThatDoesNotAdvanceIsAnError) {
  try {
    run(tymist, world,
        {.step = [] {}, .done = [] { return false; }, .wake = [&] { return tymist.tyme(); }});
    FAIL() << "it must not go on for ever";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("time does not advance"), std::string::npos);
  }
}

TEST_F(SimWorld, LeftoversSayWhatAndWhere) {
  connect();
  EXPECT_EQ(send(*stream, "unread").count(), 6U);
  world.service();
  auto rule = world.add(partition(near, far));
  EXPECT_EQ(send(*stream, "unsent").count(), 6U);
  std::vector<std::string> texts;
  for (const Leftover& left : world.leftovers()) texts.push_back(left.text());
  const std::string path = "10.0.0.1:32768 > 10.0.0.2:80";
  EXPECT_EQ(texts, (std::vector<std::string>{
                       "near: a stream is open, " + path,
                       "far: a stream is open, 10.0.0.2:80 > 10.0.0.1:32768",
                       "far: a listener is open on 10.0.0.2:80",
                       "near: 6 bytes taken for sending have not arrived, " + path,
                       "near: TCP will send again at 200000000 ns, " + path,
                       "far: 6 bytes arrived and were never received, 10.0.0.2:80 > 10.0.0.1:32768",
                   }));
}

// What the library promises of idle clients: an hour passes by jumping.
TEST_F(SimWorld, AnHourOfAHundredIdleClientsIsAFewTurns) {
  auto server = openServer({.port = 7, .tymth = tymist.tymen(), .net = &far});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(core::tcp::ClientOptions{
        .host = "far", .port = 7, .reconnectable = true, .tymth = tymist.tymen(), .net = &near}));
  }
  int turns = 0;
  const auto step = [&] {
    ++turns;
    for (const auto& client : clients) client->service();
    server->service();
  };
  const auto wake = [&] {
    std::optional<base::Tyme> next;
    for (const auto& client : clients) {
      const auto at = client->deadline();
      if (at && (!next || *at < *next)) next = at;
    }
    return next;
  };
  ASSERT_EQ(run(tymist, world, {.step = step, .done = [] { return false; }, .wake = wake}),
            Outcome::quiet);
  EXPECT_EQ(server->ixes().size(), 100U);
  turns = 0;
  tymist.tick(1h);
  EXPECT_EQ(run(tymist, world, {.step = step, .done = [] { return false; }, .wake = wake}),
            Outcome::quiet);
  EXPECT_LE(turns, 2);
}

}  // namespace
}  // namespace hio::sim
