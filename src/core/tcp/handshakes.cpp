#include "core/tcp/handshakes.hpp"

#include <algorithm>
#include <utility>

#include "core/tcp/due.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// Of one visit: handshakes that are asked and those that are given up.
constexpr std::size_t MostCalls = 64;
// How long one must have been silent to give way. A client that has just connected sends its hello
// at once; later it needs the time of a round trip.
constexpr Tyme MuteSilence = std::chrono::milliseconds(100);
constexpr Tyme TalkSilence = std::chrono::seconds(1);
const net::IoResult Silent = net::IoResult::blocked(net::IoResult::On::read);

}  // namespace

void Handshakes::restart(Now now) noexcept {
  for (Handshake& each : all_) each.started = each.heardAt = now.value_or(Tyme(0));
  visitedAt_ = now.value_or(Tyme::min());
}

void Handshakes::bind(Handshake& handshake, const PollerBinding& binding) {
  if (handshake.stream.notifies()) --notifying_;
  handshake.stream.bind(
      PollerBinding{.poller = binding.poller, .waker = base::Waker(handshake.turn)});
  if (handshake.stream.notifies()) ++notifying_;
  // What it has not been told of may be there already.
  handshake.turn->moveTo(handshake.stream.notifies() ? ready_ : asked_);
  handshake.turn->wake();
  if (!handshake.stream.notifies()) roundLeft_ = all_.size() - notifying_;
}

void Handshakes::attach(const PollerBinding& binding) {
  for (Handshake& each : all_) bind(each, binding);
}

void Handshakes::add(const Address& ca, std::unique_ptr<net::TlsStream> stream,
                     const PollerBinding& binding, Now now) {
  Handshake& added = all_.emplace_back(ca, now.value_or(Tyme(0)));
  added.place = std::prev(all_.end());
  try {
    lacking_.reserve(all_.size());
    added.turn = std::make_shared<Turn<Handshake>>(asked_, added);
    added.silent = mute_.insert(mute_.end(), &added);
  } catch (...) {
    all_.pop_back();
    throw;
  }
  added.stream.reset(std::move(stream), PollerBinding{});
  try {
    bind(added, binding);
  } catch (...) {
    mute_.pop_back();
    all_.pop_back();
    throw;
  }
}

void Handshakes::clear() noexcept {
  lacking_.clear();
  mute_.clear();
  talked_.clear();
  all_.clear();
  notifying_ = roundLeft_ = 0;
  again_ = false;
}

void Handshakes::beginVisit(Now now) noexcept {
  now_ = now;
  if (now && *now < visitedAt_) {
    HIO_PROBE("server.handshake.clock-set-back");
    restart(now);
  }
  if (now) visitedAt_ = *now;
  stepsLeft_ = limits_.steps;
  callsLeft_ = MostCalls;
  const std::size_t toAsk = all_.size() - notifying_;
  roundLeft_ = roundLeft_ == 0 ? toAsk : std::min(roundLeft_, toAsk);
  again_ = false;
  if (lacking_.empty() || (now && !tcp::due(pause_, *now))) return;
  for (Handshake* const each : lacking_) {
    each->lacks = false;
    each->turn->wake();
  }
  lacking_.clear();
}

std::optional<Handshakes::Over> Handshakes::next() {
  while (now_ && callsLeft_ > 0 && !all_.empty() &&
         *now_ >= help::saturatingAdd(all_.front().started, limits_.timeout)) {
    // What came at the last moment counts.
    Handshake& oldest = all_.front();
    const bool ask = oldest.turn->queued();
    if (ask && stepsLeft_ == 0) return std::nullopt;
    --callsLeft_;
    oldest.turn->leaveLine();
    return takeOut(oldest, ask ? step(oldest) : Silent);
  }
  while (callsLeft_ > 0 && stepsLeft_ > 0) {
    Turn<Handshake>* turn = ready_.take();
    if (turn == nullptr && roundLeft_ > 0) {
      --roundLeft_;
      turn = asked_.take();
    }
    if (turn == nullptr) return std::nullopt;
    --callsLeft_;
    Handshake& handshake = *turn->owner();
    const net::IoResult result = step(handshake);
    if (!result.isBlocked()) return takeOut(handshake, result);
    waitFor(handshake, result);
  }
  return std::nullopt;
}

