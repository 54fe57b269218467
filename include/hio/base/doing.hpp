// hio.base.doing: doers, which do a little work in each visit, and the Doist, which visits them in
// one thread and in a fixed order. Coroutines as doers: base/deed.hpp.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "hio/base/pacer.hpp"
#include "hio/base/poster.hpp"
#include "hio/base/tyming.hpp"
#include "hio/base/waker.hpp"
#include "hio/export.hpp"
#include "hio/help/timing.hpp"

namespace hio::base {

class RunQueue;
class Doer;
struct RunEntry;

// A Doist or DoDoer shares its doers while they run, so one that is removed outlives its own call.
using Doers = std::vector<std::shared_ptr<Doer>>;

struct DoerOptions {
  // The time between two visits. 0: a visit in each cycle. Forever: none before it is woken. A
  // negative one counts as its absolute value.
  Tyme tock{0};
  Tymth tymth{};
};

// Work that is entered, then visited (recur) until it is done, then exited (contract D1, D2).
// The order of its contexts is one of:
//   enter, recur..., clean, exit    recur gave true, or enter called done(true)
//   enter, recur..., close, exit    it was removed, or its Doist or DoDoer closed: done() is false
//   enter, recur..., abort, exit    enter or recur threw; the error goes on to the Doist
// If clean throws, exit follows. If close, abort or exit throws, the remaining contexts still run.
// The first error is the one that goes on.
// A doer runs in one place at a time: adding one that runs is a std::logic_error.
// Entering winds it to the time of its Doist. Winding it again while it runs changes what tyme()
// gives, and not when it is visited.
class HIO_EXPORT Doer : public Tymee {
 public:
  explicit Doer(DoerOptions options = {});
  ~Doer() override;

  Tyme tock() const noexcept { return tock_; }
  // Takes effect at the end of the present or next visit.
  void tock(Tyme tock) noexcept;
  // Whether it has completed: false before, while it runs, and when it was closed or aborted.
  bool done() const noexcept { return done_; }
  // From its enter context to the end of its exit context.
  bool running() const noexcept;
  // Wakes it, see Waker. In a DoDoer with a tock it is visited when that is. Does nothing while the
  // doer does not run.
  Waker waker() const noexcept;

 protected:
  virtual void enter() {}
  // One visit. `tyme` is the Doist's. Returns whether the doer is done.
  virtual bool recur(Tyme /*tyme*/) { return false; }
  virtual void clean() {}
  virtual void exit() {}
  virtual void close() {}  // cease in later hio
  virtual void abort(const std::exception_ptr& /*error*/) {}

  // With true in enter: it needs no visit.
  void done(bool done) noexcept { done_ = done; }
  // In recur: the next visit is at `tyme` instead of after a tock. Forever: when it is woken.
  void retyme(Tyme tyme) noexcept;
  // In recur: whether this visit is due to a waker.
  bool woken() const noexcept;
  // Asked at the end of a visit that has not called retyme(), or in which the doer was woken by
  // wakeAfterVisit(): when to come again at the latest. Empty: the tock decides; after
  // wakeAfterVisit() the next cycle.
  virtual std::optional<Tyme> due() { return std::nullopt; }

 private:
  friend class RunQueue;
  friend class DoDoer;
  friend class ReDoer;
  // For a coroutine: its start, after enter, and its end, before close and abort.
  virtual void begin() {}
  virtual void cut() noexcept {}
  // The tyme was set back.
  virtual void setBack(Tyme /*from*/, Tyme /*to*/) noexcept {}

  Tyme tock_;
  bool done_ = false;
  std::shared_ptr<RunEntry> entry_;
};

// A doer whose recur is `recur`.
HIO_EXPORT std::shared_ptr<Doer> doify(std::function<bool(Tyme)> recur, DoerOptions options = {});

struct DoDoerOptions {
  Tyme tock{0};
  Tymth tymth{};
  Doers doers{};
  // Goes on when all its doers have ended, so that it can be extended.
  bool always = false;
};

// A doer that runs doers of its own (contract D5), in the time and the cycles of its Doist. With a
// tock of 0 it is visited when one of its doers is due or woken. With another tock, all its doers,
// also woken ones, wait for its next visit.
// It is done when all of them have ended, unless `always`. A context that is overridden has to call
// DoDoer's. What a doer throws aborts the DoDoer, too, and closes the other doers.
class HIO_EXPORT DoDoer : public Doer {
 public:
  // Throws std::invalid_argument if a doer is null.
  explicit DoDoer(DoDoerOptions options = {});
  ~DoDoer() override;

  // As Doist's.
  const Doers& doers() const noexcept;
  std::size_t deeds() const noexcept;
  void extend(Doers doers);
  void remove(const Doers& doers);
  bool always() const noexcept { return always_; }
  void always(bool always) noexcept;

 protected:
  void enter() override;
  bool recur(Tyme tyme) override;
  void exit() override;

 private:
  void setBack(Tyme from, Tyme to) noexcept override;

