// One seeded schedule: a client and a server in bad weather, checked after every step.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "hio/sim.hpp"
#include "swarm/weather.hpp"

namespace hio::swarm {

struct Plan {
  std::uint64_t seed = 0;
  int steps = 150;
  Mix mix{};
  bool tls = false;

  // With the mix that the seed draws.
  static Plan of(std::uint64_t seed, int steps = 150, bool tls = false);
  // A line such as "7 150 latency,loss" or "7 150 none tls"; empty for anything else.
  static std::optional<Plan> parse(const std::string& line);
  std::string text() const;
};

struct Result {
  std::string violation{};  // empty: all held
  base::Tyme tyme{0};
  std::uint64_t events = 0;
  std::uint64_t epochs = 0;
  std::uint64_t resumed = 0;  // of the connections, from a session of TLS
  std::uint64_t hash = 0;
};

Result play(const Plan& plan, const std::function<void(const std::string&)>& watch = {});

// A smaller plan that fails too: fewer classes, fewer steps.
Plan shrunk(Plan plan);

}  // namespace hio::swarm
