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

// An object, so that it is inlined where it is used.
constexpr auto inOrder = [](const RunEntry* one, const RunEntry* other) noexcept {
  return one->position < other->position;
};

}  // namespace

void RunEntry::wake() noexcept {
  if (woken || (state != State::idle && state != State::visited)) return;
  if (place == Place::due || place == Place::roused) {
    dueToWake = true;
    return;
  }
  if (queue->isToCome(*this)) {
    queue->unplace(*this);
    dueToWake = true;
    place = Place::roused;
    queue->roused_.push(*this);
    return;
  }
  queue->linkWoken(*this);
  queue->wakeOwner();
}

void RunEntry::wakeAfterVisit() noexcept {
  if (state != State::visited) return wake();
  asksAfterVisit = true;
}

// Whatever ends a cycle, its doers that were not visited stay due.
class RunQueue::Cycle {
 public:
  explicit Cycle(RunQueue& queue) noexcept : queue_(queue) { queue_.cycling_ = true; }
  ~Cycle() {
    queue_.cycling_ = false;
    for (RunEntry* const entry : queue_.due_) {
      if (entry != nullptr) stayDue(*entry);
    }
    queue_.due_.clear();
    while (!queue_.roused_.empty()) {
      RunEntry& entry = queue_.roused_.front();
      queue_.roused_.pop(entry);
      stayDue(entry);
    }
  }
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

 private:
  void stayDue(RunEntry& entry) noexcept {
    queue_.place(entry);
    if (std::exchange(entry.dueToWake, false)) queue_.linkWoken(entry);
  }

  RunQueue& queue_;
};

RunQueue::RunQueue(Doers doers, RunEntry* owner)
    : doers_(checked(std::move(doers))), owner_(owner) {}

RunQueue::~RunQueue() {
  FirstError dropped;
  dropped.after([this] { exit(); });
}

void RunQueue::doers(Doers doers) { doers_ = checked(std::move(doers)); }

