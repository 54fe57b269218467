#include "sim/fabric.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "sim/stream.hpp"

namespace hio::sim {
namespace {

using base::Tyme;

WorldOptions checked(WorldOptions options) {
  const auto refuse = [](const char* what) { throw std::invalid_argument(what); };
  if (!options.tymth) refuse("world: tymth is empty, so time cannot advance; use tymist.tymen()");
  if (options.buffers.send < 2 || options.buffers.receive < 2) {
    refuse("world: buffers are at least 2 bytes, of which half hold data");
  }
  if (options.synRetries < 0 || options.retries < 0) refuse("world: retries are at least 0");
  if (options.firstPort == 0 || options.firstPort > options.lastPort) {
    refuse("world: firstPort is at least 1 and at most lastPort");
  }
  return options;
}

std::string lower(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

net::Ip parsed(const std::string& address) {
  auto ip = net::Ip::parse(address);
  if (!ip) throw std::invalid_argument("'" + address + "' is no address; write such as 10.0.0.1");
  return *ip;
}

}  // namespace

// ---- hosts and names ----------------------------------------------------------------------------

Fabric::Fabric(WorldOptions options)
    : options_(checked(std::move(options))), random_(options_.seed), seen_(options_.tymth()) {
  clock_ = seen_;
}

Host& Fabric::addHost(std::string name, const std::vector<std::string>& addresses) {
  if (name.empty()) throw std::invalid_argument("a host needs a name");
  if (names_.contains(lower(name))) {
    throw std::invalid_argument("there is a host or name '" + name + "' already; take another");
  }
  std::vector<net::Ip> ips;
  for (const std::string& address : addresses) {
    const net::Ip ip = parsed(address);
    if (const Host* const owner = ownerOf(ip)) {
      throw std::invalid_argument("host '" + name + "': " + address + " is the address of host '" +
                                  owner->name() + "' already; give each its own");
    }
    if (ip.isAny() || isLoopback(ip)) {
      throw std::invalid_argument("host '" + name + "': " + address +
                                  " is on every host; give it one of its own");
    }
    if (std::find(ips.begin(), ips.end(), ip) == ips.end()) ips.push_back(ip);
  }
  for (std::size_t n = hosts_.size() + 1; ips.empty(); ++n) {
    const net::Ip ip{.octets = {10, static_cast<std::uint8_t>(n >> 16U),
                                static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}};
    if (ownerOf(ip) == nullptr) ips.push_back(ip);
  }
  auto state = std::make_unique<HostState>();
  state->fabric = this;
  state->name = name;
  state->ips = ips;
  state->ports.resize(std::size_t{options_.lastPort} - options_.firstPort + 1);
  // Not from random_: how many hosts there are must not change what the rules draw.
  state->seeds = Random(options_.seed ^ (hosts_.size() + 1) * 0xd1342543de82ef95U);
  Host& host = *hosts_.emplace_back(new Host(std::move(state)));
  host.state_->resolver = std::make_unique<SimResolver>(*this, host);
  for (const net::Ip& ip : ips) owners_.emplace(ip, &host);
  names_.emplace(lower(name), std::move(ips));
  return host;
}

void Fabric::addName(std::string name, const std::vector<std::string>& addresses) {
  if (name.empty() || names_.contains(lower(name))) {
    throw std::invalid_argument("there is a host or name '" + name +
                                "' already; for answers that change add the rule answers()");
  }
  if (addresses.empty()) {
    throw std::invalid_argument("the name '" + name +
                                "' resolves nowhere; give an address, or add the rule answers()");
  }
  std::vector<net::Ip> ips;
  for (const std::string& address : addresses) {
    ips.push_back(parsed(address));
    if (ownerOf(ips.back()) == nullptr) {
      throw std::invalid_argument("the name '" + name + "' resolves to " + address +
                                  ", which no host has; make the host first, or add the rule "
                                  "answers() for a wrong answer");
    }
  }
  names_.emplace(lower(name), std::move(ips));
}

Host* Fabric::ownerOf(const net::Ip& ip) const {
  const auto found = owners_.find(ip);
  return found == owners_.end() ? nullptr : found->second;
}

LookedUp Fabric::answerOf(const Host& host, std::string_view name) {
  LookedUp found{.at = clock_};
  const std::string key = lower(name);
  CallVerdict verdict = ask(host, {.op = Op::lookup, .name = key});
  found.at = help::saturatingAdd(clock_, verdict.late);
  found.code = verdict.code;
  found.ips = std::move(verdict.addresses);
  if (found.code || !found.ips.empty()) return found;
  const auto known = names_.find(key);
  if (known != names_.end()) {
    found.ips = known->second;
  } else {
    found.code = net::ResolveError::notFound;
  }
  return found;
}

void Fabric::crash(Host& host) {
  sync();
  ++moves_;
  for (ListenSocket* const listener : host.state_->listeners) {
    listener->down = true;
    listener->halfOpen.clear();
    listener->queue.clear();
    if (listener->watcher != nullptr) listener->watcher->ready({.readable = true, .ending = true});
  }
  host.state_->listeners.clear();
  for (auto each = connections_.begin(); each != connections_.end();) {
    Connection& connection = *each++;
    for (End& end : connection.ends) {
      if (end.host != &host || end.state == State::closed) continue;
      fail(end, std::errc::network_down);
      if (end.stream == 0) end.open = false;
      connection.listener = nullptr;
    }
    forgetIfDone(connection);
  }
}

// ---- time and events ----------------------------------------------------------------------------

Tyme Fabric::networkNow() {
  const Tyme tyme = options_.tymth();
  if (tyme < seen_) shift_ = help::saturatingAdd(shift_, help::saturatingSubtract(seen_, tyme));
  seen_ = tyme;
  return help::saturatingAdd(tyme, shift_);
}

void Fabric::sync() {
  const Tyme now = networkNow();
  while (!due_.empty() && due_.front().at <= now) {
    std::pop_heap(due_.begin(), due_.end(), Later());
    const Due due = due_.back();
    due_.pop_back();
    clock_ = std::max(clock_, due.at);
    happen(due);
  }
  clock_ = std::max(clock_, now);
}

std::optional<Tyme> Fabric::next() {
  networkNow();
  dropVoid();
  if (due_.empty()) return std::nullopt;
  return help::saturatingSubtract(due_.front().at, shift_);
}

void Fabric::wakeAt(Tyme at) { schedule(at, What::wake, {}); }

void Fabric::schedule(Tyme at, What what, const Segment& segment, std::uint32_t timer) {
  if (segment.connection != nullptr) ++segment.connection->pending;
  due_.push_back({at, order_++, what, timer, segment});
  std::push_heap(due_.begin(), due_.end(), Later());
}

bool Fabric::isVoid(const Due& due) const noexcept {
  if (due.what != What::timer) return false;
  const End& end = due.segment.connection->ends.at(due.segment.side);
  return !end.armed || end.timer != due.timer;
}

void Fabric::dropVoid() {
  while (!due_.empty() && isVoid(due_.front())) {
    std::pop_heap(due_.begin(), due_.end(), Later());
    Connection& connection = *due_.back().segment.connection;
    due_.pop_back();
    --connection.pending;
    forgetIfDone(connection);
  }
}

void Fabric::happen(const Due& due) {
  if (due.what == What::wake) {
    ++moves_;
    return;
  }
  Connection& connection = *due.segment.connection;
  if (due.what == What::arrive) {
    ++moves_;
    arrive(due.segment);
    inform(connection.ends.at(1U - due.segment.side));
  } else if (!isVoid(due)) {
    ++moves_;
    expire(connection, due.segment.side);
  }
  --connection.pending;
  forgetIfDone(connection);
}

void Fabric::tell(Event::Kind kind, const Host& host, Event event) {
  event.tyme = help::saturatingSubtract(clock_, shift_);
  event.kind = kind;
  event.host = host.name();
  ++events_;
  ++moves_;
  const auto mix = [this](std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9fb21c651e98df25U;
    hash_ ^= hash_ >> 32U;
  };
  mix(static_cast<std::uint64_t>(event.tyme.count()));
  mix(static_cast<std::uint64_t>(kind) | event.stream << 8U);
  mix(digestOf(std::as_bytes(std::span(event.host))));
  mix(event.bytes);
  mix(event.digest);
  mix(static_cast<std::uint64_t>(event.code.value()));
  if (options_.watch) options_.watch(event);
}

void Fabric::tell(Event::Kind kind, const End& end, Event event) {
  event.stream = end.stream;
  event.near = end.local;
  event.far = end.remote;
  tell(kind, *end.host, event);
}

void Fabric::tellBytes(Event::Kind kind, const End& end, std::span<const std::byte> bytes) {
  tell(kind, end, {.bytes = bytes.size(), .digest = options_.hashBytes ? digestOf(bytes) : 0});
}

// ---- what programs have -------------------------------------------------------------------------

std::uint64_t Fabric::enter(SimStream& stream) {
  streams_.emplace_hint(streams_.end(), ++streamNumber_, &stream);
  return streamNumber_;
}

std::uint64_t Fabric::enterLookup(const Host& host, std::string name) {
  lookups_.emplace(++lookupNumber_, Asked{&host, std::move(name)});
  return lookupNumber_;
}

}  // namespace hio::sim
