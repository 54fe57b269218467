// Doers that are visited only when they are due or woken, and what passes the time meanwhile.
#include <gtest/gtest.h>

#include <algorithm>

#include "hio/base/doing.hpp"
#include "hio/base/pacer.hpp"
#include "support/allocations.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::group;
using test::Trace;
using test::traced;
using test::Traced;

// --- parking and waking ---

TEST(Parked, IsVisitedOnceAndThenOnlyWhenWoken) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  Doist doist({.tock = 250ms, .doers = {a, traced(trace, "B")}});
  doist.enter();
  for (int i = 0; i < 3; ++i) doist.recur();
  a->waker().wake();
  a->waker().wake();
  for (int i = 0; i < 2; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 B@0 B@250 B@500 A@750 B@750 B@1000");
}

TEST(Parked, OneCanAskForATymeForOnce) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = 250ms, .onRecur = [](Traced& self) {
                                       if (self.count() == 1) self.retyme(1s);
                                       if (self.count() == 3) self.retyme(Forever);
                                     }});
  Doist doist({.tock = 125ms, .doers = {a}});
  doist.enter();
  for (int i = 0; i < 20; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@1000 A@1250");
  a->waker().wake();
  doist.recur();
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@1000 A@1250 A@2500 A@2750");
}

TEST(Parked, KnowsWhetherItWasWoken) {
  Trace trace;
  std::vector<bool> woken;
  const auto a = traced(
      trace, "A", {.tock = 250ms, .onRecur = [&](Traced& self) { woken.push_back(self.woken()); }});
  Doist doist({.tock = 250ms, .doers = {a}});
  doist.enter();
  doist.recur();
  a->waker().wake();
  doist.recur();
  doist.recur();
  EXPECT_EQ(woken, (std::vector<bool>{false, true, false}));
}

TEST(Waker, VisitsInTheOrderOfAddingNotOfWaking) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  const auto b = traced(trace, "B", {.tock = Forever});
  const auto c = traced(trace, "C", {.tock = Forever});
  Doist doist({.tock = 250ms, .doers = {a, b, c}});
  doist.enter();
  doist.recur();
  trace.take();
  c->waker().wake();
  a->waker().wake();
  b->waker().wake();
  doist.recur();
  EXPECT_EQ(trace.take(), "A@250 B@250 C@250");
}

// A wake is used up by the next visit that comes, be it in this cycle.
TEST(Waker, InACycleIsSeenByTheVisitsStillToCome) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  const auto c = traced(trace, "C");
  const auto d = traced(trace, "D", {.tock = Forever});
  const auto b = traced(trace, "B", {.tock = Forever, .onRecur = [&](Traced& self) {
                                       if (self.count() > 1) return;
                                       for (const auto& doer : {a, c, d}) doer->waker().wake();
                                       self.waker().wake();
                                     }});
  Doist doist({.tock = 250ms, .doers = {a, b, c, d}});
  doist.enter();
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter B:enter C:enter D:enter A@0 B@0 C@0 D@0");
  EXPECT_EQ(doist.deadline(), 250ms);
  doist.recur();
  EXPECT_EQ(trace.take(), "A@250 B@250 C@250");
  doist.recur();
  EXPECT_EQ(trace.take(), "C@500");
}

// --- nudging ---

// Gives `answer` when it is asked for its next visit.
struct Asked : Traced {
  using Traced::Traced;
  std::optional<Tyme> answer{};
  int times = 0;
  std::optional<Tyme> due() override {
    ++times;
    return answer;
  }
};

TEST(Nudge, BetweenTwoVisitsWakes) {
  Trace trace;
  const auto a = std::make_shared<Asked>(trace, "A", test::Contexts{});
  a->answer = Forever;
  Doist doist({.tock = 250ms, .doers = {a}});
  doist.enter();
  doist.recur();
  doist.recur();
  a->waker().wakeAfterVisit();
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@500");
}

TEST(Nudge, InAVisitHasTheDoerAskedAlsoIfItHasSaidWhen) {
  Trace trace;
  const auto a = std::make_shared<Asked>(trace, "A", test::Contexts{.onRecur = [](Traced& self) {
                                           self.retyme(1s);
                                           if (self.count() == 1) self.waker().wakeAfterVisit();
                                         }});
  a->answer = 500ms;
  Doist doist({.tock = 250ms, .doers = {a}});
  doist.enter();
  for (int i = 0; i < 8; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@500 A@1000 A@1250 A@1500 A@1750");
  EXPECT_EQ(a->times, 1);
}

TEST(Nudge, InAVisitOfADoerThatCannotTellIsAWake) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever, .onRecur = [](Traced& self) {
                                       if (self.count() == 1) self.waker().wakeAfterVisit();
                                     }});
  Doist doist({.tock = 250ms, .doers = {a}});
  doist.enter();
  for (int i = 0; i < 4; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250");
}

