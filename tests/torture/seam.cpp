// Each call of the network, and each allocation, fails in turn, once and from there on, with each
// error that it may have, in each scenario. Usage: hio_torture_seam [--all | --every N]
// [--only NAME] [--verbose]; by default a sample.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "torture/story.hpp"

namespace {

using namespace hio::torture;

struct How {
  std::uint64_t every = 37;
  std::string only{};
  bool isVerbose = false;
};

struct Totals {
  std::uint64_t stories = 0;
  std::uint64_t calls = 0;        // cases of a call that failed
  std::uint64_t allocations = 0;  // cases of an allocation that failed
  std::uint64_t reached = 0;      // in spite of it
  std::uint64_t wrong = 0;
};

void complain(Totals& totals, const Story& story, const std::string& what,
              const std::string& wrong) {
  ++totals.wrong;
  if (totals.wrong > 60) return;
  std::printf("FAILED %s, %s: %s\n", story.name.c_str(), what.c_str(), wrong.c_str());
  std::fflush(stdout);
}

// Whether the next case is of the sample; those left out are spread over all kinds.
class Sample {
 public:
  explicit Sample(std::uint64_t every) : every_(every) {}
  bool takes() { return ++count_ % every_ == 0; }

 private:
  std::uint64_t every_;
  std::uint64_t count_ = 0;
};

void failCalls(const Story& story, const Calls& calls, Sample& sample, Totals& totals) {
  for (std::size_t side = 0; side < Sides; ++side) {
    for (std::size_t op = 0; op < Ops; ++op) {
      for (std::uint64_t nth = 1; nth <= calls.at(side).at(op); ++nth) {
        for (const std::error_code& code : errorsOf(static_cast<hio::sim::Op>(op))) {
          for (const bool onwards : {false, true}) {
            if (!sample.takes()) continue;
            const Fault fault{static_cast<Side>(side), static_cast<hio::sim::Op>(op), code, nth,
                              onwards};
            const Outcome outcome = play(story, fault);
            ++totals.calls;
            totals.reached += outcome.reached ? 1U : 0U;
            if (!outcome.wrong.empty()) complain(totals, story, fault.text(), outcome.wrong);
          }
        }
      }
    }
  }
}

void failAllocations(const Story& story, std::uint64_t count, Sample& sample, Totals& totals) {
  for (std::uint64_t nth = 1; nth <= count; ++nth) {
    for (const bool onwards : {false, true}) {
      if (!sample.takes()) continue;
      const Outcome outcome = playStarved(story, nth, onwards);
      ++totals.allocations;
      totals.reached += outcome.reached ? 1U : 0U;
      if (outcome.wrong.empty()) continue;
      complain(totals, story, "allocation " + std::to_string(nth) + (onwards ? " and on" : ""),
               outcome.wrong);
    }
  }
}

void torture(const Story& story, const How& how, Sample& calls, Sample& allocations,
             Totals& totals) {
  const Totals before = totals;
  const auto began = std::chrono::steady_clock::now();
  ++totals.stories;
  (void)play(story);  // what is made once, for ever, is made here
  const Outcome usual = play(story);
  if (!usual.wrong.empty()) return complain(totals, story, "without a fault", usual.wrong);
  failCalls(story, usual.calls, calls, totals);
  failAllocations(story, usual.allocations, allocations, totals);
  if (!how.isVerbose) return;
  std::printf("%-42s %6llu calls, %6llu allocations, %6llu reached, %lld ms\n", story.name.c_str(),
              static_cast<unsigned long long>(totals.calls - before.calls),
              static_cast<unsigned long long>(totals.allocations - before.allocations),
              static_cast<unsigned long long>(totals.reached - before.reached),
              static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::steady_clock::now() - began)
                                         .count()));
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  How how;
  for (int at = 1; at < argc; ++at) {
    const std::string_view word(argv[at]);
    if (word == "--all") {
      how.every = 1;
    } else if (word == "--every" && at + 1 < argc) {
      how.every = std::strtoull(argv[++at], nullptr, 10);
    } else if (word == "--only" && at + 1 < argc) {
      how.only = argv[++at];
    } else if (word == "--verbose") {
      how.isVerbose = true;
    } else {
      std::printf("usage: hio_torture_seam [--all | --every N] [--only NAME] [--verbose]\n");
      return 2;
    }
  }
  if (how.every == 0) how.every = 1;
  Totals totals;
  Sample calls(how.every);
  Sample allocations(how.every);
  for (const Story& story : stories()) {
    if (!how.only.empty() && story.name.find(how.only) == std::string::npos) continue;
    torture(story, how, calls, allocations, totals);
  }
  std::printf(
      "%llu scenarios, %llu failed calls, %llu failed allocations, %llu reached, %llu findings\n",
      static_cast<unsigned long long>(totals.stories),
      static_cast<unsigned long long>(totals.calls),
      static_cast<unsigned long long>(totals.allocations),
      static_cast<unsigned long long>(totals.reached),
      static_cast<unsigned long long>(totals.wrong));
  return totals.wrong == 0 && totals.calls > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::printf("broke off: %s\n", error.what());
    return 1;
  }
}
