// Each allocation of a client's way through failure, connection, cutoff and reconnection fails in
// turn: service() says so, and the next one goes on with nothing lost.
#include <gtest/gtest.h>

#include <new>
#include <string>

#include "hio/core/tcp/clienting.hpp"
#include "support/allocations.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::FailingAllocation;
using test::FakeNet;

struct Outcome {
  bool failed = false;  // there was an nth allocation
  bool connected = false;
  std::string received;
  std::uint64_t epoch = 0;
  std::string sent;
};

// Services until the second connection stands; the nth allocation on the way fails.
Outcome runWithout(std::uint64_t nth) {
  Outcome outcome;
  base::Tymist tymist(0s, 50ms);
  FakeNet net;
  net.names["two.test"] = {.ips = {*net::Ip::parse("::1"), *net::Ip::parse("10.0.0.1")}};
  Client client({.timeout = 10s,
                 .host = "two.test",
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .net = &net});
  client.tx("question");
  const auto serve = [&] {
    try {
      const FailingAllocation failing(nth);
      // The way there is to spend the count even when service() returns.
      struct Rest {
        std::uint64_t& nth;
        ~Rest() { nth = FailingAllocation::left(); }
      } const rest{nth};
      client.service();
    } catch (const std::bad_alloc&) {
      // Some are survived within service(): not each failure comes out.
    }
    tymist.tick();
  };
  for (int turn = 0; turn < 100 && client.epoch() < 2; ++turn) {
    serve();
    if (client.connected() && client.epoch() == 1 && client.traffic().received == 0) {
      net.wire(net.openedCount() - 1).receives = {"answer", IoResult::ended()};
    }
  }
  outcome.failed = nth == 0;
  outcome.connected = client.connected();
  outcome.received = client.rxbs().text();
  outcome.epoch = client.epoch();
  for (std::size_t i = 0; i < net.openedCount(); ++i) outcome.sent += net.wire(i).sent;
  return outcome;
}

TEST(OutOfMemory, FailsOneServiceAndLosesNothing) {
  std::uint64_t nth = 1;
  for (; nth < 1000; ++nth) {
    const Outcome outcome = runWithout(nth);
    EXPECT_TRUE(outcome.connected) << "allocation " << nth;
    EXPECT_EQ(outcome.received, "answer") << "allocation " << nth;
    EXPECT_EQ(outcome.sent, "question") << "allocation " << nth;
    EXPECT_EQ(outcome.epoch, 2U) << "allocation " << nth;
    if (!outcome.failed) break;
  }
  EXPECT_GT(nth, 10U);  // there were that many to fail
  EXPECT_LT(nth, 1000U);
}

}  // namespace
}  // namespace hio::core::tcp