// One that ended in the midst of it is not asked, and begins anew without.
TEST(Nudge, DoesNotOutliveTheRun) {
  Trace trace;
  const auto a = std::make_shared<Asked>(
      trace, "A",
      test::Contexts{.visits = 1, .onRecur = [](Traced& self) { self.waker().wakeAfterVisit(); }});
  Doist doist({.tock = 250ms, .doers = {a}});
  for (int run = 0; run < 2; ++run) doist.run();
  EXPECT_EQ(a->times, 0);
}

TEST(Waker, WakesAllDoDoersAround) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  const auto inner = group(trace, "H", {.doers = {a}});
  const auto outer = group(trace, "G", {.doers = {inner}});
  Doist doist({.tock = 250ms, .doers = {outer, traced(trace, "B", {.tock = Forever})}});
  doist.enter();
  doist.recur();
  trace.take();
  EXPECT_EQ(doist.deadline(), std::nullopt);
  a->waker().wake();
  EXPECT_EQ(doist.deadline(), 250ms);
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.take(), "G@250 H@250 A@250");
}

TEST(Waker, KeepsToThePaceOfADoDoerWithATock) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  const auto outer = group(trace, "G", {.tock = 500ms, .doers = {a}});
  Doist doist({.tock = 250ms, .doers = {outer}});
  doist.enter();
  doist.recur();
  trace.take();
  a->waker().wake();
  outer->extend({traced(trace, "B", {.tock = Forever})});
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.take(), "B:enter G@500 A@500 B@500");
  outer->waker().wake();
  doist.recur();
  EXPECT_EQ(trace.take(), "G@750");
}

TEST(Waker, DoesNothingBeforeAndAfterTheRunAndWhenTheDoerIsGone) {
  Trace trace;
  Waker waker;
  EXPECT_FALSE(waker);
  waker.wake();
  {
    auto a = traced(trace, "A", {.visits = 1});
    waker = a->waker();
    EXPECT_TRUE(waker);
    waker.wake();
    {
      Doist doist({.doers = {a}});
      doist.enter();
      waker.wake();
      doist.recur();
      waker.wake();
      doist.recur();
      doist.extend({a});
      EXPECT_TRUE(a->running());
    }
    waker.wake();
    EXPECT_FALSE(a->running());
  }
  waker.wake();
  EXPECT_EQ(trace.text(), "A:enter A@0 A:clean A:exit A:enter A:close A:exit");
}

TEST(Waker, OfADoerThatIsRemovedDoesNothing) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = Forever});
  Doist doist({.doers = {a, traced(trace, "B", {.tock = Forever})}});
  doist.enter();
  doist.recur();
  a->waker().wake();
  doist.remove({a});
  a->waker().wake();
  trace.take();
  doist.recur();
  EXPECT_EQ(trace.take(), "");
}

// --- cost ---

