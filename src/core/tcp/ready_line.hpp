// Who has something to do, in the order in which they were woken: connections and handshakes.
#pragma once

#include <utility>

#include "hio/base/waker.hpp"

namespace hio::core::tcp {

template <class Owner>
class ReadyLine;

// One owner's place in a line; its stream wakes it. Wakers may outlive the owner and the line.
template <class Owner>
class Turn final : public base::Wakeable {
 public:
  Turn(ReadyLine<Owner>& line, Owner& owner) noexcept : line_(&line), owner_(&owner) {}

  void wake() noexcept override {
    if (enter()) line_->waker_.wake();
  }
  void wakeAfterVisit() noexcept override {
    if (enter()) line_->waker_.wakeAfterVisit();
  }
  // Null once the owner has gone.
  Owner* owner() const noexcept { return owner_; }
  bool queued() const noexcept { return queued_; }
  void leaveLine() noexcept {
    if (queued_) line_->unlink(*this);
  }
  // From now on the place is in another line.
  void moveTo(ReadyLine<Owner>& line) noexcept {
    leaveLine();
    line_ = &line;
  }
  // The owner goes, or has another server.
  void leave() noexcept {
    leaveLine();
    owner_ = nullptr;
  }

 private:
  friend class ReadyLine<Owner>;

  bool enter() noexcept {
    if (owner_ == nullptr || queued_) return false;
    line_->link(*this);
    return true;
  }

  ReadyLine<Owner>* line_;
  Owner* owner_;
  Turn* before_ = nullptr;
  Turn* after_ = nullptr;
  bool queued_ = false;
};

// Outlives the owners of the turns in it.
template <class Owner>
class ReadyLine {
 public:
  // `waker` is called whenever somebody enters the line.
  explicit ReadyLine(base::Waker waker = {}) noexcept : waker_(std::move(waker)) {}
  ReadyLine(const ReadyLine&) = delete;
  ReadyLine& operator=(const ReadyLine&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }
  // The first in line, which is then out of it; null when there is none.
  Turn<Owner>* take() noexcept {
    Turn<Owner>* const turn = first_;
    if (turn != nullptr) unlink(*turn);
    return turn;
  }

 private:
  friend class Turn<Owner>;

  void link(Turn<Owner>& turn) noexcept {
    turn.queued_ = true;
    turn.before_ = last_;
    turn.after_ = nullptr;
    (last_ != nullptr ? last_->after_ : first_) = &turn;
    last_ = &turn;
  }
  void unlink(Turn<Owner>& turn) noexcept {
    turn.queued_ = false;
    (turn.before_ != nullptr ? turn.before_->after_ : first_) = turn.after_;
    (turn.after_ != nullptr ? turn.after_->before_ : last_) = turn.before_;
  }

  base::Waker waker_;
  Turn<Owner>* first_ = nullptr;
  Turn<Owner>* last_ = nullptr;
};

}  // namespace hio::core::tcp
