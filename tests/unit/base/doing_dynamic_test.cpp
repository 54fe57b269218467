// Doers that are added and removed while others run, that throw in every context, and bad input.
#include <gtest/gtest.h>

#include <stdexcept>

#include "hio/base/doing.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::errorOf;
using test::group;
using test::throws;
using test::Trace;
using test::traced;
using test::Traced;

// --- extend ---

// D5
TEST(Extend, EntersAtOnceAndVisitsFromTheNextCycleOn) {
  Trace trace;
  Doist doist({.tock = 250ms});
  doist.extend({traced(trace, "A",
                       {.onFirst =
                            [&] {
                              doist.extend({traced(trace, "C"), traced(trace, "D")});
                            }}),
                traced(trace, "B")});
  EXPECT_EQ(doist.doers().size(), 2U);
  EXPECT_EQ(doist.deeds(), 0U);
  doist.run({.limit = 500ms});
  EXPECT_EQ(trace.text(),
            "A:enter B:enter A@0 C:enter D:enter B@0 A@250 B@250 C@250 D@250 "
            "D:close D:exit C:close C:exit B:close B:exit A:close A:exit");
  EXPECT_EQ(doist.doers().size(), 2U);
}

TEST(Extend, FromOutsideWakesAParkedDoDoer) {
  Trace trace;
  const auto idle = group(trace, "G", {.always = true});
  Doist doist({.tock = 250ms, .doers = {idle}});
  doist.enter();
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.take(), "G:enter G@0");
  EXPECT_EQ(doist.deadline(), std::nullopt);
  const auto added = traced(trace, "A", {.visits = 2});
  idle->extend({added});
  EXPECT_EQ(idle->deeds(), 1U);
  doist.recur();
  doist.recur();
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter G@500 A@500 G@750 A@750 A:clean A:exit");
  EXPECT_EQ(idle->deeds(), 0U);
  idle->always(false);
  doist.recur();
  EXPECT_EQ(trace.take(), "G@1250 G:clean G:exit");
}

TEST(Extend, InAnEnterContextEntersBeforeTheOthers) {
  Trace trace;
  Doist doist;
  doist.extend({traced(trace, "A", {.onEnter = [&] { doist.extend({traced(trace, "C")}); }}),
                traced(trace, "B")});
  doist.enter();
  doist.recur();
  doist.exit();
  EXPECT_EQ(trace.text(),
            "A:enter C:enter B:enter A@0 B@0 C@0 "
            "C:close C:exit B:close B:exit A:close A:exit");
}

TEST(Extend, WhileClosingIsForTheNextRun) {
  Trace trace;
  const auto late = traced(trace, "B");
  Doist doist({.limit = 1ms});
  doist.extend({traced(trace, "A", {.onExit = [&] { doist.extend({late}); }})});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A:close A:exit");
  EXPECT_EQ(doist.doers().size(), 2U);
  EXPECT_FALSE(late->running());
}

// --- remove ---

// D5
TEST(Remove, ClosesTheLastAddedFirstAndIgnoresWhoIsNotThere) {
  Trace trace;
  const auto a = traced(trace, "A");
  const auto b = traced(trace, "B");
  const auto c = traced(trace, "C");
  const auto outer = group(trace, "G", {.doers = {a, b, c}});
  Doist doist({.tock = 250ms, .doers = {outer}});
  doist.enter();
  doist.recur();
  trace.take();
  outer->remove({a, traced(trace, "stranger"), nullptr, c, a});
  EXPECT_EQ(trace.take(), "C:close C:exit A:close A:exit");
  EXPECT_EQ(outer->doers(), Doers{b});
  doist.recur();
  EXPECT_EQ(trace.take(), "G@250 B@250");
  outer->remove(outer->doers());
  EXPECT_EQ(trace.take(), "B:close B:exit");
  doist.recur();
  EXPECT_EQ(trace.take(), "G@500 G:clean G:exit");
  EXPECT_EQ(doist.deeds(), 0U);
}