void RunQueue::enter(const Tymth& tymth, bool skips) {
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

void RunQueue::cycle(Tyme tyme) {
  if (cycling_) throw std::logic_error("recur: called from one of its own doers");
  const Cycle cycle(*this);
  gather(tyme);
  cycleEnd_ = positions_;
  for (std::size_t index = 0;;) {
    const bool plain = roused_.empty() && index < due_.size();  // as nearly always
    RunEntry* const entry = plain ? std::exchange(due_[index++], nullptr) : next(index);
    if (entry == nullptr && plain) continue;
    if (entry == nullptr) break;
    entry->place = RunEntry::Place::none;
    visiting_ = entry->position;
    visit(*entry, tyme);
  }
}

RunEntry* RunQueue::next(std::size_t& index) noexcept {
  while (index < due_.size() && due_[index] == nullptr) ++index;
  const bool more = index < due_.size();
  if (!roused_.empty() && (!more || AddedBefore()(roused_.front(), *due_[index]))) {
    RunEntry& entry = roused_.front();
    roused_.pop(entry);
    return &entry;
  }
  return more ? std::exchange(due_[index++], nullptr) : nullptr;
}

void RunQueue::exit() {
  entered_ = false;
  dismissFrom(0);
}

void RunQueue::extend(Doers doers) {
  doers = checked(std::move(doers));
  if (!entered_) {
    doers_.insert(doers_.end(), doers.begin(), doers.end());
    return;
  }
  add(doers);
  if (alarm_ != nullptr) std::exchange(alarm_, nullptr)->wake();
  wakeOwner();
}

void RunQueue::remove(const Doers& doers) {
  Doers leaving(doers);  // a copy: it may be our own list, and keeps them while they are closed
  std::erase(leaving, nullptr);
  std::sort(leaving.begin(), leaving.end());
  std::erase_if(doers_, [&leaving](const std::shared_ptr<Doer>& doer) {
    return std::binary_search(leaving.begin(), leaving.end(), doer);
  });
  std::erase_if(leaving, [this](const auto& doer) { return doer->entry_->queue != this; });
  std::sort(leaving.begin(), leaving.end(), [](const auto& one, const auto& other) {
    return one->entry_->position > other->entry_->position;
  });
  FirstError error;
  for (const std::shared_ptr<Doer>& doer : leaving) {
    if (doer->entry_->queue == this) error.after([&] { dismiss(*doer->entry_); });
  }
  wakeOwner();
  error.rethrow();
}

void RunQueue::wakeOwner() noexcept {
  if (owner_ == nullptr || owner_->doer == nullptr) return;
  const Tyme tock = owner_->doer->tock();
  if (tock == Tyme(0) || tock == Forever) owner_->wake();
}

Tyme RunQueue::firstRetyme() const noexcept {
  return timed_.empty() ? Forever : timed_.front().retyme;
}

Tyme RunQueue::setBack(Tyme due, Tyme from, Tyme to) noexcept {
  if (due <= to || due == Forever) return due;
  return help::saturatingAdd(to, std::max(help::saturatingSubtract(due, from), Tyme(0)));
}

void RunQueue::setBack(Tyme from, Tyme to) noexcept {
  timed_.changeAll([from, to](RunEntry& entry) { entry.retyme = setBack(entry.retyme, from, to); });
  for (RunEntry* entry = first_; entry != nullptr; entry = entry->after) {
    entry->doer->setBack(from, to);
  }
}

void RunQueue::add(const Doers& doers) {
  const std::uint64_t from = positions_;
  try {
    for (const std::shared_ptr<Doer>& doer : doers) admit(doer);
    for (const std::shared_ptr<Doer>& doer : doers) {
      RunEntry& entry = *doer->entry_;
      if (entry.queue == this && entry.state == RunEntry::State::admitted) enter(entry);
    }
  } catch (...) {
    FirstError dropped;
    dropped.after([&] { dismissFrom(from); });
    throw;
  }
}

void RunQueue::admit(const std::shared_ptr<Doer>& doer) {
  RunEntry& entry = *doer->entry_;
  if (entry.queue != nullptr) {
    throw std::logic_error("doers: one of them runs already, or is there twice");
  }
  reserve();
  entry.doer = doer;
  entry.queue = this;
  entry.state = RunEntry::State::admitted;
  entry.position = positions_++;
  link(entry);
}

void RunQueue::enter(RunEntry& entry) {
  Doer& doer = *entry.doer;
  entry.state = RunEntry::State::entering;
  try {
    doer.wind(tymth_);
    doer.done_ = false;
    doer.enter();
    if (!doer.done_) doer.begin();
  } catch (...) {
    abort(entry, std::current_exception());
  }
  if (doer.done_ || entry.ended) {
    complete(entry);
  } else if (entry.removed) {
    close(entry);
  } else {
    entry.state = RunEntry::State::idle;
    entry.retyme = tymth_();
    place(entry);
  }
}

void RunQueue::visit(RunEntry& entry, Tyme tyme) {
  Doer& doer = *entry.doer;
  const Tyme base = entry.everyCycle ? tyme : std::min(entry.retyme, tyme);
  entry.state = RunEntry::State::visited;
  entry.nextRetyme.reset();
  entry.nextTock.reset();
  try {
    doer.done_ = doer.recur(tyme);
    if (!doer.done_) settle(entry);
  } catch (...) {
    abort(entry, std::current_exception());
  }
  entry.dueToWake = false;
  if (doer.done_ || entry.ended) {
    complete(entry);
  } else if (entry.removed) {
    close(entry);
  } else {
    entry.state = RunEntry::State::idle;
    reschedule(entry, base, tyme);
  }
}

// What the doer asks for at the end of its visit.
void RunQueue::settle(RunEntry& entry) {
  const bool asksAfterVisit = std::exchange(entry.asksAfterVisit, false);
  if (entry.nextRetyme && !asksAfterVisit) return;
  if (const auto due = entry.doer->due()) {
    entry.nextRetyme = std::min(*due, entry.nextRetyme.value_or(Forever));
  } else if (asksAfterVisit) {
    entry.wake();
  }
}

void RunQueue::reschedule(RunEntry& entry, Tyme base, Tyme tyme) {
  const Tyme tock = entry.nextTock.value_or(entry.doer->tock());
  entry.everyCycle = !entry.nextRetyme && tock == Tyme(0);
  if (entry.nextRetyme) {
    entry.retyme = *entry.nextRetyme;
  } else if (!entry.everyCycle) {
    entry.retyme = help::saturatingAdd(base, tock);
    if (skips_ && entry.retyme <= tyme) {
      entry.retyme = help::saturatingAdd(tyme, tock - help::saturatingSubtract(tyme, base) % tock);
    }
  }
  place(entry);
}

void RunQueue::complete(RunEntry& entry) {
  const std::shared_ptr<Doer> doer = leave(entry);
  FirstError error;
  error.after([&] { doer->clean(); });
  error.after([&] { doer->exit(); });
  finish(entry);
  error.rethrow();
}

void RunQueue::close(RunEntry& entry) {
  const std::shared_ptr<Doer> doer = leave(entry);
  doer->done_ = false;
  FirstError error;
  error.after([&] { doer->close(); });
  error.after([&] { doer->exit(); });
  finish(entry);
  error.rethrow();
}

void RunQueue::abort(RunEntry& entry, const std::exception_ptr& error) {
  const std::shared_ptr<Doer> doer = leave(entry);
  doer->done_ = false;
  FirstError dropped;
  dropped.after([&] { doer->abort(error); });
  dropped.after([&] { doer->exit(); });
  finish(entry);
  std::rethrow_exception(error);
}

void RunQueue::dismiss(RunEntry& entry) {
  switch (entry.state) {
    case RunEntry::State::admitted: {
      const std::shared_ptr<Doer> doer = leave(entry);
      finish(entry);
      break;
    }
    case RunEntry::State::entering:
    case RunEntry::State::visited:
      entry.removed = true;
      break;
    case RunEntry::State::idle:
      close(entry);
      break;
    case RunEntry::State::leaving:
    case RunEntry::State::out:
      break;
  }
}

void RunQueue::dismissFrom(std::uint64_t position) {
  FirstError error;
  // Begins again at the last one each time: what a doer does when it is closed may change the list.
  RunEntry* entry = last_;
  while (entry != nullptr && entry->position >= position) {
    const bool inContext =
        entry->state == RunEntry::State::entering || entry->state == RunEntry::State::visited;
    RunEntry* const before = entry->before;
    error.after([&] { dismiss(*entry); });
    entry = inContext ? before : last_;
  }
  error.rethrow();
}

std::shared_ptr<Doer> RunQueue::leave(RunEntry& entry) noexcept {
  entry.state = RunEntry::State::leaving;
  unplace(entry);
  if (entry.woken) unlinkWoken(entry);
  unlink(entry);
  entry.doer->cut();
  return std::move(entry.doer);
}

void RunQueue::finish(RunEntry& entry) noexcept {
  entry.queue = nullptr;
  entry.state = RunEntry::State::out;
  entry.everyCycle = false;
  entry.asksAfterVisit = false;
  entry.dueToWake = false;
  entry.ended = false;
  entry.removed = false;
}

void RunQueue::gather(Tyme tyme) noexcept {
  const auto take = [this](RunEntry& entry) {
    entry.place = RunEntry::Place::due;
    due_.push_back(&entry);
  };
  for (RunEntry* const entry : ready_) {
    if (entry != nullptr) take(*entry);
  }
  ready_.clear();
  everyCycles_ = 0;
  while (firstRetyme() <= tyme && !timed_.empty()) {
    RunEntry& entry = timed_.front();
    timed_.pop(entry);
    take(entry);
  }
  while (firstWoken_ != nullptr) {
    RunEntry& entry = *firstWoken_;
    unlinkWoken(entry);
    entry.dueToWake = true;
    if (entry.place == RunEntry::Place::due) continue;
    if (entry.place == RunEntry::Place::timed) timed_.pop(entry);
    take(entry);
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

void RunQueue::reserve() {
  if (size_ < timed_.capacity()) return;
  const std::size_t capacity = std::max<std::size_t>(4, 2 * size_);
  ready_.reserve(capacity);
  due_.reserve(capacity);
  roused_.reserve(capacity);
  timed_.reserve(capacity);  // last: its capacity tells that all four have it
}

void RunQueue::link(RunEntry& entry) noexcept {
  entry.before = last_;
  entry.after = nullptr;
  (last_ != nullptr ? last_->after : first_) = &entry;
  last_ = &entry;
  ++size_;
}

void RunQueue::unlink(RunEntry& entry) noexcept {
  (entry.before != nullptr ? entry.before->after : first_) = entry.after;
  (entry.after != nullptr ? entry.after->before : last_) = entry.before;
  --size_;
}

void RunQueue::linkWoken(RunEntry& entry) noexcept {
  entry.woken = true;
  entry.wokenBefore = lastWoken_;
  entry.wokenAfter = nullptr;
  (lastWoken_ != nullptr ? lastWoken_->wokenAfter : firstWoken_) = &entry;
  lastWoken_ = &entry;
  if (alarm_ != nullptr) std::exchange(alarm_, nullptr)->wake();
}

void RunQueue::unlinkWoken(RunEntry& entry) noexcept {
  entry.woken = false;
  (entry.wokenBefore != nullptr ? entry.wokenBefore->wokenAfter : firstWoken_) = entry.wokenAfter;
  (entry.wokenAfter != nullptr ? entry.wokenAfter->wokenBefore : lastWoken_) = entry.wokenBefore;
}

void RunQueue::place(RunEntry& entry) noexcept {
  if (entry.everyCycle) {
    entry.place = RunEntry::Place::ready;
    entry.index = ready_.size();
    ready_.push_back(&entry);
    ++everyCycles_;
  } else if (entry.retyme == Forever) {
    entry.place = RunEntry::Place::none;
  } else {
    entry.place = RunEntry::Place::timed;
    timed_.push(entry);
  }
}

void RunQueue::unplace(RunEntry& entry) noexcept {
  switch (entry.place) {
    case RunEntry::Place::none:
      break;
    case RunEntry::Place::timed:
      timed_.pop(entry);
      break;
    case RunEntry::Place::ready:
      ready_[entry.index] = nullptr;
      --everyCycles_;
      break;
    case RunEntry::Place::due:
      due_[entry.index] = nullptr;
      break;
    case RunEntry::Place::roused:
      roused_.pop(entry);
      break;
  }
  entry.place = RunEntry::Place::none;
}

}  // namespace hio::base
