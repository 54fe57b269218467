// The swarm: many seeded schedules, each in its own bad weather. See --help.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "swarm/schedule.hpp"

namespace {

using namespace hio::swarm;

constexpr std::string_view Usage = R"(usage: hio_swarm [options]
  --seeds N      play N schedules (default 100)
  --seed S       the first one's seed (default 1)
  --steps N      steps of a schedule (default 150)
  --faults LIST  these classes of faults, separated by commas, instead of drawn ones
  --replay FILE  play the schedules of a file, one a line: seed, steps, faults
  --timeline     print what happens
  --first        stop at the first schedule that fails
Each schedule that fails is printed as such a line, and once more as small as it could be made.
)";

struct Totals {
  std::uint64_t played = 0;
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t epochs = 0;
  std::uint64_t hash = 0;
  double virtualSeconds = 0;
};

void playOne(const Plan& plan, bool timeline, Totals& totals) {
  const auto print = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  const Result result = timeline ? play(plan, print) : play(plan);
  ++totals.played;
  totals.events += result.events;
  totals.epochs += result.epochs;
  totals.hash = totals.hash * 31 + result.hash;
  totals.virtualSeconds += std::chrono::duration<double>(result.tyme).count();
  if (result.violation.empty()) return;
  ++totals.failed;
  std::printf("FAILED  %s\n        %s\n", plan.text().c_str(), result.violation.c_str());
  if (timeline) return;
  const Plan small = shrunk(plan);
  std::printf("shrunk  %s\n        %s\n", small.text().c_str(), play(small).violation.c_str());
  std::fflush(stdout);
}

std::vector<Plan> plansOf(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    std::exit(2);
  }
  std::vector<Plan> plans;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Plan plan;
    std::string faults;
    words >> plan.seed >> plan.steps >> faults;
    const auto mix = Mix::parse(faults);
    if (words.fail() || !mix) {
      std::fprintf(stderr, "%s: not 'seed steps faults': %s\n", path.c_str(), line.c_str());
      std::exit(2);
    }
    plan.mix = *mix;
    plans.push_back(plan);
  }
  return plans;
}

int run(const std::vector<std::string_view>& arguments) {
  std::uint64_t seeds = 100;
  std::uint64_t first = 1;
  int steps = 150;
  bool timeline = false;
  bool onlyFirst = false;
  std::string faults;
  std::string replay;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (option == "--timeline") {
      timeline = true;
      continue;
    }
    if (option == "--first") {
      onlyFirst = true;
      continue;
    }
    const std::string value(i + 1 < arguments.size() ? arguments[i + 1] : "");
    if (option == "--seeds") {
      seeds = std::stoull(value);
    } else if (option == "--seed") {
      first = std::stoull(value);
    } else if (option == "--steps") {
      steps = std::stoi(value);
    } else if (option == "--faults") {
      faults = value;
    } else if (option == "--replay") {
      replay = value;
    } else {
      std::cout << Usage;
      return option == "--help" ? 0 : 2;
    }
    ++i;
  }
  Totals totals;
  const auto begin = std::chrono::steady_clock::now();
  if (!replay.empty()) {
    for (const Plan& plan : plansOf(replay)) playOne(plan, timeline, totals);
  } else {
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
      if (onlyFirst && totals.failed > 0) break;
      Plan plan = Plan::of(seed, steps);
      if (!faults.empty()) {
        const auto mix = Mix::parse(faults);
        if (!mix) {
          std::fprintf(stderr, "--faults: no such class in '%s'\n", faults.c_str());
          return 2;
        }
        plan.mix = *mix;
      }
      playOne(plan, timeline, totals);
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf(
      "%llu schedules, %llu failed; %.0f/s; %.0f events/s; %llu connections; %.1f days of virtual "
      "time; hash %016llx\n",
      static_cast<unsigned long long>(totals.played),
      static_cast<unsigned long long>(totals.failed), static_cast<double>(totals.played) / seconds,
      static_cast<double>(totals.events) / seconds, static_cast<unsigned long long>(totals.epochs),
      totals.virtualSeconds / 86400, static_cast<unsigned long long>(totals.hash));
  return totals.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), std::string(Usage).c_str());
    return 2;
  }
}
