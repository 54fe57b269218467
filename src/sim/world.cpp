#include "hio/sim/world.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "sim/fabric.hpp"
#include "sim/stream.hpp"

namespace hio::sim {

using base::Tyme;

// ---- Host ---------------------------------------------------------------------------------------

Host::Host(std::unique_ptr<HostState> state) : state_(std::move(state)) {}

Host::~Host() = default;

const std::string& Host::name() const noexcept { return state_->name; }

const std::vector<net::Ip>& Host::addresses() const noexcept { return state_->ips; }

net::Resolver& Host::resolver() { return *state_->resolver; }

std::uint64_t Host::seed() { return state_->seeds.next(); }

void Host::crash() { state_->fabric->crash(*this); }

net::Opened<net::Stream> Host::open(const net::Endpoint& peer, const net::StreamOptions& options) {
  Fabric& fabric = *state_->fabric;
  fabric.sync();
  const CallVerdict verdict = fabric.ask(*this, {.op = Op::open, .at = peer});
  if (verdict.code) {
    fabric.tell(Event::Kind::failed, *this, {.far = peer, .code = verdict.code});
    return {nullptr, verdict.code};
  }
  const net::BufferSizes sizes = fabric.sizesFor(options.buffers, verdict.buffers);
  auto stream = std::make_unique<SimStream>(fabric, *this, peer, sizes);
  fabric.tell(Event::Kind::opened, *this, {.far = peer});
  return {std::move(stream), {}};
}

net::Opened<net::Listener> Host::listen(const net::Endpoint& local,
                                        const net::ListenOptions& options) {
  Fabric& fabric = *state_->fabric;
  fabric.sync();
  const CallVerdict verdict = fabric.ask(*this, {.op = Op::listen, .at = local});
  auto listener = std::make_unique<ListenSocket>();
  listener->host = this;
  listener->local = local;
  listener->most = static_cast<std::size_t>(options.backlog);
  listener->buffers = fabric.sizesFor(options.stream.buffers, verdict.buffers);
  const std::error_code code = verdict.code ? verdict.code : fabric.listen(*listener);
  fabric.tell(code ? Event::Kind::failed : Event::Kind::listening, *this,
              {.near = listener->local, .code = code});
  if (code) return {nullptr, code};
  return {std::make_unique<SimListener>(fabric, std::move(listener)), {}};
}

// ---- World --------------------------------------------------------------------------------------

class World::SimPoller final : public net::Poller {
 public:
  explicit SimPoller(Fabric& fabric) noexcept : fabric_(fabric) {}

  net::Registration watch(int, net::ReadinessHandler&, std::error_code& code) override {
    code = codeOf(std::errc::operation_not_supported);
    return {};
  }
  net::IoResult wait(std::optional<Tyme>) override {
    const std::uint64_t before = fabric_.moves();
    fabric_.sync();
    return net::IoResult::done(static_cast<std::size_t>(fabric_.moves() - before));
  }
  void wake() noexcept override {}

 private:
  void forget(std::uint64_t, int) noexcept override {}

