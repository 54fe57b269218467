// One program run again and again: the same doers at the same tymes, in the same order.
#include <gtest/gtest.h>

#include <string>

#include "hio/base/deed.hpp"
#include "hio/base/pacer.hpp"
#include "hio/sim/random.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::millis;
using test::throws;
using test::Trace;
using test::traced;
using test::Traced;

Deed napper(Trace& trace, Tymth tymth, sim::Random random) {
  for (int nap = 0; nap < 5; ++nap) {
    co_await sleep(1ms * random.between(1, 400));
    trace.add("nap@" + std::to_string(millis(tymth())));
  }
  co_return true;
}

// Doers of all kinds that wake, add and remove each other; the last one ends it by an error.
std::string run(std::uint64_t seed) {
  sim::Random random(seed);
  Trace trace;
  VirtualPacer pacer;
  Doist doist({.limit = 30s, .pacer = &pacer});
  const auto parked = traced(trace, "P", {.tock = Forever});
  Doers doers{parked};
  const auto group = test::group(trace, "G", {.always = true});
  for (int i = 0; i < 20; ++i) {
    doers.push_back(traced(trace, "T" + std::to_string(i), {.tock = 1ms * random.between(0, 700)}));
  }
  doers.push_back(group);
  doers.push_back(
      doify([&trace, random](Tymth tymth, Tyme) { return napper(trace, tymth, random); }));
  doers.push_back(traced(trace, "M", {.tock = 50ms, .visits = 60, .onRecur = [&](Traced& self) {
                                        if (random.chance(300)) parked->waker().wake();
                                        if (random.chance(300))
                                          group->extend({traced(trace, "E", {.visits = 3})});
                                        if (random.chance(100) && !group->doers().empty()) {
                                          group->remove({group->doers().front()});
                                        }
                                        if (self.count() == 50) throws("enough")();
                                      }}));
  const std::string error = test::errorOf([&] { doist.run({.doers = doers}); });
  return trace.text() + " " + error + " " + std::to_string(millis(doist.tyme()));
}

// D4
TEST(Reproducible, AHundredRunsGiveOneTrace) {
  const std::string first = run(1);
  EXPECT_GT(first.size(), 2'000U);
  EXPECT_NE(first.find("enough"), std::string::npos);
  EXPECT_NE(first, run(2));
  for (int again = 1; again < 100; ++again) ASSERT_EQ(run(1), first) << "run " << again;
}

}  // namespace
}  // namespace hio::base
