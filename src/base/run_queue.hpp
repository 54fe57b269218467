// The deeds of a Doist or a DoDoer: which doers run there, and which of them is due when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "hio/base/doing.hpp"

namespace hio::base {

// hio takes the absolute value of a tock or a limit; the most negative one has none.
constexpr Tyme absolute(Tyme tyme) noexcept {
  if (tyme == Tyme::min()) return Forever;
  return tyme < Tyme(0) ? -tyme : tyme;
}

// A doer's place in an agenda. Kept by the doer and its wakers, so it outlives both the run and the
// agenda; the agenda keeps the doer while it runs.
struct RunEntry final : Wakeable {
  enum class State : std::uint8_t {
    out,       // does not run
    admitted,  // will be entered by the call that is under way
    entering,  // in begin or enter
    idle,      // between two visits
    visited,   // in recur
    leaving,   // in clean, close, abort or exit
  };
  // The list that tells when it is due, and its index there.
  enum class Place : std::uint8_t { none, timed, ready, due };

  void wake() noexcept override;
  void wakeAfterVisit() noexcept override;

  std::shared_ptr<Doer> doer;
  RunQueue* queue = nullptr;   // null: out
  RunEntry* before = nullptr;  // in the order in which doers were added
  RunEntry* after = nullptr;
  RunEntry* wokenBefore = nullptr;
  RunEntry* wokenAfter = nullptr;
  std::uint64_t position = 0;  // rises with each doer that is added
  std::size_t index = 0;
  Tyme retyme{0};
  std::optional<Tyme> nextRetyme;  // asked for during a visit; these two are for once
  std::optional<Tyme> nextTock;
  State state = State::out;
  Place place = Place::none;
  bool everyCycle = false;      // due in each cycle: retyme has no meaning
  bool woken = false;           // in the list of those
  bool asksAfterVisit = false;  // in this visit
  bool dueToWake = false;       // the visit is due to a waker
  bool ended = false;           // its coroutine has returned, done or not
  bool removed = false;         // to be closed when its context has returned
};

class RunQueue {
 public:
  // The owner is the slot of the DoDoer whose agenda this is. Throws std::invalid_argument if a
  // doer is null.
  explicit RunQueue(Doers doers, RunEntry* owner = nullptr);
  ~RunQueue();
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  const Doers& doers() const noexcept { return doers_; }
  // Throws as the constructor.
  void doers(Doers doers);
  std::size_t size() const noexcept { return size_; }

  // `skips`: whether visits that were missed are left out, as they are where the tyme may jump.
  void enter(const Tymth& tymth, bool skips);
  bool skips() const noexcept { return skips_; }
  // Visits all that are due at `tyme`.
  void cycle(Tyme tyme);
  void exit();
  void extend(Doers doers);
  void remove(const Doers& doers);

  // Whether one was woken; whether one wants each cycle; when the first of the others is due.
  bool anyWoken() const noexcept { return firstWoken_ != nullptr; }
  bool anyEveryCycle() const noexcept { return everyCycles_ > 0; }
  Tyme firstRetyme() const noexcept;

 private:
  friend struct RunEntry;
  class Cycle;

  // Has the DoDoer visited, unless it keeps a pace of its own.
  void wakeOwner() noexcept;
  void add(const Doers& doers);
  void admit(const std::shared_ptr<Doer>& doer);
  void enter(RunEntry& entry);
  void visit(RunEntry& entry, Tyme tyme);
  static void settle(RunEntry& entry);
  void reschedule(RunEntry& entry, Tyme base, Tyme tyme);

  // The ways out. Each throws the first error of its contexts when all have run.
  void complete(RunEntry& entry);
  void close(RunEntry& entry);
  [[noreturn]] void abort(RunEntry& entry, const std::exception_ptr& error);
  // Closes it now, or when the context it is in has returned.
  void dismiss(RunEntry& entry);
  void dismissFrom(std::uint64_t position);
  // Around the last contexts: takes it from the lists, gives what keeps the doer alive; lets it go.
  std::shared_ptr<Doer> leave(RunEntry& entry) noexcept;
  static void finish(RunEntry& entry) noexcept;

  void reserve();
  void link(RunEntry& entry) noexcept;
  void unlink(RunEntry& entry) noexcept;
  void linkWoken(RunEntry& entry) noexcept;
  void unlinkWoken(RunEntry& entry) noexcept;
  void unplace(RunEntry& entry) noexcept;
  void gather(Tyme tyme) noexcept;
  // Puts it where it waits for its next visit.
  void place(RunEntry& entry) noexcept;
  void pushTimed(RunEntry& entry) noexcept;
  void popTimed(RunEntry& entry) noexcept;
  void sift(std::size_t index) noexcept;

  Doers doers_;
  RunEntry* const owner_;
  Tymth tymth_;
  bool skips_ = false;
  bool entered_ = false;
  bool cycling_ = false;
  std::uint64_t positions_ = 0;
  std::size_t size_ = 0;
  std::size_t everyCycles_ = 0;
  RunEntry* first_ = nullptr;
  RunEntry* last_ = nullptr;
  RunEntry* firstWoken_ = nullptr;
  RunEntry* lastWoken_ = nullptr;
  // Capacities suffice for all slots, so that only adding allocates.
  std::vector<RunEntry*> timed_;  // a heap: the first due is at the front
  std::vector<RunEntry*> ready_;  // everyCycle; null where one has left
  std::vector<RunEntry*> due_;  // the cycle's, in order; null where visited, or where one has left
};

}  // namespace hio::base
