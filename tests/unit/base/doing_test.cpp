// Contract D1 to D5: the contexts of doers, their order, and the Doist's and the DoDoer's rules.
#include "hio/base/doing.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::errorOf;
using test::group;
using test::Trace;
using test::traced;
using test::Traced;

// D1, D2
TEST(Doer, IsEnteredVisitedUntilDoneCleanedAndExited) {
  Trace trace;
  const auto doer = traced(trace, "A", {.visits = 2});
  EXPECT_FALSE(doer->done());
  EXPECT_FALSE(doer->running());
  Doist doist({.tock = 250ms, .doers = {doer}});
  doist.enter();
  EXPECT_TRUE(doer->running());
  EXPECT_FALSE(doer->done());
  doist.recur();
  EXPECT_FALSE(doer->done());
  doist.recur();
  EXPECT_TRUE(doer->done());
  EXPECT_FALSE(doer->running());
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250 A:clean A:exit");
  EXPECT_EQ(doist.deeds(), 0U);
}

// D1
TEST(Doer, ThatIsDoneWhenEnteredIsNotVisited) {
  Trace trace;
  std::shared_ptr<Traced> doer;
  doer = traced(trace, "A", {.onEnter = [&] { doer->done(true); }});
  Doist doist({.doers = {doer}});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A:clean A:exit");
  EXPECT_TRUE(doer->done());
  EXPECT_TRUE(doist.done());
}

// D2
TEST(Doer, HasTheAbsoluteValueOfANegativeTock) {
  Doer doer({.tock = -250ms});
  EXPECT_EQ(doer.tock(), 250ms);
  doer.tock(-1s);
  EXPECT_EQ(doer.tock(), 1s);
  doer.tock(Tyme::min());
  EXPECT_EQ(doer.tock(), Forever);
  EXPECT_EQ(Doist({.limit = -1s}).limit(), 1s);
}

// D2
TEST(Doer, CanChangeItsTockAsItRuns) {
  Trace trace;
  const auto doer = traced(
      trace, "A", {.onRecur = [](Traced& self) { self.tock(self.count() < 2 ? 0s : 500ms); }});
  Doist doist({.tock = 250ms, .limit = 1500ms, .doers = {doer}});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@250 A@750 A@1250 A:close A:exit");
}

// D2
TEST(Doer, IsWoundToWhoRunsIt) {
  Trace trace;
  const auto doer = traced(trace, "A");
  const auto inner = traced(trace, "B");
  Doist doist(
      {.tyme = 7s, .doers = {doer, std::make_shared<DoDoer>(DoDoerOptions{.doers = {inner}})}});
  EXPECT_FALSE(doer->tymth());
  doist.enter();
  EXPECT_EQ(doer->tyme(), 7s);
  doist.recur();
  EXPECT_EQ(doer->tyme(), 7031250us);
  EXPECT_EQ(inner->tyme(), 7031250us);
}

TEST(Doer, WoundInTheMidstOfARunIsStillVisitedByItsDoist) {
  Trace trace;
  Tymist other(9s);
  const auto inner = traced(trace, "A", {.tock = 500ms});
  const auto outer = group(trace, "G", {.doers = {inner}});
  Doist doist({.tock = 250ms, .limit = 1s, .doers = {outer}});
  doist.enter();
  outer->wind(other.tymen());
  inner->wind(other.tymen());
  outer->extend({traced(trace, "B", {.tock = 500ms})});
  EXPECT_EQ(outer->tyme(), 9s);
  for (int i = 0; i < 4; ++i) doist.recur();
  EXPECT_EQ(trace.text(), "G:enter A:enter B:enter G@0 A@0 B@0 G@500 A@500 B@500");
  EXPECT_EQ(inner->tyme(), 9s);
}

TEST(Doer, CanBeAFunction) {
  std::vector<Tyme> visits;
  Doist doist({.tock = 250ms});
  const auto doer = doify(
      [&](Tyme tyme) {
        visits.push_back(tyme);
        return visits.size() == 3;
      },
      {.tock = 500ms});
  doist.run({.doers = Doers{doer}});
  EXPECT_EQ(visits, (std::vector<Tyme>{0s, 500ms, 1s}));
  EXPECT_TRUE(doer->done());
  EXPECT_EQ(doist.tyme(), 1250ms);
  EXPECT_THROW(doify(std::function<bool(Tyme)>()), std::invalid_argument);
}

// D4
TEST(Doist, RunsTheVectorOfTheOriginal) {
  Trace trace;
  const auto a = traced(trace, "A", {.visits = 2});
  const auto b = traced(trace, "B", {.tock = 500ms});
  Doist doist({.tock = 250ms, .limit = 1s, .doers = {a, b}});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 B@0 A@250 A:clean A:exit B@500 B:close B:exit");
  EXPECT_EQ(doist.tyme(), 1s);
  EXPECT_TRUE(a->done());
  EXPECT_FALSE(b->done());
  EXPECT_FALSE(doist.done());
}

