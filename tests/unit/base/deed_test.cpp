// Coroutines as doers, and what they can wait for.
#include "hio/base/deed.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocations.hpp"
#include "support/doers.hpp"

namespace hio::base {
namespace {

using namespace std::chrono_literals;
using test::errorOf;
using test::millis;
using test::Trace;
using test::traced;

// Says when it goes: a local object of a coroutine.
class Local {
 public:
  Local(Trace& trace, std::string name) : trace_(trace), name_(std::move(name)) {}
  ~Local() { trace_.add("~" + name_); }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

 private:
  Trace& trace_;
  std::string name_;
};

// A ReDoer whose contexts are traced.
class TracedReDoer : public ReDoer {
 public:
  TracedReDoer(Trace& trace, std::function<Deed(TracedReDoer&)> deed)
      : trace_(trace), deed_(std::move(deed)) {}

  void note(const std::string& what) { trace_.add(what + "@" + std::to_string(millis(tyme()))); }

 protected:
  Deed redo() override { return deed_(*this); }
  void enter() override { trace_.add("enter"); }
  void clean() override { trace_.add("clean"); }
  void exit() override { trace_.add("exit"); }
  void close() override { trace_.add("close"); }
  void abort(const std::exception_ptr& /*error*/) override { trace_.add("abort"); }

