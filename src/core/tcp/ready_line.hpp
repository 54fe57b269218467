// Which remoters have something to do, in the order in which that was told.
#pragma once

#include <utility>

#include "hio/base/waker.hpp"

namespace hio::core::tcp {

class Remoter;
class ReadyLine;

// One remoter's place in line; woken by its stream and its tx().
class Turn final : public base::Wakeable {
 public:
  Turn(ReadyLine& turns, Remoter& remoter) noexcept : readyLine_(&turns), remoter_(&remoter) {}

  void wake() noexcept override;
  // Null once the remoter has gone.
  Remoter* remoter() const noexcept { return remoter_; }
  // The remoter goes, or has another server.
  void leave() noexcept;

 private:
  friend class ReadyLine;

  ReadyLine* readyLine_;
  Remoter* remoter_;
  Turn* before_ = nullptr;
  Turn* after_ = nullptr;
  bool queued_ = false;
};

class ReadyLine {
 public:
  explicit ReadyLine(base::Waker waker) noexcept : waker_(std::move(waker)) {}

  bool empty() const noexcept { return first_ == nullptr; }
  // The first in line, which is then out of it; null when there is none.
  Turn* take() noexcept {
    Turn* const turn = first_;
    if (turn != nullptr) unlink(*turn);
    return turn;
  }

 private:
  friend class Turn;

  void link(Turn& turn) noexcept {
    turn.queued_ = true;
    turn.before_ = last_;
    turn.after_ = nullptr;
    (last_ != nullptr ? last_->after_ : first_) = &turn;
    last_ = &turn;
    waker_.wake();
  }
  void unlink(Turn& turn) noexcept {
    turn.queued_ = false;
    (turn.before_ != nullptr ? turn.before_->after_ : first_) = turn.after_;
    (turn.after_ != nullptr ? turn.after_->before_ : last_) = turn.before_;
  }

  base::Waker waker_;
  Turn* first_ = nullptr;
  Turn* last_ = nullptr;
};

inline void Turn::wake() noexcept {
  if (remoter_ != nullptr && !queued_) readyLine_->link(*this);
}

inline void Turn::leave() noexcept {
  if (queued_) readyLine_->unlink(*this);
  remoter_ = nullptr;
}

}  // namespace hio::core::tcp