// D4
TEST(Doist, RunsTheOriginalsVectorOfADoerThatThrows) {
  Trace trace;
  const auto a = traced(trace, "A", {.visits = 2});
  const auto b = traced(
      trace, "B", {.tock = 500ms, .onRecur = [](Traced&) { throw std::runtime_error("broken"); }});
  Doist doist({.tock = 250ms, .limit = 1s, .doers = {a, b}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "broken");
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 B@0 B:abort(broken) B:exit A:close A:exit");
  EXPECT_EQ(doist.tyme(), 0s);
  EXPECT_FALSE(a->done());
  EXPECT_FALSE(b->done());
  EXPECT_FALSE(doist.done());
  EXPECT_EQ(doist.deeds(), 0U);
}

// D3
TEST(Doist, VisitsWhoIsDueInTheOrderInWhichTheyWereAdded) {
  Trace trace;
  Doist doist(
      {.tock = 125ms,
       .doers = {traced(trace, "A", {.tock = 250ms}), traced(trace, "B"),
                 traced(trace, "C", {.tock = 125ms}), traced(trace, "D", {.tock = 300ms})}});
  doist.enter();
  for (int i = 0; i < 5; ++i) doist.recur();
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter D:enter A@0 B@0 C@0 D@0 B@125 C@125 A@250 B@250 C@250 "
            "B@375 C@375 D@375 A@500 B@500 C@500");
}

// D3
TEST(Doist, ClosesInReverseOrderAtItsLimit) {
  Trace trace;
  Doist doist(
      {.tock = 500ms, .doers = {traced(trace, "A"), traced(trace, "B"), traced(trace, "C")}});
  doist.run({.limit = 500ms, .tyme = 10s});
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter A@10000 B@10000 C@10000 "
            "C:close C:exit B:close B:exit A:close A:exit");
  EXPECT_EQ(doist.tyme(), 10500ms);
  EXPECT_EQ(doist.limit(), 500ms);
}

// D3
TEST(Doist, HasNoLimitAtZeroAndRunsWithoutDoersForOneCycle) {
  Trace trace;
  Doist doist({.tock = 1s, .doers = {traced(trace, "A", {.visits = 1000})}});
  doist.run({.limit = 0s});
  EXPECT_EQ(doist.tyme(), 1000s);
  EXPECT_TRUE(doist.done());
  doist.run({.doers = Doers{}});
  EXPECT_EQ(doist.tyme(), 1001s);
  EXPECT_TRUE(doist.done());
}

TEST(Doist, RunsItsDoersAgain) {
  Trace trace;
  const auto doer = traced(trace, "A", {.visits = 1});
  Doist doist({.tock = 1s, .doers = {doer}});
  doist.run();
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A:clean A:exit A:enter A@1000 A:clean A:exit");
  EXPECT_EQ(doist.doers(), Doers{doer});
}

TEST(Doist, EndsWhenToldTo) {
  Trace trace;
  Doist doist;
  doist.extend(
      {traced(trace, "A", {.onRecur = [&](Traced&) { doist.stop(); }}), traced(trace, "B")});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 B@0 B:close B:exit A:close A:exit");
  EXPECT_FALSE(doist.done());
}

// D3: a doer is due at whole multiples of its tock, and catches up one visit for each cycle.
TEST(Doist, LosesNoVisit) {
  Trace trace;
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A", {.tock = 100ms})}});
  doist.enter();
  for (int i = 0; i < 3; ++i) doist.recur();
  EXPECT_EQ(trace.take(), "A:enter A@0 A@250 A@500");
  doist.tock(10ms);
  for (int i = 0; i < 6; ++i) doist.recur();
  EXPECT_EQ(trace.take(), "A@750 A@760 A@770 A@780 A@790 A@800");
  for (int i = 0; i < 20; ++i) doist.recur();
  EXPECT_EQ(trace.take(), "A@900 A@1000");
}

// A, due at 6 s, is due now at 2 s, and then a tock later.
TEST(Doist, KeepsWhatIsLeftOfEachWaitWhenItsTymeGoesBack) {
  Trace trace;
  Doist doist(
      {.tyme = 5s, .tock = 1s, .doers = {traced(trace, "A", {.tock = 1s}), traced(trace, "B")}});
  doist.enter();
  doist.recur();
  doist.tyme(2s);
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter B:enter A@5000 B@5000 A@2000 B@2000");
  doist.tyme(6s);
  doist.recur();
  EXPECT_EQ(trace.take(), "A@6000 B@6000");
}

// D5
TEST(DoDoer, NestsEntersAndExits) {
  Trace trace;
  const auto inner = group(trace, "H", {.doers = {traced(trace, "B"), traced(trace, "C")}});
  const auto outer = group(trace, "G", {.doers = {traced(trace, "A"), inner}});
  Doist doist({.tock = 1s, .limit = 1s, .doers = {outer, traced(trace, "D")}});
  doist.run();
  EXPECT_EQ(trace.text(),
            "G:enter A:enter H:enter B:enter C:enter D:enter "
            "G@0 A@0 H@0 B@0 C@0 D@0 "
            "D:close D:exit G:close H:close C:close C:exit B:close B:exit H:exit "
            "A:close A:exit G:exit");
}

