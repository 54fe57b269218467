// hio.base.doing: doers, which run a little each time they are visited, and the Doist that visits
// them, in one thread and in a fixed order. Coroutines as doers: base/deed.hpp.
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

// Whoever runs doers shares them while they run; so one that is removed outlives its own call.
using Doers = std::vector<std::shared_ptr<Doer>>;

struct DoerOptions {
  // Between two visits: 0 is one visit for each cycle, Forever none before it is woken. Of a
  // negative one the absolute value is used.
  Tyme tock{0};
  Tymth tymth{};
};

// Something that is entered, then visited (recur) until it is done, then exited (contract D1, D2).
// The order of its contexts is one of:
//   enter, recur..., clean, exit    recur (or enter, by done(true)) said that it is done
//   enter, recur..., close, exit    removed, or what runs it was closed: done() is false
//   enter, recur..., abort, exit    enter or recur threw; the error goes on to who runs it
// An error of clean is followed by exit only. One of close, abort or exit does not keep the
// contexts that follow from running. The first error is the one that goes on.
// A doer runs in one place at a time: to add one that runs is a std::logic_error.
// Being entered winds it to the time of who runs it. To wind it again while it runs changes what
// tyme() tells, and not when it is visited.
class HIO_EXPORT Doer : public Tymee {
 public:
  explicit Doer(DoerOptions options = {});
  ~Doer() override;

  Tyme tock() const noexcept { return tock_; }
  // Holds from the end of the present or next visit on.
  void tock(Tyme tock) noexcept;
  // Whether it has completed: false before, while it runs, and when it was closed or aborted.
  bool done() const noexcept { return done_; }
  // From its enter context to the end of its exit context.
  bool running() const noexcept;
  // Wakes it: it will be visited in the next cycle, or in this one if it is still to come; in a
  // DoDoer with a tock, when that is visited. Nothing while it does not run.
  Waker waker() const noexcept;

 protected:
  virtual void enter() {}
  // `tyme` is that of the Doist. Returns whether it is done.
  virtual bool recur(Tyme /*tyme*/) { return false; }
  virtual void clean() {}
  virtual void exit() {}
  virtual void close() {}  // cease in later hio
  virtual void abort(const std::exception_ptr& /*error*/) {}

  // True in enter: there is nothing to visit it for.
  void done(bool done) noexcept { done_ = done; }
  // In recur: the next visit is at `tyme`, not after a tock; Forever: not before it is woken.
  void retyme(Tyme tyme) noexcept;
  // In recur: whether this visit is due to a waker.
  bool woken() const noexcept;
  // After a recur that has not called retyme(), or in which the doer was nudged: when the next
  // visit is due at the latest. Empty: after a tock, or in the next cycle if it was nudged.
  virtual std::optional<Tyme> due() { return std::nullopt; }

 private:
  friend class RunQueue;
  friend class DoDoer;
  friend class ReDoer;
  // What a coroutine needs around its contexts: its start after enter, its end before close and
  // abort.
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
  // Goes on when all its doers have ended, to be extended.
  bool always = false;
};

// A doer that runs doers of its own (contract D5), on the time and the cycles of who runs it. With
// a tock of 0 it is visited when one of its doers is due or was woken. Another tock is a pace: its
// doers, also woken ones, wait for it.
// Done when all of them have ended, unless `always`. A context that is overridden has to call
// DoDoer's. What a doer throws aborts the DoDoer, too; the other doers are then closed.
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
  // What the tyme moves on by in each cycle. With an idler: how far apart two cycles are at most
  // while a doer with a tock of 0 runs.
  Tyme tock = Tymist::Tock;
  // run() waits until each cycle has taken a tock in real time; without effect with an idler.
  bool real = false;
  // The tyme that run() takes at most; 0: no limit. Of a negative one the absolute value is used.
  Tyme limit{0};
  Doers doers{};
  // Passes the time between two cycles. Both have to outlive the Doist; null: the tyme ticks on,
  // and the steady clock.
  Pacer* pacer = nullptr;
  help::Clock* clock = nullptr;
};

struct DoistRun {
  std::optional<Doers> doers{};  // empty: as before, in all three
  std::optional<Tyme> limit{};
  std::optional<Tyme> tyme{};
};

// The root of all doers and the owner of their time (contract D3, D4). In each cycle it visits
// every doer that is due, in the order in which they were added, and then lets the time pass. A
// doer is due next one tock after it was due (or woken) last. One that is late by more than a tock
// is visited in each cycle until it has caught up; with an idler its missed visits are left out.
// A cycle costs as much as the doers in it; one that is not due costs nothing.
class HIO_EXPORT Doist : public Tymist {
 public:
  // Throws std::invalid_argument if a doer is null.
  explicit Doist(DoistOptions options = {});
  // Closes what is running, and drops the errors of that.
  ~Doist() override;

  // Those that enter() will enter, whether or not they run or have ended.
  const Doers& doers() const noexcept;
  // How many doers run.
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
  // Another idler for the cycles to come, such as one that needs this Doist's time to be made.
  void pacer(Pacer* pacer) noexcept;
  bool real() const noexcept { return real_; }

  // run() by hand, in a loop of one's own: enter all, one cycle, close all. An error leaves the
  // other doers running. recur() throws std::logic_error from inside a cycle.
  void enter();
  void recur();
  void exit();
  // For a loop of somebody else's: takes the time from the pacer, has it tell of readiness, runs
  // one cycle and returns; called too often it visits nobody. Waits before the cycle for at most
  // `atMost` until there is something to do. False when no doer runs any more, or stop() was called
  // since the last time.
  // Throws as recur(). After enter(), watch net::Poller::fd() and call poll() when it is readable
  // or maxSleep() has passed:
  //   wait for the descriptor at most doist.maxSleep(); then doist.poll()
  // The descriptor becomes readable, too, when a function is posted or a doer woken or added
  // between two calls. Without a pacer as recur(), which ticks on.
  bool poll(Tyme atMost = Tyme(0));
  // How long the loop may sleep from now, by the pacer's clock: 0 when something is due, empty when
  // nothing is before the descriptor is readable.
  std::optional<Tyme> maxSleep() const;

  // Has `function` run on the Doist's thread, from any thread: before the visits of the next cycle,
  // in the order of posting. What is posted by one that runs is for the cycle after that. Ends a
  // pacer's wait where that can be woken; the Doist has to be alive, a poster() need not know. What
  // one throws comes out of recur() as a pacer's error does; those behind it stay for the next
  // cycle. It does not keep run() from ending: what is left then is for the next run, and destroyed
  // with the Doist. A cycle without any costs one load of an atomic. True; throws as
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
