// What a run queue knows of one doer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "hio/base/doing.hpp"

namespace hio::base {

// hio takes the absolute value of a tock or a limit; the most negative one has none.
constexpr Tyme absolute(Tyme tyme) noexcept {
  if (tyme == Tyme::min()) return Forever;
  return tyme < Tyme(0) ? -tyme : tyme;
}

// A doer's place in a run queue. The doer and its wakers share it, so it outlives both the run and
// the queue. The queue keeps the doer alive while it runs.
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
  enum class Place : std::uint8_t { none, timed, ready, due, roused };

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

}  // namespace hio::base