net::IoResult Handshakes::step(Handshake& handshake) {
  auto& before = listOf(handshake);
  const std::uint64_t received = handshake.stream->rawReceived();
  const net::IoResult result = handshake.stream->connect();
  if (handshake.stream->rawReceived() == received) return result;
  --stepsLeft_;
  if (now_) handshake.heardAt = *now_;
  talked_.splice(talked_.end(), before, handshake.silent);
  return result;
}

// It is blocked: who will say when it may go on?
void Handshakes::waitFor(Handshake& handshake, const net::IoResult& result) {
  if (result.lacksMemory() && now_) {
    if (lacking_.empty()) pause_ = help::Deadline(LackPause, *now_);
    if (!std::exchange(handshake.lacks, true)) lacking_.push_back(&handshake);
    return;
  }
  const bool more = result.lacksMemory() || handshake.stream->pending().received;
  if (more || !handshake.stream.notifies()) handshake.turn->wake();
  again_ = again_ || more;
}

Handshakes::Over Handshakes::takeOut(Handshake& handshake, const net::IoResult& result) {
  if (handshake.lacks) std::erase(lacking_, &handshake);
  if (handshake.stream.notifies()) --notifying_;
  listOf(handshake).erase(handshake.silent);
  Over over{{handshake.stream.release(), std::move(handshake.ca)}, result};
  all_.erase(handshake.place);
  return over;
}

// Who has been silent longest; those that have sent nothing come first. One that waits in line is
// not silent: what it has sent has not been read yet.
Handshakes::Handshake* Handshakes::silent() const noexcept {
  const auto of = [](const std::list<Handshake*>& list) -> Handshake* {
    constexpr int MostPassedOver = 16;
    int passed = 0;
    for (Handshake* const each : list) {
      if (!each->stream.notifies() || !each->turn->queued()) return each;
      if (++passed == MostPassedOver) break;
    }
    return nullptr;
  };
  Handshake* const mute = of(mute_);
  return mute != nullptr ? mute : of(talked_);
}

Tyme Handshakes::silentUntil(const Handshake& handshake) noexcept {
  const bool mute = handshake.stream->rawReceived() == 0;
  return help::saturatingAdd(handshake.heardAt, mute ? MuteSilence : TalkSilence);
}

std::optional<Tyme> Handshakes::givesWayAt() const noexcept {
  const Handshake* const one = silent();
  return one != nullptr ? std::optional(silentUntil(*one)) : std::nullopt;
}

bool Handshakes::canGiveWay() {
  while (callsLeft_ > 0) {
    Handshake* const one = silent();
    if (one == nullptr || !now_ || *now_ < silentUntil(*one)) return false;
    if (one->stream.notifies()) return true;
    // Nobody tells whether it has sent something since it was asked.
    if (stepsLeft_ == 0) return false;
    --callsLeft_;
    const std::uint64_t received = one->stream->rawReceived();
    const bool blocked = step(*one).isBlocked();
    if (blocked && one->stream->rawReceived() == received) return true;
    if (blocked) continue;
    one->turn->moveTo(ready_);
    one->turn->wake();
    return false;
  }
  return false;
}

Acceptor::Incoming Handshakes::giveWay() {
  Handshake& one = *silent();
  one.turn->leaveLine();
  return takeOut(one, Silent).incoming;
}

std::optional<Tyme> Handshakes::due(Tyme now) const {
  if (all_.empty()) return std::nullopt;
  if (!ready_.empty() || roundLeft_ > 0 || again_) return now;
  const Tyme oldest = help::saturatingAdd(all_.front().started, limits_.timeout);
  return lacking_.empty() ? oldest : std::min(oldest, dueAt(pause_, now));
}

}  // namespace hio::core::tcp