TEST(Cost, AHundredThousandParkedDoersAreNotVisitedAndAllocateNothing) {
  constexpr std::size_t count = 100'000;
  std::size_t visits = 0;
  Doers doers;
  for (std::size_t i = 0; i < count; ++i) {
    doers.push_back(doify([&visits](Tyme) { return ++visits == 0; }, {.tock = Forever}));
  }
  const Waker first = doers.front()->waker();
  const Waker last = doers.back()->waker();
  Doist doist({.doers = std::move(doers)});
  doist.enter();
  doist.recur();
  EXPECT_EQ(visits, count);
  const auto before = test::allocations();
  for (int i = 0; i < 100'000; ++i) doist.recur();
  EXPECT_EQ(visits, count);
  for (int i = 0; i < 1000; ++i) {
    last.wake();
    first.wake();
    doist.recur();
  }
  EXPECT_EQ(visits, count + 2000);
  EXPECT_EQ(test::allocations().made, before.made);
}

TEST(Cost, DeadlinesAndWakesAllocateNothing) {
  Doers doers;
  for (int i = 0; i < 100; ++i)
    doers.push_back(doify([](Tyme) { return false; }, {.tock = i * 1ms}));
  std::vector<Waker> wakers;
  for (const auto& doer : doers) wakers.push_back(doer->waker());
  Doist doist(
      {.tock = 1ms, .doers = {std::make_shared<DoDoer>(DoDoerOptions{.doers = std::move(doers)})}});
  doist.enter();
  const auto before = test::allocations();
  for (std::size_t i = 0; i < 10'000; ++i) {
    wakers[i * 7919 % wakers.size()].wake();
    doist.recur();
  }
  EXPECT_EQ(test::allocations().made, before.made);
}

// Whatever comes and goes, each doer is visited when it is due and at no other time.
TEST(Cost, TheHeapGivesEveryDeadlineInItsTurn) {
  std::uint64_t random = 1;
  const auto draw = [&random](std::uint64_t below) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return (random >> 33U) % below;
  };
  Doist doist({.tock = 1ms});
  doist.enter();
  std::size_t wrong = 0;
  std::size_t visits = 0;
  Doers doers;
  for (int i = 0; i < 300; ++i) {
    const Tyme tock = (1 + draw(50)) * 1ms;
    const auto next = std::make_shared<Tyme>(doist.tyme());
    doers.push_back(doify(
        [&, tock, next](Tyme tyme) {
          ++visits;
          if (tyme != *next) ++wrong;
          *next = tyme + tock;
          return false;
        },
        {.tock = tock}));
    doist.extend({doers.back()});
    for (std::uint64_t cycles = draw(20); cycles > 0; --cycles) doist.recur();
    if (draw(2) == 0) {
      const std::size_t gone = draw(doers.size());
      doist.remove({doers[gone]});
      doers.erase(doers.begin() + static_cast<std::ptrdiff_t>(gone));
    }
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(visits, 10'000U);
}

// --- passing the time ---

class FakeClock final : public help::Clock {
 public:
  Tyme now() noexcept override { return now_; }
  void sleep(Tyme duration) noexcept override {
    slept.push_back(duration);
    // Comes back early now and then, as the kernel's may.
    pass(slept.size() % 3 == 0 && duration > 1ms ? duration - 1ms : duration);
  }
  void pass(Tyme duration) { now_ += duration; }

  std::vector<Tyme> slept;

 private:
  Tyme now_ = 1000s;
};

class FakeIdler final : public RealPacer {
 public:
  explicit FakeIdler(FakeClock& clock) : RealPacer(clock), clock_(clock) {}

  std::vector<std::optional<Tyme>> waits;
  std::function<void()> event;  // happens in the next wait, 10 ms after its begin

 protected:
  void wait(std::optional<Tyme> atMost) override {
    waits.push_back(atMost);
    if (event) {
      clock_.pass(10ms);
      std::exchange(event, nullptr)();
    } else if (atMost) {
      clock_.pass(*atMost);
    }
  }

 private:
  FakeClock& clock_;
};

// D3: in real time each cycle takes a tock, and what one cycle takes too long the next ones make
// up.
TEST(RealTime, PacesByTheTockAndLosesNoTime) {
  Trace trace;
  FakeClock clock;
  const auto a = traced(trace, "A", {.visits = 5, .onRecur = [&](Traced& self) {
                                       clock.pass(self.count() == 2 ? 600ms : 10ms);
                                     }});
  Doist doist({.tock = 250ms, .real = true, .doers = {a}, .clock = &clock});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250 A@500 A@750 A@1000 A:clean A:exit");
  EXPECT_EQ(clock.now(), 1000s + 1250ms);
  EXPECT_EQ(clock.slept, (std::vector<Tyme>{240ms, 130ms, 240ms, 1ms}));
  EXPECT_TRUE(doist.real());
}

TEST(RealTime, WithAnIdlerWaitsForTheFirstDeadlineAndFollowsTheClock) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  const auto a = traced(trace, "A", {.tock = Forever});
  Doist doist({.doers = {a, traced(trace, "B", {.tock = 400ms}), traced(trace, "C", {.tock = 1s})},
               .pacer = &pacer});
  pacer.event = [&] {};
  doist.run({.limit = 1200ms});
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter A@0 B@0 C@0 B@400 B@800 C@1000 "
            "C:close C:exit B:close B:exit A:close A:exit");
  using Waits = std::vector<std::optional<Tyme>>;
  EXPECT_EQ(pacer.waits, (Waits{400ms, 390ms, 400ms, 200ms, 200ms}));
  EXPECT_EQ(doist.tyme(), 1200ms);
}

