// Functions posted to a Doist, and a Doist in a loop of somebody else's. Real threads:
// tests/scenario/threads_test.cpp.
#include <gtest/gtest.h>

#include "hio/base/doing.hpp"
#include "support/allocations.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::errorOf;
using test::Trace;
using test::traced;
using test::Traced;

// A real clock that a test turns, and a wait that is written down.
struct TestClock final : help::Clock {
  Tyme time{0};
  Tyme now() noexcept override { return time; }
  void sleep(Tyme duration) noexcept override { time += duration; }
};
struct TestPacer final : RealPacer {
  explicit TestPacer(TestClock& its) : RealPacer(its), clock(its) {}
  TestClock& clock;
  std::vector<std::optional<Tyme>> waits;
  std::function<void()> event;  // in the next wait
  int wakes = 0;
  void wait(std::optional<Tyme> atMost) override {
    waits.push_back(atMost);
    if (event) return std::exchange(event, nullptr)();
    clock.sleep(atMost.value_or(Tyme(0)));
  }
  void wake() noexcept override { ++wakes; }
};

TEST(Post, RunsBeforeTheVisitsInOrderAndOnce) {
  Trace trace;
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A")}});
  EXPECT_TRUE(doist.post([&] { trace.add("1"); }));
  doist.enter();
  EXPECT_TRUE(doist.post([&] { trace.add("2"); }));
  doist.recur();
  doist.recur();
  EXPECT_TRUE(doist.poster().post([&] { trace.add("3"); }));
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter 1 2 A@0 A@250 3 A@500");
}

TEST(Post, ByAPostedFunctionOrADoerIsForTheNextCycle) {
  Trace trace;
  Doist doist({.tock = 250ms});
  doist.extend({traced(trace, "A", {.onFirst = [&] { doist.post([&] { trace.add("3"); }); }})});
  doist.post([&] {
    trace.add("1");
    doist.post([&] { trace.add("2"); });
  });
  doist.enter();
  doist.recur();
  EXPECT_EQ(doist.deadline(), 250ms);
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter 1 A@0 2 3 A@250");
}

TEST(Post, MakesTheDeadlineNowAndEndsNoRunEarly) {
  Trace trace;
  VirtualPacer pacer;
  Doist doist({.doers = {traced(trace, "A", {.tock = Forever})}, .pacer = &pacer});
  doist.enter();
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter A@0");
  doist.exit();
  trace.take();
  doist.enter();
  const auto b = traced(
      trace, "B", {.tock = Forever, .onFirst = [&] { doist.post([&] { trace.add("posted"); }); }});
  doist.extend({b});
  EXPECT_EQ(doist.deadline(), 0s);
  doist.recur();
  EXPECT_EQ(doist.deadline(), 0s);
  EXPECT_EQ(doist.maxSleep(), 0s);
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter B:enter A@0 B@0 posted");
  EXPECT_EQ(doist.deadline(), std::nullopt);
}

TEST(Post, MayAddRemoveAndStop) {
  Trace trace;
  const auto a = traced(trace, "A");
  Doist doist({.tock = 250ms});
  doist.post([&] { doist.extend({a}); });
  doist.post([&] { doist.post([&] { doist.stop(); }); });
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250 A:close A:exit");
}

TEST(Post, WhatARunLeavesIsForTheNextOneOrDestroyed) {
  Trace trace;
  struct Left {
    Trace& trace;
    explicit Left(Trace& its) : trace(its) {}
    ~Left() { trace.add("destroyed"); }
  };
  Poster poster;
  EXPECT_FALSE(poster);
  EXPECT_FALSE(poster.post([] {}));
  {
    Doist doist;
    poster = doist.poster();
    EXPECT_TRUE(poster);
    doist.extend({traced(
        trace, "A", {.visits = 1, .onExit = [&] { doist.post([&] { trace.add("left"); }); }})});
    doist.run();
    EXPECT_EQ(trace.take(), "A:enter A@0 A:clean A:exit");
    doist.run({.doers = Doers{}});
    EXPECT_EQ(trace.take(), "left");
    EXPECT_TRUE(poster.post([left = std::make_shared<Left>(trace)] { left->trace.add("ran"); }));
    // A destructor may post: nothing is locked, and the Doist has ended.
    EXPECT_TRUE(poster.post([last = std::shared_ptr<int>(new int, [&](int* it) {
                               delete it;
                               trace.add(poster.post([] {}) ? "kept" : "refused");
                             })] { (void)last; }));
    EXPECT_EQ(trace.text(), "");
  }
  EXPECT_EQ(trace.take(), "destroyed refused");
  EXPECT_TRUE(poster);
  EXPECT_FALSE(poster.post([] {}));
}

TEST(Post, ThatThrowsEndsTheCycleAndLeavesThoseBehindIt) {
  Trace trace;
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A")}});
  doist.enter();
  doist.post([&] { trace.add("1"); });
  doist.post(test::throws("2"));
  doist.post([&] {
    trace.add("3");
    doist.post([&] { trace.add("5"); });
  });
  EXPECT_EQ(errorOf([&] { doist.recur(); }), "2");
  EXPECT_EQ(doist.deadline(), 0s);
  doist.post([&] { trace.add("4"); });
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter 1 3 4 A@0 5 A@250");

  doist.post(test::throws("6"));
  doist.post([&] { trace.add("7"); });
  doist.exit();
  trace.take();
  EXPECT_EQ(errorOf([&] { doist.run(); }), "6");
  EXPECT_EQ(trace.take(), "A:enter A:close A:exit");
  doist.run({.limit = 250ms});
  EXPECT_EQ(trace.take(), "A:enter 7 A@500 A:close A:exit");
}