 private:
  Trace& trace_;
  std::function<Deed(TracedReDoer&)> deed_;
};

std::shared_ptr<TracedReDoer> redoer(Trace& trace, std::function<Deed(TracedReDoer&)> deed) {
  return std::make_shared<TracedReDoer>(trace, std::move(deed));
}

// D1: the part before the first yield runs when the doer is entered.
TEST(ReDoer, RunsItsCoroutineBetweenEnterAndExit) {
  Trace trace;
  const auto doer = redoer(trace, [&trace](TracedReDoer& self) -> Deed {
    const Local local(trace, "local");
    self.note("begin");
    for (int i = 0; i < 3; ++i) {
      const Tyme now = co_yield self.tock();
      EXPECT_EQ(now, self.tyme());
      self.note("visit");
    }
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {doer}});
  doist.run();
  EXPECT_EQ(trace.text(), "enter begin@0 visit@0 visit@250 visit@500 ~local clean exit");
  EXPECT_TRUE(doer->done());
  EXPECT_EQ(doist.tyme(), 750ms);
}

Deed counter(Tymth tymth, Tyme tock, Trace& trace, int visits) {
  for (int i = 0; i < visits; ++i) {
    const Tyme now = co_yield tock;
    EXPECT_EQ(now, tymth());
    trace.add(std::to_string(millis(now)));
  }
  co_return true;
}

// D4 with a coroutine in B's place; the tock that is yielded is the one that counts.
TEST(Deed, IsADoerByDoify) {
  Trace trace;
  const auto deed =
      doify([&trace](Tymth tymth, Tyme tock) { return counter(std::move(tymth), tock, trace, 3); },
            {.tock = 500ms});
  Doist doist({.tock = 250ms, .doers = {traced(trace, "A", {.visits = 2}), deed}});
  doist.run();
  EXPECT_EQ(trace.text(), "A:enter A@0 0 A@250 A:clean A:exit 500 1000");
  EXPECT_TRUE(deed->done());
  EXPECT_THROW(doify(std::function<Deed(Tymth, Tyme)>()), std::invalid_argument);
}

TEST(Deed, MayYieldAnotherTockEachTimeAndANegativeOneCountsAsPositive) {
  Trace trace;
  const auto deed = doify([&trace](Tymth, Tyme) -> Deed {
    for (const Tyme tock : {9000ms, 500ms, -250ms, 0ms, 0ms, 1000ms}) {
      trace.add(std::to_string(millis(co_yield tock)));
    }
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.run();
  // As in hio the first tock has no effect: the first visit is in the first cycle.
  EXPECT_EQ(trace.text(), "0 500 750 1000 1250 2250");
}

TEST(Deed, MayEndWithoutBeingDoneAndBeforeItIsVisited) {
  const auto undone = doify([](Tymth, Tyme tock) -> Deed {
    co_yield tock;
    co_return false;
  });
  const auto early = doify([](Tymth, Tyme) -> Deed { co_return true; });
  Doist doist({.doers = {undone, early}});
  doist.enter();
  EXPECT_TRUE(early->done());
  EXPECT_FALSE(early->running());
  doist.recur();
  EXPECT_FALSE(undone->done());
  EXPECT_FALSE(undone->running());
  doist.exit();
  doist.run();
  EXPECT_TRUE(doist.done());
}

TEST(Deed, ThatThrowsIsAbortedAndExited) {
  Trace trace;
  const auto doer = redoer(trace, [&trace](TracedReDoer&) -> Deed {
    const Local local(trace, "local");
    co_yield 0s;
    throw std::runtime_error("broken");
    co_return true;
  });
  Doist doist({.doers = {traced(trace, "A"), doer}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "broken");
  EXPECT_EQ(trace.text(), "A:enter enter A@0 ~local abort exit A:close A:exit");
}

TEST(Deed, ThatThrowsBeforeItsFirstYieldFailsToEnter) {
  Trace trace;
  const auto doer = redoer(trace, [&trace](TracedReDoer&) -> Deed {
    const Local local(trace, "local");
    if (trace.text().empty()) co_yield 0s;
    throw std::runtime_error("early");
    co_return true;
  });
  Doist doist({.doers = {traced(trace, "A"), doer}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "early");
  EXPECT_EQ(trace.text(), "A:enter enter ~local abort exit A:close A:exit");
}

TEST(Deed, DestroyedWhileSuspendedDestroysItsLocalsBeforeClose) {
  Trace trace;
  Waker waker;
  const auto doer = redoer(trace, [&](TracedReDoer& self) -> Deed {
    const Local one(trace, "one");
    const Local two(trace, "two");
    waker = self.waker();
    co_await park();
    ADD_FAILURE() << "nobody woke it";
    co_return true;
  });
  {
    Doist doist({.doers = {doer}});
    doist.enter();
    doist.recur();
    doist.remove({doer});
    EXPECT_EQ(trace.take(), "enter ~two ~one close exit");
    waker.wake();
    doist.recur();
    doist.extend({doer});  // a fresh coroutine
    doist.recur();
    EXPECT_EQ(trace.take(), "enter");
    waker.wake();
  }
  EXPECT_EQ(trace.take(), "~two ~one close exit");
  waker.wake();
}

TEST(Deed, ThatRemovesItselfIsDestroyedWhenItSuspends) {
  Trace trace;
  Doist doist;
  std::shared_ptr<TracedReDoer> doer;
  doer = redoer(trace, [&](TracedReDoer&) -> Deed {
    const Local local(trace, "local");
    co_yield 0s;
    doist.remove({doer});
    trace.add("goes on");
    co_yield 0s;
    ADD_FAILURE() << "it was removed";
    co_return true;
  });
  doist.run({.doers = Doers{doer}});
  EXPECT_EQ(trace.text(), "enter goes on ~local close exit");
}

TEST(Deed, NeverRunDoesNothing) {
  Trace trace;
  Deed one = counter({}, 0s, trace, 1);
  Deed two = std::move(one);
  one = counter({}, 0s, trace, 1);
  two = std::move(one);
  EXPECT_EQ(trace.text(), "");
}

// --- a Deed within a Deed ---

Deed inner(Trace& trace, int visits, bool done) {
  const Local local(trace, "inner");
  for (int i = 0; i < visits; ++i) trace.add(std::to_string(millis(co_yield 500ms)));
  if (!done) co_await sleep(1s);
  co_return done;
}

TEST(Deed, RunsAnotherWithinIt) {
  Trace trace;
  const auto deed = doify([&trace](Tymth tymth, Tyme tock) -> Deed {
    EXPECT_TRUE(co_await inner(trace, 2, true));
    trace.add("between");
    EXPECT_FALSE(co_await inner(trace, 1, false));
    trace.add("after@" + std::to_string(millis(tymth())));
    trace.add(std::to_string(millis(co_yield tock)));
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.run();
  EXPECT_EQ(trace.text(), "0 500 ~inner between 1000 ~inner after@2000 2250");
  EXPECT_TRUE(deed->done());
}

Deed broken(Trace& trace, int depth) {
  const Local local(trace, std::to_string(depth));
  if (depth > 0) co_return co_await broken(trace, depth - 1);
  co_yield 0s;
  throw std::runtime_error("inside");
  co_return true;
}

TEST(Deed, GetsTheErrorOfTheOneWithinIt) {
  Trace trace;
  const auto deed = doify([&trace](Tymth, Tyme) -> Deed {
    std::string error;
    try {
      (void)co_await broken(trace, 2);
    } catch (const std::runtime_error& caught) {
      error = caught.what();
    }
    trace.add(error);
    co_return co_await broken(trace, 1);
  });
  Doist doist({.doers = {deed}});
  EXPECT_EQ(errorOf([&] { doist.run(); }), "inside");
  EXPECT_EQ(trace.text(), "~0 ~1 ~2 inside ~0 ~1");
}

TEST(Deed, DestroyedWhileSuspendedDestroysTheOnesWithinIt) {
  Trace trace;
  const auto deed = doify([&trace](Tymth, Tyme) -> Deed { co_return co_await broken(trace, 3); });
  {
    Doist doist({.doers = {deed}});
    doist.enter();
  }
  EXPECT_EQ(trace.text(), "~0 ~1 ~2 ~3");
}

Deed immediate() { co_return true; }

TEST(Deed, NeedsNoMoreStackForMoreOfThemWithinIt) {
  const auto deed = doify([](Tymth, Tyme) -> Deed {
    bool all = true;
    for (int i = 0; i < 200'000; ++i) all = co_await immediate() && all;
    co_return all;
  });
  Doist doist({.doers = {deed}});
  doist.run();
  EXPECT_TRUE(deed->done());
}

// --- what to wait for ---

TEST(Sleep, ParksForAStretchOfTyme) {
  Trace trace;
  const auto deed = doify([&trace](Tymth tymth, Tyme) -> Deed {
    const auto note = [&] { trace.add(std::to_string(millis(tymth()))); };
    co_await sleep(0s);
    co_await sleep(-1s);
    note();
    co_await sleep(1s);
    note();
    co_await sleep(300ms);
    note();
    co_await sleep(Forever);
    note();
    co_return true;
  });
  VirtualPacer jump;
  Doist doist({.doers = {deed}, .pacer = &jump});
  doist.run();
  EXPECT_EQ(trace.text(), "0 1000 1300");
  EXPECT_EQ(doist.tyme(), 1300ms);
  EXPECT_FALSE(deed->done());
}

TEST(Sleep, IsNotCutShortByAWaker) {
  Trace trace;
  const auto deed = doify([&trace](Tymth tymth, Tyme) -> Deed {
    co_await sleep(1s);
    trace.add(std::to_string(millis(tymth())));
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.enter();
  for (int i = 0; i < 8; ++i) {
    deed->waker().wake();
    doist.recur();
  }
  EXPECT_EQ(trace.text(), "1000");
}

TEST(Until, LooksInEachCycleOrAtATockOrWhenWoken) {
  Trace trace;
  int looks = 0;
  Tyme tock = 0s;
  const auto deed = doify([&](Tymth tymth, Tyme) -> Deed {
    co_await until([&] { return ++looks == 5; }, tock);
    trace.add(std::to_string(millis(tymth())));
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.run({.tyme = 0s});
  EXPECT_EQ(trace.take(), "750");  // one look when entered, then one in each cycle
  looks = 0;
  tock = 1s;
  doist.run({.tyme = 0s});
  EXPECT_EQ(trace.take(), "3000");
  looks = 0;
  tock = Forever;
  doist.tyme(0s);
  doist.enter();
  for (int i = 0; i < 10; ++i) doist.recur();
  EXPECT_EQ(looks, 2);
  for (int i = 0; i < 3; ++i) {
    deed->waker().wake();
    doist.recur();
  }
  EXPECT_EQ(trace.take(), "3000");
}

TEST(Until, GivesTheErrorOfItsConditionToTheCoroutine) {
  Trace trace;
  int looks = 0;
  const auto deed = doify([&](Tymth, Tyme) -> Deed {
    for (const int bad : {1, 4}) {
      std::string error;
      try {
        co_await until([&] {
          if (++looks >= bad) throw std::runtime_error("look " + std::to_string(looks));
          return false;
        });
      } catch (const std::runtime_error& caught) {
        error = caught.what();
      }
      trace.add(error);
    }
    co_return true;
  });
  Doist doist({.doers = {deed}});
  doist.run();
  EXPECT_EQ(trace.text(), "look 1 look 4");
  EXPECT_TRUE(deed->done());
}

TEST(Park, WaitsForAWakeOrADeadline) {
  Trace trace;
  Waker waker;
  const auto deed = doify([&](Tymth tymth, Tyme) -> Deed {
    waker = co_await thisWaker();
    for (int i = 0; i < 3; ++i) {
      const bool woken = co_await park(1s);
      trace.add((woken ? "woken@" : "late@") + std::to_string(millis(tymth())));
    }
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.enter();
  for (int i = 0; i < 12; ++i) {
    if (i == 2) waker.wake();
    doist.recur();
  }
  EXPECT_EQ(trace.text(), "woken@500 late@1500 late@2500");
  EXPECT_TRUE(deed->done());
}

TEST(Park, DoesNotLoseAWakeOfItsOwnVisit) {
  int wakes = 0;
  const auto deed = doify([&](Tymth, Tyme) -> Deed {
    const Waker self = co_await thisWaker();
    co_yield 0s;
    self.wake();
    wakes += co_await park(1s) ? 1 : 0;
    wakes += co_await park(1s) ? 1 : 0;
    co_return true;
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.run();
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(doist.tyme(), 1500ms);
}

// What a client's awaitables will be: something that others fill, and that wakes.
class Mailbox {
 public:
  class Received final : public Awaitable {
   public:
    Received(Mailbox& box, Tyme deadline) : box_(box), deadline_(deadline) {}
    ~Received() override { box_.waker_ = {}; }
    Received(const Received&) = delete;
    Received& operator=(const Received&) = delete;
    // Empty when the deadline came first.
    std::string await_resume() {
      Awaitable::await_resume();
      return std::exchange(box_.text_, {});
    }

   private:
    bool ready(Tyme tyme, bool /*woken*/) override {
      return !box_.text_.empty() || tyme >= deadline_;
    }
    Tyme next(Tyme /*tyme*/) override { return deadline_; }
    void suspended(const Waker& waker) override { box_.waker_ = waker; }

    Mailbox& box_;
    Tyme deadline_;
  };

  void put(const std::string& text) {
    text_ += text;
    waker_.wake();
  }
  Received received(Tyme deadline = Forever) { return {*this, deadline}; }
  bool awaited() const { return static_cast<bool>(waker_); }

 private:
  std::string text_;
  Waker waker_;
};

TEST(Awaitable, ParksUntilItsSourceWakesItOrItsDeadlinePasses) {
  Trace trace;
  Mailbox box;
  const auto deed = doify([&](Tymth tymth, Tyme) -> Deed {
    for (;;) {
      const std::string text = co_await box.received(tymth() + 1s);
      trace.add((text.empty() ? "late" : text) + "@" + std::to_string(millis(tymth())));
      if (text == "end") co_return true;
    }
  });
  Doist doist({.tock = 250ms, .doers = {deed}});
  doist.enter();
  for (int i = 0; i < 16; ++i) {
    if (i == 2 || i == 3) box.put("hi");
    if (i == 14) box.put("end");
    doist.recur();
  }
  EXPECT_EQ(trace.text(), "hi@500 hi@750 late@1750 late@2750 end@3500");
  EXPECT_TRUE(deed->done());
  EXPECT_FALSE(box.awaited());
}

TEST(Awaitable, MayBeDestroyedWhileWaitedFor) {
  Mailbox box;
  const auto deed =
      doify([&](Tymth, Tyme) -> Deed { co_return !(co_await box.received()).empty(); });
  Doist doist({.doers = {deed}});
  doist.enter();
  EXPECT_TRUE(box.awaited());
  doist.remove({deed});
  EXPECT_FALSE(box.awaited());
  box.put("too late");
  doist.recur();
  EXPECT_FALSE(deed->done());
}

TEST(Awaitable, AllocatesNothingWhenSteady) {
  Waker waker;
  std::size_t rounds = 0;
  const auto deed = doify([&](Tymth, Tyme) -> Deed {
    waker = co_await thisWaker();
    for (;;) {
      co_await sleep(3ms);
      co_await until([&] { return rounds % 2 == 0; });
      co_await park(2ms);
      co_yield 1ms;
      co_yield 0ms;
      ++rounds;
      co_await until([&] { return true; });
      if (rounds % 2 == 1) ++rounds;
    }
  });
  Doist doist({.tock = 1ms, .doers = {deed}});
  doist.enter();
  for (int i = 0; i < 100; ++i) doist.recur();
  const auto before = test::allocations();
  const std::size_t roundsBefore = rounds;
  for (int i = 0; i < 10'000; ++i) {
    if (i % 7 == 0) waker.wake();
    doist.recur();
  }
  EXPECT_GT(rounds, roundsBefore + 1000);
  EXPECT_EQ(test::allocations().made, before.made);
}

// Order and tyme of coroutines among other doers, compared over many runs.
TEST(Deed, RunsInTheSameOrderEachTime) {
  const auto run = [] {
    Trace trace;
    Doers doers;
    for (int i = 0; i < 20; ++i) {
      doers.push_back(doify([&trace, i](Tymth tymth, Tyme) -> Deed {
        for (int round = 0; round < 10; ++round) {
          co_await sleep((i * 37 + round * 11) % 50 * 10ms);
          trace.add(std::to_string(i) + "@" + std::to_string(millis(tymth())));
          co_yield (i + round) % 3 * 20ms;
        }
        co_return true;
      }));
      doers.push_back(traced(trace, "d" + std::to_string(i), {.tock = i * 10ms, .visits = 5}));
    }
    VirtualPacer jump;
    Doist doist({.tock = 10ms, .doers = std::move(doers), .pacer = &jump});
    doist.run();
    EXPECT_TRUE(doist.done());
    return trace.take();
  };
  const std::string first = run();
  EXPECT_GT(first.size(), 2000U);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(run(), first);
}

}  // namespace
}  // namespace hio::base
