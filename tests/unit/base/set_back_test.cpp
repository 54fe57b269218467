// A clock that is set back: what is waited for stays as far away as it was.
#include <gtest/gtest.h>

#include "hio/base/deed.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::group;
using test::Trace;
using test::traced;

// Cycles of 1 s from 0 on, set back by 100 s after the second.
std::string tracedCycles(Trace& trace, Doist& doist, int cycles) {
  doist.enter();
  for (int i = 0; i < 2; ++i) doist.recur();
  EXPECT_EQ(doist.tyme(), 2s);
  doist.tyme(-98s);
  for (int i = 2; i < cycles; ++i) doist.recur();
  return trace.text();
}

TEST(SetBack, ATockLastsAsLongAsItShould) {
  Trace trace;
  Doist doist({.tock = 1s, .doers = {traced(trace, "A", {.tock = 5s})}});
  EXPECT_EQ(tracedCycles(trace, doist, 12), "A:enter A@0 A@-95000 A@-90000");
}

TEST(SetBack, SoItDoesInADoDoerInADoDoerAndInOneWithAPace) {
  Trace trace;
  const auto inner = group(trace, "H", {.doers = {traced(trace, "A", {.tock = 5s})}});
  const auto paced = group(trace, "P", {.tock = 4s, .doers = {traced(trace, "B", {.tock = 5s})}});
  Doist doist({.tock = 1s, .doers = {group(trace, "G", {.doers = {inner}}), paced}});
  EXPECT_EQ(tracedCycles(trace, doist, 10),
            "G:enter H:enter A:enter P:enter B:enter G@0 H@0 A@0 P@0 B@0 P@-96000 "
            "G@-95000 H@-95000 A@-95000 P@-92000 B@-92000");
}

TEST(SetBack, IsTakenIntoTheDeadline) {
  Trace trace;
  Doist doist({.tock = 1s, .doers = {traced(trace, "A", {.tock = 5s})}});
  doist.enter();
  doist.recur();
  EXPECT_EQ(doist.deadline(), 5s);
  EXPECT_EQ(doist.maxSleep(), 4s);
  doist.tyme(-10s);
  EXPECT_EQ(doist.deadline(), -6s);
  EXPECT_EQ(doist.maxSleep(), 4s);
  doist.tyme(1s);  // and set right again before anybody saw it
  EXPECT_EQ(doist.deadline(), 5s);
}

TEST(SetBack, SleepUntilAndParkKeepWhatIsLeft) {
  Trace trace;
  Tymth tymth;
  const auto told = [&](const char* what) {
    trace.add(std::string(what) + "@" + std::to_string(tymth() / 1s));
  };
  const auto sleeps = doify([&](Tymth, Tyme) -> Deed {
    co_await sleep(5s);
    told("sleep");
    co_await sleep(2s);
    told("sleep");
    co_return true;
  });
  const auto looks = doify([&](Tymth, Tyme) -> Deed {
    int times = 0;
    co_await until([&] { return ++times == 4; }, 3s);
    told("until");
    co_return true;
  });
  const auto parks = doify([&](Tymth, Tyme) -> Deed {
    const bool woken = co_await park(6s);
    told(woken ? "woken" : "park");
    co_return true;
  });
  Doist doist({.tock = 1s, .doers = {sleeps, group(trace, "G", {.doers = {looks}}), parks}});
  tymth = doist.tymen();
  doist.enter();
  trace.take();
  for (int i = 0; i < 2; ++i) doist.recur();
  trace.take();
  doist.tyme(-98s);
  while (doist.deeds() > 0) doist.recur();
  EXPECT_EQ(trace.text(),
            "G@-97000 sleep@-95 G@-94000 until@-94 G:clean G:exit park@-94 sleep@-93");
}