  bool always_;
  std::unique_ptr<RunQueue> queue_;
};

struct DoistOptions {
  Tyme tyme{0};
  // By how much the tyme moves on in each cycle. With a pacer: the longest time between two cycles
  // while a doer with a tock of 0 runs.
  Tyme tock = Tymist::Tock;
  // run() waits until each cycle has taken a tock in real time; without effect with a pacer.
  bool real = false;
  // The tyme that run() takes at most; 0: no limit. A negative one counts as its absolute value.
  Tyme limit{0};
  Doers doers{};
  // Passes the time between two cycles; null: each cycle adds a tock. Both pointers have to outlive
  // the Doist. The clock is that of `real`; null: the steady clock.
  Pacer* pacer = nullptr;
  help::Clock* clock = nullptr;
};

struct DoistRun {
  std::optional<Doers> doers{};  // empty: as before, in all three
  std::optional<Tyme> limit{};
  std::optional<Tyme> tyme{};
};

// Runs doers and owns their time (contract D3, D4). In each cycle it visits every doer that is due,
// in the order in which they were added, and then lets the time pass. The next visit is due one
// tock after the last due time (or wake). A doer that is late by more than a tock is visited in
// each cycle until it has caught up; with a pacer, missed visits are left out. A tyme that is set
// back changes nothing of what is left of each wait. A cycle costs as much as the doers visited in
// it; a doer that is not due costs nothing. Belongs to one thread, but for post() and poster().
class HIO_EXPORT Doist : public Tymist {
 public:
  // Throws std::invalid_argument if a doer is null.
  explicit Doist(DoistOptions options = {});
  // Closes what is running, and drops the errors of that.
  ~Doist() override;

  // Those that enter() enters, whether or not they run or have ended.
  const Doers& doers() const noexcept;
  // The number of doers that run.
  std::size_t deeds() const noexcept;
  // Adds doers: to the run if there is one, else to doers(). They are entered at once, in order;
  // their first visit is in the next cycle (when their DoDoer is visited next). Those that end
  // leave by themselves. If one is null (std::invalid_argument), runs already (std::logic_error) or
  // throws in enter, those of the same call are closed and none is added.
  void extend(Doers doers);
  // Takes doers out of the run and out of doers(); in the run they are closed, the last added
  // first. One that is in the midst of a context of its own is closed when that has returned: so a
  // doer may remove itself, or the DoDoer it is in. Those that are not there are ignored.
  void remove(const Doers& doers);

  // Runs doers() until all have ended, the limit is reached, stop() was called or nothing can
  // happen any more; what then still runs is closed, the last added first. The same if something
  // throws; the error goes on when all have exited. hio's do().
  // Throws std::logic_error from inside a run.
  void run(DoistRun how = {});
  // Ends run() after the present cycle.
  void stop() noexcept { stopped_ = true; }
  // Whether the last run ended because all doers had.
  bool done() const noexcept { return done_; }
  Tyme limit() const noexcept { return limit_; }
  // Another pacer from the next cycle on, such as one that is made from this Doist's time.
  void pacer(Pacer* pacer) noexcept;
  bool real() const noexcept { return real_; }

  // run() by hand, in a loop of one's own: enter all, one cycle, close all. Can be entered again
  // after exit(). An error leaves the other doers running. recur() throws std::logic_error from
  // inside a cycle.
  void enter();
  void recur();
  void exit();
  // For a foreign event loop: takes the time and readiness from the pacer, then runs one cycle. It
  // waits before the cycle only if `atMost` is above 0: so long, or until something is to be done.
  // After enter(), with a net::PollerPacer, each turn of the loop is:
  //   wait until poller.fd() is readable, for at most doist.maxSleep(); doist.poll();
  // The descriptor also becomes readable when a function is posted, or a doer woken or added,
  // between two calls. Called too early it visits no doer that is not due, called too late each of
  // them once. Without a pacer it is recur().
  // False when no doer runs any more, or stop() was called since the last call. Throws as recur().
  bool poll(Tyme atMost = Tyme(0));
  // How long the foreign loop may sleep from now, by the pacer's clock. 0: something is due. Empty:
  // until the descriptor is readable.
  std::optional<Tyme> maxSleep() const;

  // Runs `function` on the Doist's thread, before the visits of the next cycle, in the order of
  // posting. May be called from any thread while the Doist lives (a poster() also later), not from
  // a signal handler. It ends the wait of a pacer that can be woken, such as net::PollerPacer.
  // A function posted by a posted function runs in the cycle after. If one throws, the error comes
  // out of recur(), or of run() when the doers are closed; those behind it run in the next cycle.
  // A post does not keep run() from ending: what has not run by then is for the next run, and is
  // destroyed with the Doist. A cycle without posts costs one atomic load. Gives true; throws as
  // Poster::post().
  bool post(std::function<void()> function);
  Poster poster() const noexcept { return Poster(box_); }

  // hio's names at the time.
  void ready() { enter(); }
  void once() { recur(); }
  void close() { exit(); }
  // When the next cycle has something to do: empty if nothing before a doer is woken.
  std::optional<Tyme> deadline() const;

 private:
  class Turn;

  void cycle();
  void pass();
  void advance(Tyme until);
  void followTyme();
  void see() noexcept;
  Tyme due() const;

  bool real_;
  bool running_ = false;
  bool turning_ = false;  // in recur() or poll()
  bool stopped_ = false;
  bool done_ = false;
  Tyme seen_;  // the tyme as this Doist left it last
  Tyme limit_;
  Tyme stop_ = Forever;
  Pacer* pacer_;
  help::Clock* clock_;
  std::shared_ptr<PostBox> box_;
  std::unique_ptr<RunQueue> queue_;
};

}  // namespace hio::base
