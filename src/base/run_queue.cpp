#include "base/run_queue.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hio::base {

namespace {

// Runs contexts one after the other, whichever of them throw.
class FirstError {
 public:
  template <class Context>
  void after(Context&& context) noexcept {
    try {
      context();
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

Doers checked(Doers doers) {
  if (std::find(doers.begin(), doers.end(), nullptr) != doers.end()) {
    throw std::invalid_argument("doers: one of them is null");
  }
  return doers;
}

bool sooner(const Slot& one, const Slot& other) noexcept {
  return one.retyme != other.retyme ? one.retyme < other.retyme : one.position < other.position;
}

// An object, so that it is inlined where it is used.
constexpr auto inOrder = [](const Slot* one, const Slot* other) noexcept {
  return one->position < other->position;
};

}  // namespace

void Slot::wake() noexcept {
  if (woken || (state != State::idle && state != State::visited)) return;
  if (place == Place::due) {
    roused = true;
    return;
  }
  agenda->linkWoken(*this);
  agenda->wakeOwner();
}

void Slot::nudge() noexcept {
  if (state != State::visited) return wake();
  nudged = true;
}

// Whatever ends a cycle, its doers that were not visited stay due.
class Agenda::Cycle {
 public:
  explicit Cycle(Agenda& agenda) noexcept : agenda_(agenda) { agenda_.cycling_ = true; }
  ~Cycle() {
    for (Slot* const slot : agenda_.due_) {
      if (slot == nullptr) continue;
      agenda_.place(*slot);
      if (std::exchange(slot->roused, false)) agenda_.linkWoken(*slot);
    }
    agenda_.due_.clear();
    agenda_.cycling_ = false;
  }
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

 private:
  Agenda& agenda_;
};

Agenda::Agenda(Doers doers, Slot* owner) : doers_(checked(std::move(doers))), owner_(owner) {}

Agenda::~Agenda() {
  FirstError dropped;
  dropped.after([this] { exit(); });
}

void Agenda::doers(Doers doers) { doers_ = checked(std::move(doers)); }

void Agenda::enter(const Tymth& tymth, bool skips) {
  if (entered_) throw std::logic_error("enter: its doers have been entered already; exit first");
  tymth_ = tymth;
  skips_ = skips;
  entered_ = true;
  try {
    add(Doers(doers_));
  } catch (...) {
    entered_ = false;
    throw;
  }
}

void Agenda::cycle(Tyme tyme) {
  if (cycling_) throw std::logic_error("recur: called from one of its own doers");
  const Cycle cycle(*this);
  gather(tyme);
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Slot* const slot = std::exchange(due_[i], nullptr);
    if (slot == nullptr) continue;
    slot->place = Slot::Place::none;
    visit(*slot, tyme);
  }
}

void Agenda::exit() {
  entered_ = false;
  dismissFrom(0);
}

void Agenda::extend(Doers doers) {
  doers = checked(std::move(doers));
  if (!entered_) {
    doers_.insert(doers_.end(), doers.begin(), doers.end());
    return;
  }
  add(doers);
  wakeOwner();
}

void Agenda::remove(const Doers& doers) {
  Doers leaving(doers);  // a copy: it may be our own list, and keeps them while they are closed
  std::erase(leaving, nullptr);
  std::sort(leaving.begin(), leaving.end());
  std::erase_if(doers_, [&leaving](const std::shared_ptr<Doer>& doer) {
    return std::binary_search(leaving.begin(), leaving.end(), doer);
  });
  std::erase_if(leaving, [this](const auto& doer) { return doer->slot_->agenda != this; });
  std::sort(leaving.begin(), leaving.end(), [](const auto& one, const auto& other) {
    return one->slot_->position > other->slot_->position;
  });
  FirstError error;
  for (const std::shared_ptr<Doer>& doer : leaving) {
    if (doer->slot_->agenda == this) error.after([&] { dismiss(*doer->slot_); });
  }
  wakeOwner();
  error.rethrow();
}

void Agenda::wakeOwner() noexcept {
  if (owner_ == nullptr || owner_->doer == nullptr) return;
  const Tyme tock = owner_->doer->tock();
  if (tock == Tyme(0) || tock == Forever) owner_->wake();
}

Tyme Agenda::firstRetyme() const noexcept {
  return timed_.empty() ? Forever : timed_.front()->retyme;
}

void Agenda::add(const Doers& doers) {
  const std::uint64_t from = positions_;
  try {
    for (const std::shared_ptr<Doer>& doer : doers) admit(doer);
    for (const std::shared_ptr<Doer>& doer : doers) {
      Slot& slot = *doer->slot_;
      if (slot.agenda == this && slot.state == Slot::State::admitted) enter(slot);
    }
  } catch (...) {
    FirstError dropped;
    dropped.after([&] { dismissFrom(from); });
    throw;
  }
}

void Agenda::admit(const std::shared_ptr<Doer>& doer) {
  Slot& slot = *doer->slot_;
  if (slot.agenda != nullptr) {
    throw std::logic_error("doers: one of them runs already, or is there twice");
  }
  reserve();
  slot.doer = doer;
  slot.agenda = this;
  slot.state = Slot::State::admitted;
  slot.position = positions_++;
  link(slot);
}

void Agenda::enter(Slot& slot) {
  Doer& doer = *slot.doer;
  slot.state = Slot::State::entering;
  try {
    doer.wind(tymth_);
    doer.done_ = false;
    doer.enter();
    if (!doer.done_) doer.begin();
  } catch (...) {
    abort(slot, std::current_exception());
  }
  if (doer.done_ || slot.ended) {
    complete(slot);
  } else if (slot.removed) {
    close(slot);
  } else {
    slot.state = Slot::State::idle;
    slot.retyme = tymth_();
    place(slot);
  }
}

void Agenda::visit(Slot& slot, Tyme tyme) {
  Doer& doer = *slot.doer;
  const Tyme base = slot.asap ? tyme : std::min(slot.retyme, tyme);
  slot.state = Slot::State::visited;
  slot.nextRetyme.reset();
  slot.nextTock.reset();
  try {
    doer.done_ = doer.recur(tyme);
    if (!doer.done_) settle(slot);
  } catch (...) {
    abort(slot, std::current_exception());
  }
  slot.roused = false;
  if (doer.done_ || slot.ended) {
    complete(slot);
  } else if (slot.removed) {
    close(slot);
  } else {
    slot.state = Slot::State::idle;
    reschedule(slot, base, tyme);
  }
}

// What the doer asks for at the end of its visit.
void Agenda::settle(Slot& slot) {
  const bool nudged = std::exchange(slot.nudged, false);
  if (slot.nextRetyme && !nudged) return;
  if (const auto due = slot.doer->due()) {
    slot.nextRetyme = std::min(*due, slot.nextRetyme.value_or(Forever));
  } else if (nudged) {
    slot.wake();
  }
}

void Agenda::reschedule(Slot& slot, Tyme base, Tyme tyme) {
  const Tyme tock = slot.nextTock.value_or(slot.doer->tock());
  slot.asap = !slot.nextRetyme && tock == Tyme(0);
  if (slot.nextRetyme) {
    slot.retyme = *slot.nextRetyme;
  } else if (!slot.asap) {
    slot.retyme = help::saturatingAdd(base, tock);
    if (skips_ && slot.retyme <= tyme) {
      slot.retyme = help::saturatingAdd(tyme, tock - help::saturatingSubtract(tyme, base) % tock);
    }
  }
  place(slot);
}

void Agenda::complete(Slot& slot) {
  const std::shared_ptr<Doer> doer = leave(slot);
  FirstError error;
  error.after([&] { doer->clean(); });
  error.after([&] { doer->exit(); });
  finish(slot);
  error.rethrow();
}

void Agenda::close(Slot& slot) {
  const std::shared_ptr<Doer> doer = leave(slot);
  doer->done_ = false;
  FirstError error;
  error.after([&] { doer->close(); });
  error.after([&] { doer->exit(); });
  finish(slot);
  error.rethrow();
}

void Agenda::abort(Slot& slot, const std::exception_ptr& error) {
  const std::shared_ptr<Doer> doer = leave(slot);
  doer->done_ = false;
  FirstError dropped;
  dropped.after([&] { doer->abort(error); });
  dropped.after([&] { doer->exit(); });
  finish(slot);
  std::rethrow_exception(error);
}

void Agenda::dismiss(Slot& slot) {
  switch (slot.state) {
    case Slot::State::admitted: {
      const std::shared_ptr<Doer> doer = leave(slot);
      finish(slot);
      break;
    }
    case Slot::State::entering:
    case Slot::State::visited:
      slot.removed = true;
      break;
    case Slot::State::idle:
      close(slot);
      break;
    case Slot::State::leaving:
    case Slot::State::out:
      break;
  }
}

void Agenda::dismissFrom(std::uint64_t position) {
  FirstError error;
  // Begins again at the last one each time: what a doer does when it is closed may change the list.
  Slot* slot = last_;
  while (slot != nullptr && slot->position >= position) {
    const bool inContext =
        slot->state == Slot::State::entering || slot->state == Slot::State::visited;
    Slot* const before = slot->before;
    error.after([&] { dismiss(*slot); });
    slot = inContext ? before : last_;
  }
  error.rethrow();
}

std::shared_ptr<Doer> Agenda::leave(Slot& slot) noexcept {
  slot.state = Slot::State::leaving;
  unplace(slot);
  if (slot.woken) unlinkWoken(slot);
  unlink(slot);
  slot.doer->cut();
  return std::move(slot.doer);
}

void Agenda::finish(Slot& slot) noexcept {
  slot.agenda = nullptr;
  slot.state = Slot::State::out;
  slot.asap = false;
  slot.nudged = false;
  slot.roused = false;
  slot.ended = false;
  slot.removed = false;
}

void Agenda::gather(Tyme tyme) noexcept {
  const auto take = [this](Slot& slot) {
    slot.place = Slot::Place::due;
    due_.push_back(&slot);
  };
  for (Slot* const slot : ready_) {
    if (slot != nullptr) take(*slot);
  }
  ready_.clear();
  asaps_ = 0;
  while (firstRetyme() <= tyme && !timed_.empty()) {
    Slot& slot = *timed_.front();
    popTimed(slot);
    take(slot);
  }
  while (firstWoken_ != nullptr) {
    Slot& slot = *firstWoken_;
    unlinkWoken(slot);
    slot.roused = true;
    if (slot.place == Slot::Place::due) continue;
    if (slot.place == Slot::Place::timed) popTimed(slot);
    take(slot);
  }
  if (!std::is_sorted(due_.begin(), due_.end(), inOrder)) {
    std::sort(due_.begin(), due_.end(), inOrder);
  }
  for (std::size_t i = 0; i < due_.size(); ++i) {
    due_[i]->index = i;
    // Among a thousand doers the one to be visited next is in no cache.
    __builtin_prefetch(due_[i]->doer.get());
  }
}

// --- lists ---

void Agenda::reserve() {
  if (size_ < timed_.capacity()) return;
  const std::size_t capacity = std::max<std::size_t>(4, 2 * size_);
  ready_.reserve(capacity);
  due_.reserve(capacity);
  timed_.reserve(capacity);  // last: its capacity tells that all three have it
}

void Agenda::link(Slot& slot) noexcept {
  slot.before = last_;
  slot.after = nullptr;
  (last_ != nullptr ? last_->after : first_) = &slot;
  last_ = &slot;
  ++size_;
}

void Agenda::unlink(Slot& slot) noexcept {
  (slot.before != nullptr ? slot.before->after : first_) = slot.after;
  (slot.after != nullptr ? slot.after->before : last_) = slot.before;
  --size_;
}

void Agenda::linkWoken(Slot& slot) noexcept {
  slot.woken = true;
  slot.wokenBefore = lastWoken_;
  slot.wokenAfter = nullptr;
  (lastWoken_ != nullptr ? lastWoken_->wokenAfter : firstWoken_) = &slot;
  lastWoken_ = &slot;
}

void Agenda::unlinkWoken(Slot& slot) noexcept {
  slot.woken = false;
  (slot.wokenBefore != nullptr ? slot.wokenBefore->wokenAfter : firstWoken_) = slot.wokenAfter;
  (slot.wokenAfter != nullptr ? slot.wokenAfter->wokenBefore : lastWoken_) = slot.wokenBefore;
}

void Agenda::place(Slot& slot) noexcept {
  if (slot.asap) {
    slot.place = Slot::Place::ready;
    slot.index = ready_.size();
    ready_.push_back(&slot);
    ++asaps_;
  } else if (slot.retyme == Forever) {
    slot.place = Slot::Place::none;
  } else {
    pushTimed(slot);
  }
}

void Agenda::unplace(Slot& slot) noexcept {
  switch (slot.place) {
    case Slot::Place::none:
      break;
    case Slot::Place::timed:
      popTimed(slot);
      break;
    case Slot::Place::ready:
      ready_[slot.index] = nullptr;
      --asaps_;
      break;
    case Slot::Place::due:
      due_[slot.index] = nullptr;
      break;
  }
  slot.place = Slot::Place::none;
}

void Agenda::pushTimed(Slot& slot) noexcept {
  slot.place = Slot::Place::timed;
  slot.index = timed_.size();
  timed_.push_back(&slot);
  sift(slot.index);
}

void Agenda::popTimed(Slot& slot) noexcept {
  const std::size_t index = slot.index;
  Slot* const last = timed_.back();
  timed_.pop_back();
  slot.place = Slot::Place::none;
  if (last == &slot) return;
  timed_[index] = last;
  last->index = index;
  sift(index);
}

// Moves the one at `index` up or down to where it belongs.
void Agenda::sift(std::size_t index) noexcept {
  Slot* const slot = timed_[index];
  const auto put = [this](std::size_t at, Slot* moved) {
    timed_[at] = moved;
    moved->index = at;
  };
  while (index > 0 && sooner(*slot, *timed_[(index - 1) / 2])) {
    const std::size_t parent = (index - 1) / 2;
    put(index, timed_[parent]);
    index = parent;
  }
  for (std::size_t child = 2 * index + 1; child < timed_.size(); child = 2 * index + 1) {
    if (child + 1 < timed_.size() && sooner(*timed_[child + 1], *timed_[child])) ++child;
    if (!sooner(*timed_[child], *slot)) break;
    put(index, timed_[child]);
    index = child;
  }
  put(index, slot);
}

}  // namespace hio::base
