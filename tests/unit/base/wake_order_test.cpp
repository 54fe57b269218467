// Doers that are woken in the midst of a cycle: in this cycle if they are still to come.
#include <gtest/gtest.h>

#include "hio/base/doing.hpp"
#include "support/allocations.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::group;
using test::Trace;
using test::traced;
using test::Traced;

// Wakes `others` in its second visit.
auto wakes(std::vector<std::shared_ptr<Doer>>& others) {
  return [&others](Traced& self) {
    if (self.count() != 2) return;
    for (const auto& other : others) other->waker().wake();
  };
}

TEST(WakeOrder, WhoIsStillToComeIsVisitedInThisCycleInOrder) {
  Trace trace;
  std::vector<std::shared_ptr<Doer>> others;
  const auto parked = [&](const char* name) { return traced(trace, name, {.tock = Forever}); };
  const auto a = parked("A");
  const auto d = parked("D");
  const auto f = traced(trace, "F", {.tock = 1h});
  const auto h = parked("H");
  others = {h, d, a, f, d};
  Doist doist({.tock = 250ms,
               .doers = {a, traced(trace, "B", {.onRecur = wakes(others)}), parked("C"), d,
                         traced(trace, "E"), f, traced(trace, "G"), h}});
  doist.enter();
  doist.recur();
  trace.take();
  doist.recur();
  EXPECT_EQ(trace.take(), "B@250 D@250 E@250 F@250 G@250 H@250");
  EXPECT_EQ(doist.deadline(), 500ms);
  doist.recur();
  EXPECT_EQ(trace.take(), "A@500 B@500 E@500 G@500");
}

TEST(WakeOrder, EachIsVisitedOnceInACycleHoweverTheyWakeEachOther) {
  Trace trace;
  std::vector<std::shared_ptr<Traced>> all;
  const auto wakesAll = [&](Traced&) {
    for (const auto& other : all) other->waker().wake();
  };
  for (const char* name : {"A", "B", "C", "D"}) {
    all.push_back(traced(trace, name, {.tock = Forever, .onRecur = wakesAll}));
  }
  Doist doist({.tock = 250ms, .doers = {all.begin(), all.end()}});
  doist.enter();
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter D:enter A@0 B@0 C@0 D@0 A@250 B@250 C@250 D@250");
}

TEST(WakeOrder, TheOneThatWasWokenKnowsAndKeepsNoWake) {
  Trace trace;
  std::vector<bool> woken;
  std::vector<std::shared_ptr<Doer>> others;
  const auto b = traced(
      trace, "B", {.tock = 1s, .onRecur = [&](Traced& self) { woken.push_back(self.woken()); }});
  others = {b};
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A", {.onRecur = wakes(others)}), b}});
  doist.enter();
  for (int i = 0; i < 6; ++i) doist.recur();
  EXPECT_EQ(woken, (std::vector<bool>{false, true, false}));  // at 0, 250 and 1250 ms
}

TEST(WakeOrder, ThroughNestedDoDoers) {
  Trace trace;
  std::vector<std::shared_ptr<Doer>> others;
  const auto before = traced(trace, "B", {.tock = Forever});
  const auto beside = traced(trace, "D", {.tock = Forever});
  const auto after = traced(trace, "E", {.tock = Forever});
  others = {after, beside, before};
  const auto waker = traced(trace, "C", {.onRecur = wakes(others)});
  const auto deep = group(trace, "I", {.doers = {group(trace, "J", {.doers = {after}})}});
  Doist doist({.tock = 250ms,
               .doers = {group(trace, "G", {.doers = {before}}),
                         group(trace, "H", {.doers = {waker, beside}}), deep}});
  doist.enter();
  doist.recur();
  trace.take();
  doist.recur();
  EXPECT_EQ(trace.take(), "H@250 C@250 D@250 I@250 J@250 E@250");
  doist.recur();
  EXPECT_EQ(trace.take(), "G@500 B@500 H@500 C@500");
}

TEST(WakeOrder, OneThatIsAddedInThisCycleWaitsForTheNext) {
  Trace trace;
  const auto added = traced(trace, "B", {.tock = Forever});
  Doist doist({.tock = 250ms});
  doist.extend({traced(trace, "A", {.onFirst = [&] {
                         doist.extend({added});
                         added->waker().wake();
                       }})});
  doist.enter();
  doist.recur();
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 B:enter A@250 B@250 A@500");
}

TEST(WakeOrder, OneThatIsRemovedOrEndedByAnErrorMeanwhile) {
  Trace trace;
  const auto c = traced(trace, "C", {.tock = Forever});
  const auto d = traced(trace, "D", {.tock = Forever});
  Doist doist({.tock = 250ms});
  doist.extend({traced(trace, "A",
                       {.onRecur =
                            [&](Traced& self) {
                              if (self.count() != 2) return;
                              d->waker().wake();
                              c->waker().wake();
                              doist.remove({c});
                            }}),
                traced(trace, "B",
                       {.onRecur =
                            [&](Traced& self) {
                              if (self.count() == 2) throw std::runtime_error("B");
                            }}),
                c, d});
  doist.enter();
  doist.recur();
  trace.take();
  EXPECT_EQ(test::errorOf([&] { doist.recur(); }), "B");
  EXPECT_EQ(trace.take(), "A@250 C:close C:exit B@250 B:abort(B) B:exit");
  EXPECT_EQ(doist.deadline(), 250ms);
  doist.recur();
  EXPECT_EQ(trace.take(), "A@250 D@250");
}

TEST(WakeOrder, AllocatesNothingAndVisitsAThousandInOrder) {
  std::vector<std::shared_ptr<Doer>> parked;
  int visits = 0;
  int misplaced = 0;
  int last = -1;
  for (int i = 0; i < 1000; ++i) {
    parked.push_back(doify(
        [&, i](Tyme) {
          if (i < last) ++misplaced;
          last = i;
          ++visits;
          return false;
        },
        {.tock = Forever}));
  }
  const auto waker = doify([&](Tyme) {
    last = -1;
    for (std::size_t i = 0; i < parked.size(); ++i) parked[i * 7 % 1000]->waker().wake();
    return false;
  });
  Doist doist({.tock = 250ms, .doers = {waker}});
  doist.extend({parked.begin(), parked.end()});
  doist.enter();
  doist.recur();
  const auto before = test::allocations();
  for (int i = 0; i < 10; ++i) doist.recur();
  EXPECT_EQ(test::allocations().made, before.made);
  EXPECT_EQ(visits, 11'000);
  EXPECT_EQ(misplaced, 0);
}

}  // namespace
}  // namespace hio::base