TEST(RealTime, AnIdlersEventWakesADoerAtOnce) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  std::shared_ptr<Traced> a;
  a = traced(trace, "A", {.tock = Forever, .visits = 2, .onRecur = [&](Traced& self) {
                            clock.pass(3ms);
                            pacer.event = [&self] { self.waker().wake(); };
                          }});
  Doist doist({.tyme = 5s, .doers = {a}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@5000 A@5013 A:clean A:exit");
  EXPECT_EQ(pacer.waits, std::vector<std::optional<Tyme>>{std::nullopt});
  EXPECT_TRUE(doist.done());
}

TEST(RealTime, WithAnIdlerATockOfZeroIsPacedAndAWakeIsNot) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  const auto a = traced(trace, "A", {.visits = 4, .onRecur = [](Traced& self) {
                                       if (self.count() == 2) self.waker().wake();
                                     }});
  Doist doist({.tock = 30ms, .doers = {a}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@30 A@30 A@60 A:clean A:exit");
  EXPECT_EQ(pacer.waits, (std::vector<std::optional<Tyme>>{30ms, 0s, 30ms}));
}

TEST(RealTime, ALateCycleVisitsOnceAndKeepsTheRhythm) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  const auto a = traced(trace, "A", {.tock = 100ms, .visits = 4, .onRecur = [&](Traced& self) {
                                       if (self.count() == 2) clock.pass(1025ms);
                                     }});
  Doist doist({.doers = {a}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@100 A@1125 A@1200 A:clean A:exit");
}

TEST(RealTime, ALateCycleKeepsTheRhythmInADoDoerToo) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  const auto a = traced(trace, "A", {.tock = 100ms, .visits = 3, .onRecur = [&](Traced& self) {
                                       if (self.count() == 1) clock.pass(1025ms);
                                     }});
  Doist doist({.doers = {group(trace, "G", {.doers = {a}})}, .pacer = &pacer});
  doist.run();
  EXPECT_EQ(trace.text(),
            "G:enter A:enter G@0 A@0 G@1025 A@1025 G@1100 A@1100 A:clean A:exit G:clean G:exit");
}

TEST(RealTime, ASecondRunGoesOnWhereTheFirstEnded) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  Doist doist({.doers = {traced(trace, "A", {.tock = 100ms, .visits = 2})}, .pacer = &pacer});
  doist.run();
  clock.pass(1h);
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@100 A:clean A:exit A:enter A@100 A@200 A:clean A:exit");
}

TEST(RealTime, AnErrorOfTheIdlerClosesAllAndComesOut) {
  Trace trace;
  FakeClock clock;
  FakeIdler pacer(clock);
  pacer.event = test::throws("poll");
  Doist doist({.doers = {traced(trace, "A")}, .pacer = &pacer});
  EXPECT_EQ(test::errorOf([&] { doist.run(); }), "poll");
  EXPECT_EQ(trace.text(), "A:enter A@0 A:close A:exit");
}

TEST(Jump, GoesToTheNextDeadlineAndEndsWhenThereIsNone) {
  Trace trace;
  VirtualPacer jump;
  const auto a = traced(trace, "A", {.tock = Forever});
  Doist doist({.doers = {a, traced(trace, "B", {.tock = 1h, .visits = 3}),
                         traced(trace, "C", {.tock = 100min, .visits = 2})},
               .pacer = &jump});
  doist.run();
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter A@0 B@0 C@0 B@3600000 C@6000000 C:clean C:exit "
            "B@7200000 B:clean B:exit A:close A:exit");
  EXPECT_EQ(doist.tyme(), 2h);
  EXPECT_FALSE(doist.done());
  doist.run({.limit = 30min});
  EXPECT_EQ(doist.tyme(), 150min);
}

TEST(Jump, TellsALoopOfItsOwnWhenTheNextCycleIsDue) {
  Trace trace;
  Doist doist({.tock = 250ms});
  EXPECT_EQ(doist.deadline(), std::nullopt);
  doist.enter();
  doist.extend({traced(trace, "A", {.tock = 10s})});
  EXPECT_EQ(doist.deadline(), 0s);
  doist.recur();
  EXPECT_EQ(doist.deadline(), 10s);
  doist.extend({doify([](Tyme) { return false; })});
  doist.recur();
  EXPECT_EQ(doist.deadline(), 750ms);
}

}  // namespace
}  // namespace hio::base
