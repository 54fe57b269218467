#include "hio/sim/testbed.hpp"

#include <stdexcept>
#include <utility>

namespace hio::sim {
namespace {

WorldOptions timedBy(base::Tymth tymth, WorldOptions options) {
  options.tymth = std::move(tymth);
  return options;
}

}  // namespace

Testbed::Testbed(const std::vector<std::string>& hosts, WorldOptions options)
    : world_(timedBy(tymist_.tymen(), std::move(options))) {
  for (const std::string& name : hosts) hosts_.push_back(&world_.host(name));
}

Host& Testbed::operator[](std::string_view name) {
  std::string known;
  for (Host* const host : hosts_) {
    if (host->name() == name) return *host;
    known += (known.empty() ? "" : ", ") + host->name();
  }
  throw std::invalid_argument("Testbed: no host \"" + std::string(name) + "\" among: " + known +
                              "; give its name to the constructor");
}

Outcome Testbed::run(const std::function<bool()>& done, base::Tyme limit) {
  return sim::run(tymist_, world_,
                  {.step = [this] { step(); },
                   .done = done,
                   .wake = [this] { return deadline(); },
                   .limit = limit});
}

void Testbed::pass(base::Tyme duration) {
  const base::Tyme end = tymist_.tyme() + duration;
  run([] { return false; }, duration);
  tymist_.tyme(end);
}

void Testbed::step() {
  for (const Program& program : programs_) program.step();
}

std::optional<base::Tyme> Testbed::deadline() const {
  std::optional<base::Tyme> first;
  for (const Program& program : programs_) {
    const auto next = program.deadline ? program.deadline() : std::nullopt;
    if (next && (!first || *next < *first)) first = next;
  }
  return first;
}

}  // namespace hio::sim
