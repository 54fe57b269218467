#include "core/tcp/attempt.hpp"
#include "help/probe.hpp"

#include <algorithm>

#include "core/tcp/due.hpp"
#include "hio/core/coring.hpp"

namespace hio::core::tcp {
namespace {

using base::Forever;
using base::Tyme;
using net::IoResult;

constexpr Tyme Stagger = std::chrono::milliseconds(250);
// A lookup is asked at least this often: the time-outs of c-ares need it. Without a poller nobody
// tells of the answer either.
constexpr Tyme LookupPause = std::chrono::milliseconds(10);
constexpr Tyme NotifiedLookupPause = std::chrono::seconds(1);

// The preferred family first, then alternating, each in the resolver's order (RFC 8305, 4).
std::vector<net::Ip> interleaved(std::vector<net::Ip> ips) {
  const auto second = std::stable_partition(
      ips.begin(), ips.end(),
      [&, first = ips.front().family](const net::Ip& ip) { return ip.family == first; });
  std::vector<net::Ip> mixed;
  mixed.reserve(ips.size());
  auto one = ips.begin();
  auto other = second;
  while (one != second || other != ips.end()) {
    if (one != second) mixed.push_back(*one++);
    if (other != ips.end()) mixed.push_back(*other++);
  }
  return mixed;
}

}  // namespace

Attempt::Attempt(net::Net& net, Address target, const net::StreamOptions& options,
                 PollerBinding binding)
    : net_(net), target_(std::move(target)), options_(options), binding_(std::move(binding)) {
  if (const auto ip = settleHost(target_.host)) {
    startRace({*ip});
  } else {
    lookup_.reset(net_.resolver().lookup(target_.host), binding_);
  }
}

void Attempt::bind(const PollerBinding& binding) {
  binding_ = binding;
  lookup_.bind(binding_);
  for (Racer& racer : racers_) racer.stream.bind(binding_);
  stream_.bind(binding_);
}

bool Attempt::notifies() const noexcept {
  switch (phase_) {
    case Phase::resolving:
      return true;  // due() sees to those that do not notify
    case Phase::connecting:
      return std::all_of(racers_.begin(), racers_.end(),
                         [](const Racer& racer) { return racer.stream.notifies(); });
    case Phase::handshaking:
      break;
  }
  return stream_.notifies();
}

void Attempt::rewind() noexcept {
  due_ = Tyme::min();
  joins_.reset();
}

// What waits for a time has given `joins_` or `due_`; a connection that is still plain is to be
// secured now.
Tyme Attempt::due() const noexcept {
  if (phase_ == Phase::handshaking && !secured_) return Tyme::min();
  return due_;
}

IoResult Attempt::advance(std::optional<Tyme> now) {
  fresh_ = false;
  if (phase_ == Phase::resolving) {
    const IoResult found = pollLookup(now);
    if (!found.isDone()) return found;
  }
  return phase_ == Phase::connecting ? race(now) : IoResult::done();
}

// ---- the name -----------------------------------------------------------------------------------

IoResult Attempt::pollLookup(std::optional<Tyme> now) {
  std::vector<net::Ip> found;
  const IoResult result = lookup_->poll(found);
  HIO_PROBE_IF("attempt.lookup.blocked", result.isBlocked());
  HIO_PROBE_IF("attempt.lookup.failed", result.isError());
  if (now) {
    due_ = help::saturatingAdd(*now, lookup_.notifies() ? NotifiedLookupPause : LookupPause);
  } else {
    due_ = lookup_.notifies() ? Forever : Tyme::min();
  }
  if (!result.isDone()) return result;
  if (found.empty()) return IoResult::failed(net::ResolveError::noAddress);
  HIO_PROBE_IF("attempt.lookup.several", found.size() > 1);
  startRace(std::move(found));
  lookup_.reset();
  return IoResult::done();
}

// ---- the race -----------------------------------------------------------------------------------

void Attempt::startRace(std::vector<net::Ip> ips) {
  HIO_PROBE_IF("attempt.several", ips.size() > 1);
  if (ips.size() > 1) ips = interleaved(std::move(ips));
  targets_.clear();
  targets_.reserve(ips.size());
  for (const net::Ip& ip : ips) targets_.push_back({.ip = ip, .port = target_.port});
  phase_ = Phase::connecting;
  openNext();
}

// Opens a stream for the next address for which that goes; false when none is left.
bool Attempt::openNext() {
  while (next_ < targets_.size()) {
    const net::Endpoint& target = targets_[next_++];
    auto made = net_.open(target, options_);
    if (made.it) {
      racers_.push_back({target, {}});
      racers_.back().stream.reset(std::move(made.it), binding_);
      return opened_ = true;
    }
    HIO_PROBE("attempt.open.failed");
    tries_.push_back({Address(target), made.code});
  }
  return false;
}

IoResult Attempt::race(std::optional<Tyme> now) {
  connectAll();
  bool late = false;
  if (joins_ && now) {
    // A time that was set back must not stretch the wait.
    HIO_PROBE_IF("attempt.time.set-back", *joins_ > help::saturatingAdd(*now, Stagger));
    joins_ = std::min(*joins_, help::saturatingAdd(*now, Stagger));
    late = *now >= *joins_;
    HIO_PROBE_IF("attempt.joins", late);
  }
  while (!stream_ && (racers_.empty() || late)) {
    late = false;
    joins_.reset();
    if (!openNext()) break;
    connectAll();
  }
  if (stream_) {
    HIO_PROBE_IF("attempt.race.won", !racers_.empty());
    racers_.clear();
    phase_ = Phase::handshaking;
    return IoResult::done();
  }
  HIO_PROBE_IF("attempt.all.failed", racers_.empty() && tries_.size() > 1);
  if (racers_.empty()) return IoResult::failed(firstError());
  if (!joins_ && now && next_ < targets_.size()) joins_ = help::saturatingAdd(*now, Stagger);
  due_ = joins_.value_or(Forever);
  return IoResult::blocked(IoResult::On::write);
}

// Asks each stream once.
void Attempt::connectAll() {
  for (auto racer = racers_.begin(); racer != racers_.end() && !stream_;) {
    const IoResult result = racer->stream->connect();
    if (result.isBlocked()) {
      ++racer;
      continue;
    }
    if (result.isDone()) {
      stream_ = std::move(racer->stream);
    } else {
      HIO_PROBE("attempt.racer.failed");
      tries_.push_back({Address(racer->target), result.code()});
    }
    racer = racers_.erase(racer);
  }
}

const net::Stream* Attempt::latest() const noexcept {
  if (stream_) return stream_.get();
  return racers_.empty() ? nullptr : racers_.back().stream.get();
}

std::error_code Attempt::firstError() const noexcept {
  // Without a try there was no memory to note one.
  return tries_.empty() ? net::systemError(std::errc::not_enough_memory) : tries_.front().code;
}

// ---- the handshake ------------------------------------------------------------------------------

IoResult Attempt::shake(std::optional<Tyme> now) {
  // There was no memory for its layer, and then none to say so.
  if (!stream_) return IoResult::failed(net::systemError(std::errc::not_enough_memory));
  const IoResult result = stream_->connect();
  if (result.lacksMemory()) {
    due_ = now ? help::saturatingAdd(*now, LackPause) : Tyme::min();
  } else {
    // What the last step has read and not used yet is told of by nobody.
    due_ = stream_->pending().received ? Tyme::min() : Forever;
  }
  return result;
}

Stage Attempt::stage() const noexcept {
  switch (phase_) {
    case Phase::resolving:
      return Stage::resolve;
    case Phase::connecting:
      return opened_ ? Stage::connect : Stage::open;
    case Phase::handshaking:
      break;
  }
  return Stage::handshake;
}

}  // namespace hio::core::tcp
