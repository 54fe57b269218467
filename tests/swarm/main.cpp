// The swarm: many seeded schedules, each in its own bad weather. See --help.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "help/probe.hpp"
#include "swarm/schedule.hpp"

namespace {

using namespace hio::swarm;

constexpr std::string_view Usage = R"(usage: hio_swarm [options]
  --seeds N      play N schedules (default 100)
  --seed S       the first one's seed (default 1)
  --steps N      steps of a schedule (default 150)
  --tls          over TLS
  --faults LIST  these classes of faults, separated by commas, instead of drawn ones
  --replay FILE  play the schedules of a file, one a line: seed, steps, faults, "tls" or nothing
  --timeline     print what happens
  --probes FILE  write there which rare branches were reached (needs -DHIO_PROBES=ON)
  --first        stop at the first schedule that fails, and print it as it is
  --twice        play each schedule once more: it fails if that is another run
Each schedule that fails is printed as such a line, and once more as small as it could be made.
)";

struct Options {
  std::uint64_t seeds = 100;
  std::uint64_t first = 1;
  int steps = 150;
  std::string faults{};
  std::string replay{};
  std::string probes{};
  bool tls = false;
  bool timeline = false;
  bool onlyFirst = false;
  bool twice = false;
};

Options parsed(const std::vector<std::string_view>& arguments) {
  Options options;
  const std::map<std::string_view, bool*> flags{{"--tls", &options.tls},
                                                {"--timeline", &options.timeline},
                                                {"--first", &options.onlyFirst},
                                                {"--twice", &options.twice}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (const auto flag = flags.find(option); flag != flags.end()) {
      *flag->second = true;
      continue;
    }
    const std::string value(++i < arguments.size() ? arguments[i] : "");
    if (option == "--seeds") {
      options.seeds = std::stoull(value);
    } else if (option == "--seed") {
      options.first = std::stoull(value);
    } else if (option == "--steps") {
      options.steps = std::stoi(value);
    } else if (option == "--faults") {
      options.faults = value;
    } else if (option == "--replay") {
      options.replay = value;
    } else if (option == "--probes") {
      options.probes = value;
    } else {
      throw std::invalid_argument("no such option: " + std::string(option));
    }
  }
  return options;
}

struct Totals {
  std::uint64_t played = 0;
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t epochs = 0;
  std::uint64_t resumed = 0;
  std::uint64_t hash = 0;
  double virtualSeconds = 0;
};

Result playOne(const Plan& plan, const Options& options) {
  if (options.timeline) {
    return play(plan, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  }
  Result result = play(plan);
  if (options.twice && result.violation.empty() && play(plan).hash != result.hash) {
    result.violation = "played once more it was another run";
  }
  return result;
}

void tellFailed(const Plan& plan, const std::string& violation, const Options& options) {
  std::printf("FAILED  %s\n        %s\n", plan.text().c_str(), violation.c_str());
  if (!options.timeline && !options.onlyFirst) {
    const Plan small = shrunk(plan);
    std::printf("shrunk  %s\n        %s\n", small.text().c_str(), play(small).violation.c_str());
  }
  std::fflush(stdout);
}

void add(const Plan& plan, const Options& options, Totals& totals) {
  if (options.onlyFirst && totals.failed > 0) return;
  const Result result = playOne(plan, options);
  ++totals.played;
  totals.events += result.events;
  totals.epochs += result.epochs;
  totals.resumed += result.resumed;
  totals.hash = totals.hash * 31 + result.hash;
  totals.virtualSeconds += std::chrono::duration<double>(result.tyme).count();
  if (result.violation.empty()) return;
  ++totals.failed;
  tellFailed(plan, result.violation, options);
}

void replay(const Options& options, Totals& totals) {
  std::ifstream file(options.replay);
  if (!file) throw std::invalid_argument(options.replay + " cannot be read");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto plan = Plan::parse(line);
    if (!plan) throw std::invalid_argument("not 'seed steps faults [tls]': " + line);
    add(*plan, options, totals);
  }
}

void playSeeds(const Options& options, Totals& totals) {
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    Plan plan = Plan::of(options.first + i, options.steps, options.tls);
    if (!options.faults.empty()) {
      const auto mix = Mix::parse(options.faults);
      if (!mix) throw std::invalid_argument("--faults: no such class in " + options.faults);
      plan.mix = *mix;
    }
    add(plan, options, totals);
  }
}

// A line for each rare branch: "reached" or "missed", and its name.
void writeProbes(const std::string& path) {
#ifdef HIO_PROBES
  std::ofstream file(path);
  for (const auto* probe = hio::help::__start_hio_probes; probe != hio::help::__stop_hio_probes;
       ++probe) {
    file << (probe->reached ? "reached " : "missed ") << probe->name << '\n';
  }
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
#else
  throw std::invalid_argument(path + ": there are no probes without -DHIO_PROBES=ON");
#endif
}

int run(const Options& options) {
  Totals totals;
  const auto begin = std::chrono::steady_clock::now();
  if (options.replay.empty()) {
    playSeeds(options, totals);
  } else {
    replay(options, totals);
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "%llu schedules%s, %llu failed; %.0f/s; %.0f events/s; %llu connections, %llu resumed; "
      "%.1f days of virtual time; %llu events; hash %016llx\n",
      number(totals.played), options.tls ? " over TLS" : "", number(totals.failed),
      static_cast<double>(totals.played) / seconds, static_cast<double>(totals.events) / seconds,
      number(totals.epochs), number(totals.resumed), totals.virtualSeconds / 86400,
      number(totals.events), number(totals.hash));
  if (!options.probes.empty()) writeProbes(options.probes);
  return totals.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string_view>{"--help"}) {
    std::cout << Usage;
    return 0;
  }
  try {
    return run(parsed(arguments));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), std::string(Usage).c_str());
    return 2;
  }
}