TEST(Remove, KeepsOthersFromThisCycle) {
  Trace trace;
  Doist doist({.tock = 250ms});
  const auto c = traced(trace, "C");
  const auto a = traced(trace, "A");
  doist.extend({a,
                traced(trace, "B",
                       {.onFirst =
                            [&] {
                              doist.remove({a, c});
                            }}),
                c, traced(trace, "D")});
  doist.run({.limit = 500ms});
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter D:enter A@0 B@0 C:close C:exit A:close A:exit D@0 "
            "B@250 D@250 D:close D:exit B:close B:exit");
}

TEST(Remove, OfItselfTakesEffectWhenItsContextHasReturned) {
  Trace trace;
  Doist doist({.tock = 250ms});
  std::shared_ptr<Traced> self;
  self = traced(trace, "A", {.onFirst = [&] {
                  doist.remove({self});
                  EXPECT_TRUE(self->running());
                }});
  doist.extend({self, traced(trace, "B", {.visits = 1})});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 A:close A:exit B@0 B:clean B:exit");
  EXPECT_FALSE(self->done());
  EXPECT_EQ(doist.doers().size(), 1U);
}

TEST(Remove, OfItselfInEnterAndInTheLastVisitAndOnTheWayOut) {
  Trace trace;
  Doist doist;
  std::shared_ptr<Traced> a;
  std::shared_ptr<Traced> b;
  std::shared_ptr<Traced> c;
  a = traced(trace, "A", {.onEnter = [&] { doist.remove({a}); }});
  b = traced(trace, "B", {.visits = 1, .onFirst = [&] { doist.remove({b}); }});
  c = traced(
      trace, "C",
      {.visits = 1, .onClean = [&] { doist.remove({c}); }, .onExit = [&] { doist.remove({c}); }});
  doist.run({.doers = Doers{a, b, c}});
  EXPECT_EQ(trace.text(),
            "A:enter A:close A:exit B:enter C:enter B@0 B:clean B:exit C@0 C:clean C:exit");
  EXPECT_TRUE(b->done());
}

TEST(Remove, OfTheDoDoerItIsInLetsThatFinishItsCycle) {
  Trace trace;
  Doist doist({.tock = 250ms});
  std::shared_ptr<DoDoer> outer;
  outer = group(trace, "G",
                {.doers = {traced(trace, "A"),
                           traced(trace, "B", {.onFirst = [&] { doist.remove({outer}); }}),
                           traced(trace, "C")}});
  doist.extend({outer, traced(trace, "D", {.visits = 2})});
  doist.run();
  EXPECT_EQ(trace.text(),
            "G:enter A:enter B:enter C:enter D:enter G@0 A@0 B@0 C@0 "
            "G:close C:close C:exit B:close B:exit A:close A:exit G:exit D@0 D@250 D:clean D:exit");
  EXPECT_FALSE(outer->done());
}

TEST(Remove, BeforeItsEnterLeavesItOut) {
  Trace trace;
  Doist doist;
  const auto b = traced(trace, "B");
  doist.extend({traced(trace, "A", {.visits = 1, .onEnter = [&] { doist.remove({b}); }}), b});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 A:clean A:exit");
}

TEST(Remove, KeepsADoerThatNobodyElseHoldsUntilItHasReturned) {
  Trace trace;
  Doist doist;
  std::weak_ptr<Traced> watched;
  {
    auto self = traced(trace, "A", {.onRecur = [&](Traced&) { doist.remove({watched.lock()}); }});
    watched = self;
    doist.enter();
    doist.extend({std::move(self)});
  }
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter A@0 A:close A:exit");
  EXPECT_TRUE(watched.expired());
}

TEST(Exit, FromInsideACycleClosesAllAndTheOneInside) {
  Trace trace;
  Doist doist;
  doist.extend({traced(trace, "A"), traced(trace, "B", {.onFirst = [&] { doist.exit(); }}),
                traced(trace, "C")});
  doist.run();
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter A@0 B@0 C:close C:exit A:close A:exit B:close B:exit");
  EXPECT_FALSE(doist.done());
}

// --- bad input ---

