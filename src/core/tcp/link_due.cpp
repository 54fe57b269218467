// What a link waits for, and who observes it.
#include <algorithm>
#include <utility>

#include "core/tcp/due.hpp"
#include "help/probe.hpp"
#include "hio/core/tcp/link.hpp"

namespace hio::core::tcp {
namespace {

// How long a machine that is short of memory may leave a direction without any progress.
constexpr Tyme MostLacking = std::chrono::seconds(10);
// Between two calls that count as asking on.
constexpr Tyme MostLackGap = std::chrono::seconds(1);

}  // namespace

// ---- what it waits for --------------------------------------------------------------------------

void Link::attach(net::Poller* poller, base::Waker waker) {
  binding_ = {poller, std::move(waker)};
  stream_.bind(binding_);
  wake();
}

void Link::wake() noexcept {
  due_ = AtOnce;
  binding_.waker.wake();
}

void Link::storeDue() noexcept {
  const Tyme before = due_;
  due_ = nextDue();
  if (tymth()) storedAt_ = tyme();
  if (due_ == AtOnce || due_ < before) binding_.waker.wakeAfterVisit();
}

std::optional<Tyme> Link::storedDeadline() const {
  if (!tymth()) return std::nullopt;
  const Tyme now = tyme();
  if (due_ == AtOnce || hasRoomAgain()) return now;
  if (due_ == base::Forever) return std::nullopt;
  return now < storedAt_ ? now : due_;
}

Tyme Link::flowDue() noexcept {
  waitsForRoom_ = false;
  if (!standing()) return base::Forever;
  const net::Pending pending = stream_->pending();
  consumeTaken(pending.unsent);
  const bool sends = wantsSend(pending);
  // A shortage counts only against a direction in which something is to be moved.
  if (!wantsReceive()) receiveShortage_.on = false;
  if (!sends) sendShortage_.on = false;
  waitsForRoom_ = full() && !ended_;
  Tyme due = base::Forever;
  if (receiveShortage_.on) {
    due = retryAt(receiveShortage_);
  } else if ((wantsReceive() && pending.received) || (failure_ != nullptr && !full())) {
    return AtOnce;
  }
  if (sendShortage_.on) return std::min(due, retryAt(sendShortage_));
  // Without a poller nobody knows whether there is room for sending.
  return sends && isNotified() && stream_->sendable() ? AtOnce : due;
}

Tyme Link::retryAt(const Shortage& shortage) const noexcept {
  return tymth() ? help::saturatingAdd(shortage.asked, LackPause) : AtOnce;
}

bool Link::wantsSend(const net::Pending& pending) const noexcept {
  return pending.flush || (!sendDead() && txbs_->size() > acceptedTx());
}

// A machine that stays short of memory has failed.
net::IoResult Link::failIfTooLong(net::IoResult result, Shortage& shortage) {
  const bool had = std::exchange(shortage.on, result.lacksMemory());
  if (!shortage.on || !tymth()) return result;
  const Tyme now = tyme();
  // What was not asked for a while says nothing of the time between.
  const Tyme gap = help::saturatingSubtract(now, shortage.asked);
  if (!had || gap < Tyme(0) || gap > MostLackGap) shortage.since = now;
  shortage.asked = now;
  const bool tooLong = help::saturatingSubtract(now, shortage.since) >= MostLacking;
  HIO_PROBE_IF("link.lacking.long", tooLong);
  return tooLong ? net::IoResult::failed(net::systemError(std::errc::no_buffer_space)) : result;
}

// ---- observers ----------------------------------------------------------------------------------

void Observer::observe(Link& link, base::Waker waker) noexcept {
  detach();
  link_ = &link;
  waker_ = std::move(waker);
  after_ = link.observers_;
  if (after_ != nullptr) after_->before_ = this;
  link.observers_ = this;
}

void Observer::detach() noexcept {
  if (link_ == nullptr) return;
  (before_ != nullptr ? before_->after_ : link_->observers_) = after_;
  if (after_ != nullptr) after_->before_ = before_;
  before_ = after_ = nullptr;
  link_ = nullptr;
}

void Link::changed() const noexcept {
  for (const Observer* each = observers_; each != nullptr; each = each->after_) {
    each->waker_.wake();
  }
}

}  // namespace hio::core::tcp