  Fabric& fabric_;
};

World::World(WorldOptions options)
    : fabric_(std::make_unique<Fabric>(std::move(options))),
      poller_(std::make_unique<SimPoller>(*fabric_)) {}

World::~World() = default;

Host& World::host(std::string name, const std::vector<std::string>& addresses) {
  return fabric_->addHost(std::move(name), addresses);
}

void World::name(std::string name, const std::vector<std::string>& addresses) {
  fabric_->addName(std::move(name), addresses);
}

RuleGuard World::add(Rule rule) {
  fabric_->sync();
  return fabric_->add(std::move(rule));
}

void World::service() { fabric_->sync(); }

net::Poller& World::poller() noexcept { return *poller_; }

std::optional<Tyme> World::next() { return fabric_->next(); }

std::uint64_t World::moves() const noexcept { return fabric_->moves(); }

std::uint64_t World::hash() const noexcept { return fabric_->hash(); }

std::uint64_t World::events() const noexcept { return fabric_->events(); }

Random& World::random() noexcept { return fabric_->random(); }

std::vector<Leftover> World::leftovers() {
  fabric_->sync();
  return fabric_->leftovers();
}

std::vector<Leftover> Fabric::leftovers() {
  std::vector<Leftover> all;
  for (const auto& [number, stream] : streams_) {
    all.push_back({.kind = Leftover::Kind::stream,
                   .host = stream->host().name(),
                   .near = stream->local(),
                   .far = stream->target()});
  }
  for (const auto& host : hosts_) {
    for (const ListenSocket* const listener : host->state_->listeners) {
      all.push_back(
          {.kind = Leftover::Kind::listener, .host = host->name(), .near = listener->local});
    }
  }
  for (const Connection& connection : connections_) {
    for (const End& end : connection.ends) {
      Leftover left{.host = end.host->name(), .near = end.local, .far = end.remote};
      const auto add = [&all, &left](Leftover::Kind kind, std::size_t bytes, Tyme tyme) {
        left.kind = kind;
        left.bytes = bytes;
        left.tyme = tyme;
        all.push_back(left);
      };
      if (end.open && !end.in.empty()) add(Leftover::Kind::unread, end.in.size(), Tyme(0));
      if (!end.isDead() && !end.out.empty()) {
        add(Leftover::Kind::unsent, end.out.size(), Tyme(0));
      }
      if (end.armed) add(Leftover::Kind::timer, 0, help::saturatingSubtract(end.timerAt, shift_));
    }
  }
  for (const Held& held : held_) {
    const End& from = held.segment.connection->ends.at(held.segment.side);
    all.push_back({.kind = Leftover::Kind::held,
                   .host = from.host->name(),
                   .near = from.local,
                   .far = from.remote,
                   .bytes = held.segment.bytes});
  }
  for (const auto& [number, asked] : lookups_) {
    all.push_back({.kind = Leftover::Kind::lookup, .host = asked.host->name(), .name = asked.name});
  }
  return all;
}

std::string Leftover::text() const {
  const auto textOf = [](const net::Endpoint& at) {
    const std::string ip = at.ip.text();
    return (at.ip.family == net::Family::v6 ? '[' + ip + ']' : ip) + ':' + std::to_string(at.port);
  };
  const std::string path = textOf(near) + " > " + textOf(far);
  const std::string count = std::to_string(bytes) + " bytes";
  switch (kind) {
    case Kind::stream:
      return host + ": a stream is open, " + path;
    case Kind::listener:
      return host + ": a listener is open on " + textOf(near);
    case Kind::unread:
      return host + ": " + count + " arrived and were never received, " + path;
    case Kind::unsent:
      return host + ": " + count + " taken for sending have not arrived, " + path;
    case Kind::held:
      return host + ": a packet of " + count + " is held by a rule, " + path;
    case Kind::timer:
      return host + ": TCP will send again at " + std::to_string(tyme.count()) + " ns, " + path;
    case Kind::lookup:
      return host + ": the lookup of '" + name + "' is not answered";
  }
  return host;
}

std::ostream& operator<<(std::ostream& out, const Leftover& left) { return out << left.text(); }

// ---- running ------------------------------------------------------------------------------------

std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return out << "done";
    case Outcome::late:
      return out << "late";
    case Outcome::quiet:
      break;
  }
  return out << "quiet";
}

Outcome run(base::Tymist& tymist, World& world, const RunOptions& turns) {
  if (!turns.step || !turns.done) throw std::invalid_argument("run: give .step and .done");
  constexpr int MostTurns = 1'000'000;
  const Tyme end = help::saturatingAdd(tymist.tyme(), turns.limit);
  for (int still = 0;; ++still) {
    const std::uint64_t before = world.moves();
    turns.step();
    world.service();
    if (turns.done()) return Outcome::done;
    if (still == MostTurns) {
      throw std::runtime_error("run: time does not advance: a million turns at " +
                               std::to_string(tymist.tyme().count()) +
                               " ns; is a deadline in the past, or a rule without a delay?");
    }
    if (world.moves() != before) continue;
    std::optional<Tyme> next = world.next();
    if (const auto wake = turns.wake ? turns.wake() : std::nullopt) {
      next = next ? std::min(*next, *wake) : wake;
    }
    if (!next) return Outcome::quiet;
    if (*next > end) {
      tymist.tyme(end);
      return Outcome::late;
    }
    if (*next > tymist.tyme()) {
      tymist.tyme(*next);
      still = 0;
    }
  }
}

}  // namespace hio::sim