TEST(Post, RefusesAnEmptyFunctionAndACycleInsideOne) {
  Doist doist;
  EXPECT_EQ(errorOf([&] { doist.post({}); }), "post: the function is empty");
  doist.post([&] { doist.recur(); });
  EXPECT_EQ(errorOf([&] { doist.recur(); }), "recur: called from one of its own doers");
  doist.post([&] { doist.poll(); });
  EXPECT_EQ(errorOf([&] { doist.recur(); }), "poll: called from one of its own doers");
}

TEST(Post, WakesThePacerOnceForAllThatWaits) {
  Trace trace;
  TestClock clock;
  TestPacer pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 1h})}, .pacer = &pacer});
  doist.enter();
  pacer.event = [&] {
    doist.post([&] { trace.add("1"); });
    doist.post([&] { trace.add("2"); });
  };
  doist.recur();
  EXPECT_EQ(pacer.wakes, 1);
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 1 2");
  TestPacer other(clock);
  doist.pacer(&other);
  doist.post([] {});
  EXPECT_EQ(other.wakes, 1);
  EXPECT_EQ(pacer.wakes, 1);
}

TEST(Post, ACycleWithoutAnyAllocatesNothing) {
  Doist doist({.doers = {doify([](Tyme) { return false; })}});
  doist.enter();
  doist.post([] {});
  doist.recur();
  const auto before = test::allocations();
  for (int i = 0; i < 10; ++i) doist.recur();
  EXPECT_EQ(test::allocations().made, before.made);
}

// --- in a foreign loop ---

TEST(Poll, TakesTheTimeVisitsWhoIsDueAndDoesNotWait) {
  Trace trace;
  TestClock clock;
  TestPacer pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 100ms}), traced(trace, "B", {.tock = 1s})},
               .pacer = &pacer});
  EXPECT_FALSE(doist.poll());  // too early: nothing has been entered
  EXPECT_EQ(doist.maxSleep(), std::nullopt);
  doist.enter();
  EXPECT_EQ(doist.maxSleep(), 0s);
  EXPECT_TRUE(doist.poll());
  EXPECT_EQ(doist.maxSleep(), 100ms);
  clock.time += 40ms;
  EXPECT_EQ(doist.maxSleep(), 60ms);
  EXPECT_TRUE(doist.poll());  // too early
  EXPECT_EQ(doist.maxSleep(), 60ms);
  clock.time += 60ms;
  EXPECT_TRUE(doist.poll());
  clock.time += 1025ms;
  EXPECT_EQ(doist.maxSleep(), 0s);
  EXPECT_TRUE(doist.poll());  // too late
  EXPECT_EQ(doist.maxSleep(), 75ms);
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 B@0 A@100 A@1125 B@1125");
  for (const auto& wait : pacer.waits) EXPECT_EQ(wait, 0s);
  doist.stop();
  EXPECT_FALSE(doist.poll());
  doist.exit();
  doist.enter();
  EXPECT_TRUE(doist.poll());
}

TEST(Poll, MayWaitUntilSomethingIsDue) {
  Trace trace;
  TestClock clock;
  TestPacer pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 100ms})}, .pacer = &pacer});
  doist.enter();
  doist.poll(1s);
  doist.poll(1s);
  doist.poll(30ms);
  doist.poll(-1s);
  using Waits = std::vector<std::optional<Tyme>>;
  EXPECT_EQ(pacer.waits, (Waits{0s, 100ms, 30ms, 0s}));
  EXPECT_EQ(trace.text(), "A:enter A@0 A@100");
}

TEST(Poll, ADoerThatIsWokenOrAddedBetweenTwoCallsIsToldByThePacer) {
  Trace trace;
  TestClock clock;
  TestPacer pacer(clock);
  const auto a = traced(trace, "A", {.tock = Forever});
  Doist doist({.doers = {a}, .pacer = &pacer});
  doist.enter();
  doist.poll();
  EXPECT_EQ(doist.maxSleep(), std::nullopt);
  a->waker().wake();
  a->waker().wake();
  EXPECT_EQ(pacer.wakes, 1);
  EXPECT_EQ(doist.maxSleep(), 0s);
  doist.poll();
  doist.extend({traced(trace, "B", {.tock = Forever})});
  EXPECT_EQ(pacer.wakes, 2);
  doist.poll();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@0 B:enter B@0");
  a->waker().wake();
  doist.recur();  // in which nobody has to be woken
  a->waker().wake();
  EXPECT_EQ(pacer.wakes, 3);
}

TEST(Poll, FromInsideADoerIsAnError) {
  TestClock clock;
  TestPacer pacer(clock);
  Doist doist({.pacer = &pacer});
  std::string what;
  doist.extend({doify([&](Tyme) {
    what = errorOf([&] { doist.poll(); });
    return true;
  })});
  doist.enter();
  EXPECT_FALSE(doist.poll());
  EXPECT_EQ(what, "poll: called from one of its own doers");
}

TEST(Poll, WithoutAPacerIsACycleThatTicks) {
  Trace trace;
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A")}});
  doist.enter();
  EXPECT_TRUE(doist.poll());
  EXPECT_EQ(doist.maxSleep(), 250ms);
  EXPECT_TRUE(doist.poll());
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250");
}

// A10
TEST(Doist, MayBeEnteredByHandAgain) {
  Trace trace;
  TestClock clock;
  TestPacer pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 1s})}, .pacer = &pacer});
  for (int i = 0; i < 2; ++i) {
    doist.enter();
    doist.recur();
    doist.recur();
    doist.exit();
  }
  EXPECT_EQ(trace.text(), "A:enter A@0 A@1000 A:close A:exit A:enter A@2000 A@3000 A:close A:exit");
}

}  // namespace
}  // namespace hio::base