// D5
TEST(DoDoer, IsDoneWhenItsDoersAre) {
  Trace trace;
  const auto outer =
      group(trace, "G",
            {.doers = {traced(trace, "A", {.visits = 1}), traced(trace, "B", {.visits = 2})}});
  Doist doist({.tock = 250ms, .doers = {outer}});
  doist.run();
  EXPECT_EQ(trace.text(),
            "G:enter A:enter B:enter G@0 A@0 A:clean A:exit B@0 G@250 B@250 B:clean B:exit "
            "G:clean G:exit");
  EXPECT_TRUE(outer->done());
  EXPECT_EQ(doist.tyme(), 500ms);
}

// D5
TEST(DoDoer, WithATockVisitsItsDoersAtThat) {
  Trace trace;
  const auto outer = group(trace, "G", {.tock = 500ms, .doers = {traced(trace, "A")}});
  Doist doist({.tock = 250ms, .limit = 1s, .doers = {outer}});
  doist.run();
  EXPECT_EQ(trace.text(), "G:enter A:enter G@0 A@0 G@500 A@500 G:close A:close A:exit G:exit");
}

// D5: tocks that do not divide each other, as hio runs them: who is late catches up.
TEST(DoDoer, NestedTocksAddUpAsInTheOriginal) {
  Trace trace;
  const auto a = traced(trace, "A", {.tock = 625ms, .visits = 4});
  const auto inner = std::make_shared<DoDoer>(DoDoerOptions{.tock = 500ms, .doers = {a}});
  const auto outer = std::make_shared<DoDoer>(DoDoerOptions{.tock = 375ms, .doers = {inner}});
  Doist doist({.tock = 250ms, .limit = 5s, .doers = {outer}});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A@1250 A@1500 A@2000 A:clean A:exit");
  EXPECT_EQ(doist.tyme(), 2250ms);
}

TEST(DoDoer, WithoutATockIsVisitedWhenADoerOfItsOwnIsDue) {
  Trace trace;
  const auto outer =
      group(trace, "G",
            {.doers = {traced(trace, "A", {.tock = 1s}), traced(trace, "B", {.tock = 1500ms})}});
  Doist doist({.tock = 250ms, .limit = 3500ms, .doers = {outer}});
  doist.enter();
  for (int i = 0; i < 13; ++i) doist.recur();
  EXPECT_EQ(trace.text(),
            "G:enter A:enter B:enter G@0 A@0 B@0 G@1000 A@1000 G@1500 B@1500 G@2000 A@2000 "
            "G@3000 A@3000 B@3000");
}

// Order and tyme of every visit, over trees of doers that come, go, park and wake at random.
std::string randomRun(unsigned seed) {
  std::mt19937 random(seed);
  const auto draw = [&random](unsigned below) { return random() % below; };
  Trace trace;
  Doist doist({.tock = 125ms, .limit = 20s});
  std::vector<std::shared_ptr<Traced>> all;
  std::vector<std::shared_ptr<DoDoer>> groups;
  int names = 0;
  const std::function<std::shared_ptr<Traced>()> make = [&] {
    const auto act = [&](Traced& self) {
      switch (draw(12)) {
        case 0:
        case 1:
          if (all.size() < 300)
            groups[draw(static_cast<unsigned>(groups.size()))]->extend({make()});
          break;
        case 2:
          groups[draw(static_cast<unsigned>(groups.size()))]->remove(
              {all[draw(static_cast<unsigned>(all.size()))]});
          break;
        case 3:
        case 4:
          all[draw(static_cast<unsigned>(all.size()))]->waker().wake();
          break;
        case 5:
          self.retyme(Forever);
          break;
        case 6:
          self.retyme(self.tyme() + draw(1000) * 1ms);
          break;
        default:
          break;
      }
    };
    all.push_back(traced(
        trace, "d" + std::to_string(names++),
        {.tock = draw(4) * 100ms, .visits = 5 + static_cast<int>(draw(30)), .onRecur = act}));
    return all.back();
  };
  for (int i = 0; i < 4; ++i) {
    groups.push_back(std::make_shared<DoDoer>(
        DoDoerOptions{.tock = i * 50ms, .doers = {make(), make(), make()}, .always = true}));
  }
  groups[0]->extend({groups[3]});
  doist.run({.doers = Doers{groups[0], groups[1], make(), groups[2], make()}});
  return trace.take();
}

TEST(Doist, RepeatsEveryOrderAndTymeOverAHundredRuns) {
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U}) {
    const std::string first = randomRun(seed);
    EXPECT_GT(first.size(), 5000U);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(randomRun(seed), first) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hio::base
