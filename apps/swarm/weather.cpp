#include "swarm/weather.hpp"

#include <algorithm>
#include <array>

namespace hio::swarm {

using namespace std::chrono_literals;
using base::Tyme;
using sim::Ending;
using sim::Op;

namespace {

const net::Ip& anyOf(const std::vector<net::Ip>& ips, sim::Random& random) {
  return ips.at(random.below(ips.size()));
}

// What becomes of the packets to one address.
sim::Rule towards(const net::Ip& ip, const sim::Verdict& verdict) {
  return sim::Rule([ip, verdict](const sim::Packet& packet) -> std::optional<sim::Verdict> {
    if (packet.target.ip != ip) return std::nullopt;
    return verdict;
  });
}

}  // namespace

std::string_view nameOf(Fault fault) noexcept {
  static constexpr std::array<std::string_view, Faults> Names{
      "latency",   "jitter",    "bandwidth", "packets", "pieces",    "buffers", "loss",
      "partition", "oneWay",    "hold",      "refuse",  "blackHole", "reset",   "finish",
      "errors",    "accepts",   "names",     "restart", "crash",     "stall",   "user",
      "clock",     "addresses", "rewind",    "lazy",    "identity",  "blind",   "driven"};
  return Names.at(static_cast<std::size_t>(fault));
}

Mix Mix::draw(sim::Random& random) noexcept {
  return Mix(static_cast<std::uint32_t>(random.below(1U << Faults)));
}

std::optional<Mix> Mix::parse(std::string_view text) {
  std::uint32_t bits = 0;
  while (!text.empty() && text != "none") {
    const std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    std::size_t at = 0;
    while (at < Faults && nameOf(static_cast<Fault>(at)) != name) ++at;
    if (at == Faults) return std::nullopt;
    bits |= 1U << at;
  }
  return Mix(bits);
}

std::string Mix::text() const {
  std::string text;
  for (std::size_t i = 0; i < Faults; ++i) {
    if (!has(static_cast<Fault>(i))) continue;
    if (!text.empty()) text += ',';
    text += nameOf(static_cast<Fault>(i));
  }
  return text.empty() ? "none" : text;
}

Weather::Weather(sim::World& world, sim::Host& near, sim::Host& far, Mix mix, sim::Random random)
    : world_(world), near_(near), far_(far), mix_(mix), random_(random) {
  sim::LinkQuality line;
  if (has(Fault::latency)) line.latency = random_.between(Tyme(0), 200ms);
  if (has(Fault::jitter)) line.jitter = random_.between(1ms, 100ms);
  if (has(Fault::bandwidth)) line.bytesPerSecond = random_.between(std::uint64_t{1000}, 1'000'000);
  if (has(Fault::packets)) line.piece = random_.between(std::uint64_t{16}, 1500);
  lasting_.push_back(world_.add(sim::link(near_, far_, line)));
  if (has(Fault::pieces)) {
    const std::size_t most = random_.chance(300) ? 8 : 1000;
    lasting_.push_back(world_.add(sim::pieces(near_, most)));
    lasting_.push_back(world_.add(sim::pieces(far_, most)));
  }
  if (has(Fault::buffers)) {
    const auto size = [this] { return random_.between(std::uint64_t{2}, 4000); };
    lasting_.push_back(world_.add(sim::buffers(near_, {.send = size(), .receive = size()})));
    lasting_.push_back(world_.add(sim::buffers(far_, {.send = size(), .receive = size()})));
  }
  if (has(Fault::loss)) {
    const auto perMille = static_cast<std::uint32_t>(random_.between(std::uint64_t{1}, 200));
    lasting_.push_back(world_.add(sim::loss(near_, far_, perMille)));
  }
  if (has(Fault::addresses) && random_.chance(500)) {
    dead_ = world_.add(towards(anyOf(far_.addresses(), random_), sim::Verdict::drop()));
  }
}

void Weather::turn(Tyme now) {
  std::erase_if(passing_, [now](const Passing& each) { return each.until <= now; });
  begin(Fault::partition, Fault::partition, 10, now);
  begin(Fault::oneWay, Fault::partition, 10, now);
  begin(Fault::hold, Fault::partition, 10, now);
  begin(Fault::refuse, Fault::refuse, 20, now);
  begin(Fault::blackHole, Fault::refuse, 10, now);
  begin(Fault::reset, Fault::reset, 15, now);
  begin(Fault::finish, Fault::reset, 15, now);
  begin(Fault::errors, Fault::errors, 40, now);
  begin(Fault::accepts, Fault::accepts, 30, now);
  begin(Fault::names, Fault::names, 30, now);
  begin(Fault::addresses, Fault::addresses, 30, now);
}

void Weather::begin(Fault fault, Fault group, std::uint32_t perMille, Tyme now) {
  if (!strikes(fault, perMille)) return;
  for (const Passing& each : passing_) {
    if (each.group == group) return;
  }
  const Tyme lasts = random_.chance(900) ? random_.between(1ms, 10s) : random_.between(10s, 10min);
  passing_.push_back({group, help::saturatingAdd(now, lasts), world_.add(ruleOf(fault))});
}

sim::Rule Weather::ruleOf(Fault fault) {
  const bool nearSide = random_.chance(500);
  sim::Host& one = nearSide ? near_ : far_;
  sim::Host& other = nearSide ? far_ : near_;
  const Op op = random_.chance(500) ? Op::send : Op::receive;
  const Ending ending = fault == Fault::finish ? Ending::finish : Ending::reset;
  const std::uint64_t many = random_.between(std::uint64_t{1}, 40);
  switch (fault) {
    case Fault::partition:
      return sim::partition(near_, far_);
    case Fault::oneWay:
      return sim::partitionOneWay(one, other);
    case Fault::hold:
      return sim::hold(near_, far_);
    case Fault::refuse:
      return sim::refuse(far_, 7);
    case Fault::blackHole:
      return sim::blackHole(far_, 7);
    case Fault::reset:
    case Fault::finish:
      return random_.chance(500) ? sim::end(one, op, ending, {.nth = many})
                                 : sim::endAtByte(one, op, ending, many * 20);
    case Fault::accepts:
      return sim::fail(
          far_, Op::accept,
          random_.chance(500) ? std::errc::too_many_files_open : std::errc::connection_aborted,
          {.times = many});
    case Fault::names: {
      sim::Answer answer;
      if (random_.chance(500)) answer.late = random_.between(Tyme(0), 20s);
      if (random_.chance(300)) answer.code = net::ResolveError::tryAgain;
      if (random_.chance(300)) answer.addresses = {net::Ip{.octets = {10, 66, 66, 66}}};
      if (random_.chance(300)) answer.addresses.push_back(far_.addresses().front());
      return sim::answers("far", {answer});
    }
    case Fault::addresses: {
      // One after the other: the order of a call's arguments is up to the compiler.
      const net::Ip& ip = anyOf(far_.addresses(), random_);
      const bool silent = random_.chance(500);
      const Tyme late = random_.between(Tyme(0), 2s);
      return towards(ip, silent ? sim::Verdict::drop() : sim::Verdict::deliver(late));
    }
    default:
      return errorRule();
  }
}

// Each operation with an error that it can have on Linux.
sim::Rule Weather::errorRule() {
  struct Case {
    Op op;
    std::errc error;
  };
  static constexpr std::array Cases{
      Case{Op::open, std::errc::too_many_files_open},
      Case{Op::open, std::errc::no_buffer_space},
      Case{Op::open, std::errc::permission_denied},
      Case{Op::connect, std::errc::interrupted},
      Case{Op::connect, std::errc::connection_already_in_progress},
      Case{Op::connect, std::errc::host_unreachable},
      Case{Op::connect, std::errc::address_not_available},
      Case{Op::connect, std::errc::timed_out},
      Case{Op::connect, std::errc::permission_denied},
      Case{Op::receive, std::errc::interrupted},
      Case{Op::receive, std::errc::resource_unavailable_try_again},
      Case{Op::receive, std::errc::not_enough_memory},
      Case{Op::receive, std::errc::connection_reset},
      Case{Op::receive, std::errc::timed_out},
      Case{Op::receive, std::errc::bad_file_descriptor},
      Case{Op::send, std::errc::interrupted},
      Case{Op::send, std::errc::no_buffer_space},
      Case{Op::send, std::errc::broken_pipe},
      Case{Op::send, std::errc::connection_reset},
      Case{Op::send, std::errc::network_unreachable},
      Case{Op::send, std::errc::not_a_socket},
      Case{Op::shutdown, std::errc::not_connected},
  };
  const Case& drawn = Cases.at(random_.below(Cases.size()));
  return sim::fail(near_, drawn.op, drawn.error,
                   {.nth = random_.between(std::uint64_t{1}, 10),
                    .times = random_.between(std::uint64_t{1}, 5)});
}

}  // namespace hio::swarm