TEST(BadInput, NullDoersAreRefused) {
  Trace trace;
  const auto a = traced(trace, "A");
  EXPECT_THROW(Doist({.doers = {a, nullptr}}), std::invalid_argument);
  EXPECT_THROW(DoDoer({.doers = {nullptr}}), std::invalid_argument);
  Doist doist;
  EXPECT_THROW(doist.extend({nullptr}), std::invalid_argument);
  EXPECT_THROW(doist.run({.doers = Doers{nullptr}}), std::invalid_argument);
  doist.enter();
  EXPECT_THROW(doist.extend({a, nullptr}), std::invalid_argument);
  EXPECT_EQ(trace.text(), "");
  EXPECT_EQ(doist.deeds(), 0U);
}

TEST(BadInput, ADoerThatRunsCannotBeAddedAgain) {
  Trace trace;
  const auto a = traced(trace, "A");
  const auto b = traced(trace, "B");
  Doist doist({.doers = {a}});
  Doist other;
  doist.enter();
  other.enter();
  EXPECT_THROW(doist.extend({b, a}), std::logic_error);
  EXPECT_THROW(other.extend({b, a}), std::logic_error);
  EXPECT_THROW(other.extend({b, b}), std::logic_error);
  EXPECT_THROW(doist.enter(), std::logic_error);
  EXPECT_EQ(trace.text(), "A:enter");
  EXPECT_FALSE(b->running());
  doist.recur();
  EXPECT_EQ(trace.take(), "A:enter A@0");
  doist.exit();
  other.extend({a});
  EXPECT_TRUE(a->running());
}

TEST(BadInput, ADoDoerCannotHoldItself) {
  Trace trace;
  const auto outer = group(trace, "G", {.always = true});
  outer->extend({outer});
  Doist doist({.doers = {outer}});
  EXPECT_THROW(doist.run(), std::logic_error);
  EXPECT_EQ(trace.text(), "G:enter G:abort G:exit");
  outer->remove({outer});
}

TEST(BadInput, ARunInsideARunIsAnError) {
  Trace trace;
  Doist doist;
  int errors = 0;
  doist.extend({traced(trace, "A", {.visits = 1, .onRecur = [&](Traced&) {
                                      errors += errorOf([&] { doist.run(); }).empty() ? 0 : 1;
                                      errors += errorOf([&] { doist.recur(); }).empty() ? 0 : 1;
                                      errors += errorOf([&] { doist.enter(); }).empty() ? 0 : 1;
                                    }})});
  doist.run();
  EXPECT_EQ(errors, 3);
  EXPECT_EQ(trace.text(), "A:enter A@0 A:clean A:exit");
}

// --- errors, context by context ---

