#include "core/tcp/dialing.hpp"
#include "help/probe.hpp"

#include <algorithm>
#include <utility>

namespace hio::core::tcp {
namespace {

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

Dial::Dial(net::Net& net, std::vector<net::Ip> ips, std::uint16_t port, net::StreamOptions options,
           PollerBinding binding)
    : net_(net),
      options_(options),
      binding_(std::move(binding)),
      notifies_(binding_.poller != nullptr) {
  HIO_PROBE_IF("dial.several", ips.size() > 1);
  if (ips.size() > 1) ips = interleaved(std::move(ips));
  for (const net::Ip& ip : ips) targets_.push_back({.ip = ip, .port = port});
  openNext();
}

void Dial::attach(const PollerBinding& binding) {
  binding_ = binding;
  notifies_ = binding_.poller != nullptr;
  for (const Racer& racer : racers_) notifies_ = binding_.to(*racer.stream) && notifies_;
}

// Opens a stream for the next address for which that goes; false when none is left.
bool Dial::openNext() {
  while (next_ < targets_.size()) {
    const net::Endpoint& target = targets_[next_++];
    auto made = net_.open(target, options_);
    if (made.it) {
      if (binding_.poller != nullptr) notifies_ = binding_.to(*made.it) && notifies_;
      racers_.push_back({target, std::move(made.it)});
      return opened_ = true;
    }
    HIO_PROBE("dial.open.failed");
    tries_.push_back({Address(target), made.code});
  }
  return false;
}

net::IoResult Dial::poll(std::optional<base::Tyme> now) {
  fresh_ = false;
  polledAt_ = now;
  connectAll();
  bool late = false;
  if (joins_ && now) {
    // A time that was set back must not stretch the wait.
    HIO_PROBE_IF("dial.time.set-back", *joins_ > help::saturatingAdd(*now, Stagger));
    joins_ = std::min(*joins_, help::saturatingAdd(*now, Stagger));
    late = *now >= *joins_;
    HIO_PROBE_IF("dial.joins", late);
  }
  while (!winner_ && (racers_.empty() || late)) {
    late = false;
    joins_.reset();
    if (!openNext()) break;
    connectAll();
  }
  if (winner_) {
    HIO_PROBE_IF("dial.race.won", !racers_.empty());
    racers_.clear();
    return net::IoResult::done();
  }
  HIO_PROBE_IF("dial.all.failed", racers_.empty() && tries_.size() > 1);
  if (racers_.empty()) return net::IoResult::failed(firstError());
  if (!joins_ && now && next_ < targets_.size()) joins_ = help::saturatingAdd(*now, Stagger);
  return net::IoResult::blocked(net::IoResult::On::write);
}

void Dial::connectAll() {
  for (auto racer = racers_.begin(); racer != racers_.end() && !winner_;) {
    const net::IoResult result = racer->stream->connect();
    if (result.isBlocked()) {
      ++racer;
      continue;
    }
    if (result.isDone()) {
      winner_ = std::move(racer->stream);
    } else {
      HIO_PROBE("dial.racer.failed");
      tries_.push_back({Address(racer->target), result.code()});
    }
    racer = racers_.erase(racer);
  }
}

const net::Stream* Dial::latest() const noexcept {
  return racers_.empty() ? nullptr : racers_.back().stream.get();
}

std::optional<base::Tyme> Dial::deadline(base::Tyme now) const noexcept {
  if (!polledAt_) return now;
  if (racers_.size() < 2 || notifies_) return joins_;
  const base::Tyme look = help::saturatingAdd(*polledAt_, Look);
  return joins_ ? std::min(*joins_, look) : look;
}

std::error_code Dial::firstError() const noexcept {
  // Without a try there was no memory to note one.
  return tries_.empty() ? std::make_error_code(std::errc::not_enough_memory) : tries_.front().code;
}

}  // namespace hio::core::tcp
