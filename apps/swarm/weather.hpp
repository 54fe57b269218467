// The faults of one schedule: which classes are on, and when they strike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/sim.hpp"

namespace hio::swarm {

enum class Fault : std::uint8_t {
  latency,
  jitter,
  bandwidth,
  packets,  // small ones
  pieces,   // short sends and receives
  buffers,  // small ones
  loss,
  partition,
  oneWay,
  hold,
  refuse,
  blackHole,
  reset,
  finish,
  errors,     // of any call of the client
  accepts,    // that fail
  names,      // answered late, wrong, not at all
  restart,    // of the server program
  crash,      // of the server's machine
  stall,      // the server program is not serviced
  user,       // the client's user closes, reopens, drains
  clock,      // jumps, stands still, goes back
  addresses,  // the server has several, and some do not answer, or late
  rewind,     // the client is given another source of time
  lazy,       // the server program leaves what it has received for later
  identity,   // TLS: the server shows certificates that it should not
  blind,      // TLS: OpenSSL's own check of the name is left out: ours has to do
  driven,     // the programs are serviced only when they were woken or are due
};
inline constexpr std::size_t Faults = 28;
std::string_view nameOf(Fault fault) noexcept;

// A set of fault classes.
class Mix {
 public:
  explicit constexpr Mix(std::uint32_t bits = 0) noexcept : bits_(bits) {}
  static constexpr Mix all() noexcept { return Mix((1U << Faults) - 1); }
  // Each class is on with p = 0.5.
  static Mix draw(sim::Random& random) noexcept;
  // Names separated by commas, or "none"; empty for an unknown name.
  static std::optional<Mix> parse(std::string_view text);
  std::string text() const;

  bool has(Fault fault) const noexcept { return (bits_ >> static_cast<unsigned>(fault) & 1U) != 0; }
  Mix without(Fault fault) const noexcept {
    return Mix(bits_ & ~(1U << static_cast<unsigned>(fault)));
  }

 private:
  std::uint32_t bits_;
};

// Adds and removes rules as time goes by.
class Weather {
 public:
  Weather(sim::World& world, sim::Host& near, sim::Host& far, Mix mix, sim::Random random);

  bool has(Fault fault) const noexcept { return mix_.has(fault); }
  // A fault of that class may strike now.
  bool strikes(Fault fault, std::uint32_t perMille) noexcept {
    return has(fault) && random_.chance(perMille);
  }
  sim::Random& random() noexcept { return random_; }
  // Lets faults begin and end.
  void turn(base::Tyme now);
  // No more faults from now on.
  // But an address that has never answered will not.
  void clear() noexcept { passing_.clear(), lasting_.clear(); }

 private:
  struct Passing {
    Fault group;  // one of each group at a time
    base::Tyme until;
    sim::RuleGuard rule;
  };
  void begin(Fault fault, Fault group, std::uint32_t perMille, base::Tyme now);
  sim::Rule ruleOf(Fault fault);
  sim::Rule errorRule();

  sim::World& world_;
  sim::Host& near_;
  sim::Host& far_;
  Mix mix_;
  sim::Random random_;
  std::vector<sim::RuleGuard> lasting_;
  sim::RuleGuard dead_;
  std::vector<Passing> passing_;
};

}  // namespace hio::swarm
