#include "core/tcp/roster.hpp"

#include <algorithm>
#include <utility>

#include "core/tcp/due.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// So that the appends of a visit cannot fail halfway.
template <class T>
void makeRoom(std::vector<T>& vector, std::size_t size) {
  if (vector.capacity() < size) vector.reserve(std::max(size, 2 * vector.capacity()));
}

}  // namespace

void Roster::wind(const Tymth& tymth) {
  for (const auto& [ca, remoter] : ixes_) remoter->wind(tymth);
  lookedAt_ = idleLookAt_ = Tyme::min();
}

void Roster::attach(const PollerBinding& binding) {
  for (const auto& [ca, remoter] : ixes_) {
    if (remoter->turn_) std::exchange(remoter->turn_, nullptr)->leave();
    remoter->lingers_ = remoter->lacks_ = false;
  }
  lingering_.clear();
  lacking_.clear();
  admitted_.clear();
  driven_ = static_cast<bool>(binding.poller);
  for (const auto& [ca, remoter] : ixes_) attachIx(*remoter, binding);
}

// The remoter is serviced once in any case: what it has not been told of may be there already.
void Roster::attachIx(Remoter& remoter, const PollerBinding& binding) {
  if (!driven_) return remoter.attach(nullptr);
  remoter.turn_ = std::make_shared<Turn<Remoter>>(line_, remoter);
  remoter.attach(binding.poller.get(), base::Waker(remoter.turn_));
}

void Roster::admit(std::unique_ptr<Remoter> remoter, const PollerBinding& binding) {
  makeRoom(serviced_, ixes_.size() + 1);
  makeRoom(admitted_, admitted_.size() + 1);
  makeRoom(lingering_, lingering_.size() + ixes_.size() + 1);
  makeRoom(lacking_, lacking_.size() + ixes_.size() + 1);
  if (driven_) attachIx(*remoter, binding);
  Remoter* const added = remoter.get();
  auto& place = ixes_[remoter->ca()];
  if (place) forget(*place);
  place = std::move(remoter);
  admitted_.push_back(added);
}

void Roster::forget(const Remoter& remoter) noexcept {
  std::erase(serviced_, &remoter);
  std::erase(admitted_, &remoter);
}

std::unique_ptr<Remoter> Roster::remove(const Address& ca) {
  auto node = ixes_.extract(ca);
  if (node.empty()) return nullptr;
  Remoter& remoter = *node.mapped();
  forget(remoter);
  if (auto turn = std::exchange(remoter.turn_, nullptr)) {
    turn->leave();
    remoter.attach(nullptr);
  }
  return std::move(node.mapped());
}

void Roster::clear() noexcept {
  serviced_.clear();
  admitted_.clear();
  lingering_.clear();
  lacking_.clear();
  ixes_.clear();
}

bool Roster::exhausted(Remoter& remoter, Now now) const {
  return remoter.closeIfOver() || (idle_ && now && tcp::due(remoter.tymer_));
}

void Roster::removeSpent(Now now) {
  serviced_.clear();
  admitted_.clear();
  const auto gone = [&](const auto& entry) { return exhausted(*entry.second, now); };
  if (now && *now < lookedAt_) {
    HIO_PROBE("server.clock.set-back");
    idleLookAt_ = *now;
  }
  if (now) lookedAt_ = *now;
  if (!driven_) {
    std::erase_if(ixes_, gone);
    return;
  }
  std::erase_if(lingering_, [&](const std::shared_ptr<Turn<Remoter>>& turn) {
    Remoter* const remoter = turn->owner();
    if (remoter == nullptr) return true;
    if (!exhausted(*remoter, now)) return false;
    ixes_.erase(Address(remoter->ca()));
    return true;
  });
  if (!idle_ || !now || *now < idleLookAt_) return;
  std::erase_if(ixes_, gone);
  Tyme next = help::saturatingAdd(*now, *idle_);
  for (const auto& [ca, remoter] : ixes_) next = std::min(next, dueAt(remoter->tymer_));
  // Not for each connection a look at all of them.
  idleLookAt_ = std::max(next, help::saturatingAdd(*now, *idle_ / 16));
}

void Roster::serviceReady(Now now) {
  if (driven_) {
    if (!lacking_.empty() && (!now || tcp::due(pause_, *now))) {
      for (const auto& turn : lacking_) {
        if (turn->owner() != nullptr) turn->owner()->lacks_ = false;
        turn->wake();
      }
      lacking_.clear();
    }
    while (Turn<Remoter>* const turn = line_.take()) serviced_.push_back(turn->owner());
  } else {
    for (const auto& [ca, remoter] : ixes_) serviced_.push_back(remoter.get());
  }
  serviceFrom(0, now);
}

void Roster::serviceAdmitted(Now now) {
  const std::size_t first = serviced_.size();
  for (Remoter* const remoter : admitted_) {
    if (remoter->turn_) remoter->turn_->leaveLine();
    serviced_.push_back(remoter);
  }
  admitted_.clear();
  serviceFrom(first, now);
}

void Roster::serviceFrom(std::size_t first, Now now) {
  const std::span<Remoter* const> these = std::span(serviced_).subspan(first);
  try {
    for (Remoter* const remoter : these) remoter->receiveAll();
    for (Remoter* const remoter : these) {
      remoter->sendOnce();
      remoter->storeDue();
    }
  } catch (...) {
    // Memory is short: nobody loses the turn that was taken from the line.
    for (Remoter* const remoter : these) remoter->wake();
    throw;
  }
  if (!driven_) return;
  for (Remoter* const remoter : these) {
    if (!remoter->lingers_ && (remoter->cutoff() || !remoter->opened())) {
      remoter->lingers_ = true;
      lingering_.push_back(remoter->turn_);
    }
    if (remoter->ready() || !remoter->notifies()) remoter->turn_->wake();
    if (remoter->lacksMemory()) askAfterPause(*remoter, now);
  }
}

// It gets another turn though nobody will tell of it.
void Roster::askAfterPause(Remoter& remoter, Now now) {
  if (!now) return remoter.turn_->wake();
  if (lacking_.empty()) pause_ = help::Deadline(LackPause, *now);
  if (std::exchange(remoter.lacks_, true)) return;
  lacking_.push_back(remoter.turn_);
}

Tyme Roster::lingersUntil(const Remoter& remoter, Tyme now) const {
  return remoter.rxbs().empty() ? now : dueAt(remoter.tymer_);
}

std::optional<Tyme> Roster::due(Tyme now) const {
  std::optional<Tyme> next;
  const auto at = [&next](Tyme when) { next = next ? std::min(*next, when) : when; };
  if (!line_.empty()) at(now);
  if (!lacking_.empty()) at(dueAt(pause_, now));
  for (const auto& turn : lingering_) {
    if (const Remoter* const remoter = turn->owner()) at(lingersUntil(*remoter, now));
  }
  if (driven_) {
    if (idle_ && !ixes_.empty()) at(std::max(idleLookAt_, now));
    return next;
  }
  for (const auto& [ca, remoter] : ixes_) {
    if (remoter->cutoff() || !remoter->opened()) at(lingersUntil(*remoter, now));
    if (remoter->ready()) at(now);
    if (remoter->lacksMemory()) at(help::saturatingAdd(now, LackPause));
    if (idle_) at(dueAt(remoter->tymer_));
  }
  return next;
}

}  // namespace hio::core::tcp