TEST(Throws, InEnter) {
  Trace trace;
  const auto b = traced(trace, "B", {.onEnter = throws("enter")});
  Doist doist({.doers = {traced(trace, "A"), b, traced(trace, "C")}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "enter");
  EXPECT_EQ(trace.text(), "A:enter B:enter B:abort(enter) B:exit A:close A:exit");
  EXPECT_FALSE(b->running());
  EXPECT_EQ(doist.tyme(), 0s);
}

TEST(Throws, InEnterOfAnExtension) {
  Trace trace;
  Doist doist({.doers = {traced(trace, "A")}});
  doist.enter();
  EXPECT_EQ(errorOf([&] {
              doist.extend({traced(trace, "B"), traced(trace, "C", {.onEnter = throws("enter")})});
            }),
            "enter");
  EXPECT_EQ(doist.deeds(), 1U);
  doist.recur();
  EXPECT_EQ(trace.text(), "A:enter B:enter C:enter C:abort(enter) C:exit B:close B:exit A@0");
}

TEST(Throws, InRecurAndTheOthersStayDue) {
  Trace trace;
  Doist doist({.tock = 250ms});
  const auto woken = traced(trace, "C", {.tock = Forever});
  doist.extend({traced(trace, "A"),
                traced(trace, "B",
                       {.onRecur =
                            [](Traced& self) {
                              if (self.count() == 2) throw std::runtime_error("b");
                            }}),
                woken, traced(trace, "D", {.tock = 250ms})});
  doist.enter();
  doist.recur();
  woken->waker().wake();
  trace.take();
  EXPECT_EQ(errorOf([&] { doist.recur(); }), "b");
  EXPECT_EQ(trace.take(), "A@250 B@250 B:abort(b) B:exit");
  EXPECT_EQ(doist.tyme(), 250ms);
  EXPECT_EQ(doist.deeds(), 3U);
  doist.recur();
  EXPECT_EQ(trace.take(), "A@250 C@250 D@250");
}

TEST(Throws, InRecurOfANestedOneAbortsAllAroundIt) {
  Trace trace;
  const auto inner =
      group(trace, "H",
            {.doers = {traced(trace, "B"), traced(trace, "C", {.onFirst = throws("deep")}),
                       traced(trace, "D")}});
  const auto outer = group(trace, "G", {.doers = {traced(trace, "A"), inner}});
  Doist doist({.doers = {outer, traced(trace, "E")}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "deep");
  EXPECT_EQ(trace.text(),
            "G:enter A:enter H:enter B:enter C:enter D:enter E:enter G@0 A@0 H@0 B@0 C@0 "
            "C:abort(deep) C:exit H:abort D:close D:exit B:close B:exit H:exit "
            "G:abort A:close A:exit G:exit E:close E:exit");
}

TEST(Throws, InClean) {
  Trace trace;
  const auto a = traced(trace, "A", {.visits = 1, .onClean = throws("clean")});
  Doist doist({.doers = {a, traced(trace, "B")}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "clean");
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 A:clean A:exit B:close B:exit");
  EXPECT_TRUE(a->done());
  EXPECT_FALSE(a->running());
}

TEST(Throws, InExit) {
  Trace trace;
  Doist doist({.limit = 1ms,
               .doers = {traced(trace, "A", {.onExit = throws("a")}), traced(trace, "B"),
                         traced(trace, "C", {.onExit = throws("c")})}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "c");
  EXPECT_EQ(trace.text(),
            "A:enter B:enter C:enter A@0 B@0 C@0 C:close C:exit B:close B:exit A:close A:exit");
  EXPECT_EQ(doist.deeds(), 0U);
}

TEST(Throws, InCloseAndExitTheFirstIsTold) {
  Trace trace;
  const auto a = traced(trace, "A", {.onExit = throws("exit"), .onClose = throws("close")});
  const auto b = traced(trace, "B", {.onClose = throws("b")});
  const auto outer = group(trace, "G", {.doers = {b, a}, .always = true});
  Doist doist({.doers = {outer}});
  doist.enter();
  EXPECT_EQ(errorOf([&] { outer->remove({a, b}); }), "close");
  EXPECT_EQ(trace.text(), "G:enter B:enter A:enter A:close A:exit B:close B:exit");
}

TEST(Throws, InAbortTheFirstIsTold) {
  Trace trace;
  Doist doist({.doers = {traced(trace, "A",
                                {.onFirst = throws("recur"),
                                 .onExit = throws("exit"),
                                 .onAbort = throws("abort")}),
                         traced(trace, "B", {.onClose = throws("close")})}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "recur");
  EXPECT_EQ(trace.text(), "A:enter B:enter A@0 A:abort(recur) A:exit B:close B:exit");
}

TEST(Throws, AnythingAtAll) {
  Doist doist({.doers = {doify([](Tyme) -> bool { throw 7; })}});
  EXPECT_THROW(doist.run(), int);
  EXPECT_EQ(doist.deeds(), 0U);
}

TEST(Throws, ADoistThatIsDestroyedClosesItsDoersAndDropsTheirErrors) {
  Trace trace;
  const auto a = traced(trace, "A", {.onExit = throws("exit")});
  {
    Doist doist({.doers = {a, group(trace, "G", {.doers = {traced(trace, "B")}})}});
    doist.enter();
  }
  EXPECT_EQ(trace.text(), "A:enter G:enter B:enter G:close B:close B:exit G:exit A:close A:exit");
  EXPECT_FALSE(a->running());
}

}  // namespace
}  // namespace hio::base
