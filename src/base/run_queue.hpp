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
struct Slot final : Wakeable {
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
  void nudge() noexcept override;

  std::shared_ptr<Doer> doer;
  Agenda* agenda = nullptr;  // null: out
  Slot* before = nullptr;    // in the order in which doers were added
  Slot* after = nullptr;
  Slot* wokenBefore = nullptr;
  Slot* wokenAfter = nullptr;
  std::uint64_t position = 0;  // rises with each doer that is added
  std::size_t index = 0;
  Tyme retyme{0};
  std::optional<Tyme> nextRetyme;  // asked for during a visit; these two are for once
  std::optional<Tyme> nextTock;
  State state = State::out;
  Place place = Place::none;
  bool asap = false;     // due in each cycle: retyme has no meaning
  bool woken = false;    // in the list of those
  bool nudged = false;   // in this visit
  bool roused = false;   // the visit is due to a waker
  bool ended = false;    // its coroutine has returned, done or not
  bool removed = false;  // to be closed when its context has returned
};

class Agenda {
 public:
  // The owner is the slot of the DoDoer whose agenda this is. Throws std::invalid_argument if a
  // doer is null.
  explicit Agenda(Doers doers, Slot* owner = nullptr);
  ~Agenda();
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

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
  bool anyAsap() const noexcept { return asaps_ > 0; }
  Tyme firstRetyme() const noexcept;

 private:
  friend struct Slot;
  class Cycle;

  // Has the DoDoer visited, unless it keeps a pace of its own.
  void wakeOwner() noexcept;
  void add(const Doers& doers);
  void admit(const std::shared_ptr<Doer>& doer);
  void enter(Slot& slot);
  void visit(Slot& slot, Tyme tyme);
  static void settle(Slot& slot);
  void reschedule(Slot& slot, Tyme base, Tyme tyme);

  // The ways out. Each throws the first error of its contexts when all have run.
  void complete(Slot& slot);
  void close(Slot& slot);
  [[noreturn]] void abort(Slot& slot, const std::exception_ptr& error);
  // Closes it now, or when the context it is in has returned.
  void dismiss(Slot& slot);
  void dismissFrom(std::uint64_t position);
  // Around the last contexts: takes it from the lists, gives what keeps the doer alive; lets it go.
  std::shared_ptr<Doer> leave(Slot& slot) noexcept;
  static void finish(Slot& slot) noexcept;

  void reserve();
  void link(Slot& slot) noexcept;
  void unlink(Slot& slot) noexcept;
  void linkWoken(Slot& slot) noexcept;
  void unlinkWoken(Slot& slot) noexcept;
  void unplace(Slot& slot) noexcept;
  void gather(Tyme tyme) noexcept;
  // Puts it where it waits for its next visit.
  void place(Slot& slot) noexcept;
  void pushTimed(Slot& slot) noexcept;
  void popTimed(Slot& slot) noexcept;
  void sift(std::size_t index) noexcept;

  Doers doers_;
  Slot* const owner_;
  Tymth tymth_;
  bool skips_ = false;
  bool entered_ = false;
  bool cycling_ = false;
  std::uint64_t positions_ = 0;
  std::size_t size_ = 0;
  std::size_t asaps_ = 0;
  Slot* first_ = nullptr;
  Slot* last_ = nullptr;
  Slot* firstWoken_ = nullptr;
  Slot* lastWoken_ = nullptr;
  // Capacities suffice for all slots, so that only adding allocates.
  std::vector<Slot*> timed_;  // a heap: the first due is at the front
  std::vector<Slot*> ready_;  // asap; null where one has left
  std::vector<Slot*> due_;    // the cycle's, in order; null where visited, or where one has left
};

}  // namespace hio::base
