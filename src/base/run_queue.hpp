// The doers that a Doist or a DoDoer runs, and when each is due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "base/entry_heap.hpp"
#include "base/run_entry.hpp"
#include "hio/base/doing.hpp"

namespace hio::base {

// Orders of entries: by due time, and by position.
struct SoonerDue {
  bool operator()(const RunEntry& one, const RunEntry& other) const noexcept {
    return one.retyme != other.retyme ? one.retyme < other.retyme : one.position < other.position;
  }
};
struct AddedBefore {
  bool operator()(const RunEntry& one, const RunEntry& other) const noexcept {
    return one.position < other.position;
  }
};

class RunQueue {
 public:
  // `owner` is the entry of the DoDoer whose queue this is. Throws std::invalid_argument if a doer
  // is null.
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
  bool entered() const noexcept { return entered_; }
  // Visits all that are due at `tyme`.
  void cycle(Tyme tyme);
  void exit();
  void extend(Doers doers);
  void remove(const Doers& doers);
  // The tyme was set back: what is due after `to` is as far from there as it was from `from`, but
  // not before `to`. In the queues of DoDoers, too.
  void setBack(Tyme from, Tyme to) noexcept;
  static Tyme setBack(Tyme due, Tyme from, Tyme to) noexcept;
  // While set, it is woken when a doer of this queue is, for a Doist whose loop sleeps elsewhere.
  void alarm(Pacer* pacer) noexcept { alarm_ = pacer; }
  bool alarmed() const noexcept { return alarm_ != nullptr; }

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
  // The next one to be visited in this cycle; null: none is left.
  RunEntry* next(std::size_t& index) noexcept;
  // Whether a cycle is under way in which the entry is to come.
  bool isToCome(const RunEntry& entry) const noexcept {
    return cycling_ && entry.position > visiting_ && entry.position < cycleEnd_;
  }
  // Puts it where it waits for its next visit.
  void place(RunEntry& entry) noexcept;

  Doers doers_;
  RunEntry* const owner_;
  Tymth tymth_;
  bool skips_ = false;
  bool entered_ = false;
  bool cycling_ = false;
  std::uint64_t visiting_ = 0;  // the position of the entry being visited
  std::uint64_t cycleEnd_ = 0;  // positions from here on were added during the cycle
  std::uint64_t positions_ = 0;
  std::size_t size_ = 0;
  std::size_t everyCycles_ = 0;
  RunEntry* first_ = nullptr;
  RunEntry* last_ = nullptr;
  RunEntry* firstWoken_ = nullptr;
  RunEntry* lastWoken_ = nullptr;
  Pacer* alarm_ = nullptr;
  // Capacities suffice for all entries, so that only adding allocates.
  EntryHeap<SoonerDue> timed_;
  std::vector<RunEntry*> ready_;  // everyCycle; null where one has left
  std::vector<RunEntry*> due_;  // the cycle's, in order; null where visited, or where one has left
  EntryHeap<AddedBefore> roused_;  // woken during the cycle, and to be visited in it
};

}  // namespace hio::base
