// hio simulate: a client and a server in a seeded bad network, in virtual time.
#include <fmt/format.h>

#include <chrono>
#include <string>

#include "commands.hpp"
#include "swarm/schedule.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

swarm::Plan planOf(const SimulateOptions& options) {
  swarm::Plan plan = swarm::Plan::of(options.seed, options.steps, options.tls);
  if (options.faults.empty()) return plan;
  const auto mix = swarm::Mix::parse(options.faults);
  if (!mix) {
    throw Problem(ExitCode::usage, fmt::format("--faults '{}' has a class that is none of: {}",
                                               options.faults, swarm::Mix::all().text()));
  }
  plan.mix = *mix;
  return plan;
}

}  // namespace

ExitCode runSimulate(const SimulateOptions& options) {
  const swarm::Plan plan = planOf(options);
  say(fmt::format("seed {}, {} steps, {}", plan.seed, plan.steps, plan.tls ? "TLS" : "TCP"));
  say("faults: " + plan.mix.text());
  const swarm::Result result =
      options.timeline ? play(plan, [](const std::string& line) { say(line); }) : play(plan);
  const double seconds = std::chrono::duration<double>(result.tyme).count();
  say(fmt::format("{} events in {:.3f} s of virtual time, {} connections, {} of them resumed",
                  result.events, seconds, result.epochs, result.resumed));
  say(fmt::format("hash {:016x}", result.hash));
  if (result.violation.empty()) {
    say("simulate: OK");
    return ExitCode::ok;
  }
  say("simulate: FAILED: " + printable(result.violation));
  return ExitCode::unexpected;
}

}  // namespace hio::tool