TEST(SetBack, TwiceAndFurtherThanTymeGoes) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = 5s});
  Doist doist({.tock = 1s, .doers = {a}});
  doist.enter();
  doist.recur();  // next at 5 s, it is 1 s
  doist.tyme(0s);
  doist.recur();  // next at 4 s, it is 1 s
  doist.tyme(Tyme::min());
  EXPECT_EQ(doist.maxSleep(), 3s);
  for (int i = 0; i < 3; ++i) doist.recur();
  EXPECT_EQ(a->count(), 1);
  doist.recur();
  EXPECT_EQ(a->count(), 2);
  doist.tyme(Forever);
  doist.tick();
  EXPECT_EQ(doist.tyme(), Forever);
}

TEST(SetBack, ADoerAddedAfterItIsDueAtOnce) {
  Trace trace;
  Doist doist({.tock = 1s});
  doist.enter();
  doist.recur();
  doist.tyme(-50s);
  doist.extend({traced(trace, "A", {.tock = 2s})});
  for (int i = 0; i < 4; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@-50000 A@-48000");
}

TEST(SetBack, TheLimitOfARunLastsAsLong) {
  Trace trace;
  Doist* where = nullptr;
  bool set = false;
  const auto setter = doify([&](Tyme tyme) {
    if (tyme == 3s && !std::exchange(set, true)) where->tyme(-10s);
    return false;
  });
  Doist doist({.tock = 1s, .limit = 10s, .doers = {setter}});
  where = &doist;
  doist.run();
  EXPECT_EQ(doist.tyme(), -3s);
}

// A pacer whose clock is set back.
struct ClockPacer final : Pacer {
  Tyme clock{0};
  std::optional<Tyme> setTo;
  Tyme advance(Tyme /*tyme*/, Tyme until) override {
    clock = setTo ? *std::exchange(setTo, std::nullopt) : std::max(clock, until);
    return clock;
  }
};

TEST(SetBack, APacerMayFollowAClockThatIs) {
  Trace trace;
  ClockPacer pacer;
  const auto a = traced(trace, "A", {.tock = 5s, .visits = 3});
  const auto b = traced(trace, "B", {.tock = 2s, .visits = 4, .onRecur = [&](test::Traced& self) {
                                       if (self.count() == 2) pacer.setTo = -100s;
                                     }});
  Doist doist({.limit = 60s, .doers = {a, b}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(),
            "A:enter B:enter A@0 B@0 B@2000 B@-98000 A@-97000 B@-96000 B:clean B:exit "
            "A@-92000 A:clean A:exit");
  EXPECT_TRUE(doist.done());
}

struct BadClock final : help::Clock {
  Tyme time{0};
  Tyme now() noexcept override { return time; }
  void sleep(Tyme duration) noexcept override { time += duration; }
};
struct BadClockPacer final : RealPacer {
  explicit BadClockPacer(BadClock& its) : RealPacer(its), clock(its) {}
  BadClock& clock;
  std::optional<Tyme> last;
  void wait(std::optional<Tyme> atMost) override {
    last = atMost;
    clock.sleep(atMost.value_or(Tyme(0)));
  }
};

TEST(SetBack, TheClockOfARealPacerDoesNotHoldUpTheTyme) {
  Trace trace;
  BadClock clock;
  BadClockPacer pacer(clock);
  const auto a = traced(trace, "A", {.tock = 5s, .visits = 4, .onRecur = [&](test::Traced& self) {
                                       if (self.count() == 2) clock.time = -1h;
                                     }});
  Doist doist({.doers = {a}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@5000 A@10000 A@15000 A:clean A:exit");
  EXPECT_EQ(clock.time, -1h + 10s);
}

TEST(SetBack, ARealPacerGoesOnFromATymeThatWasSetByHand) {
  Trace trace;
  BadClock clock;
  BadClockPacer pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 5s})}, .pacer = &pacer});
  doist.enter();
  doist.recur();
  doist.tyme(2s);
  EXPECT_EQ(doist.maxSleep(), 0s);
  doist.recur();
  EXPECT_EQ(doist.tyme(), 7s);
  doist.tyme(100s);
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@2000 A@100000");
  EXPECT_LE(pacer.last, 5s);
}

}  // namespace
}  // namespace hio::base
