#include "common.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace bench {
namespace {

rusage usageNow() {
  rusage usage{};
  must(getrusage(RUSAGE_SELF, &usage), "getrusage");
  return usage;
}

}  // namespace

void die(const std::string& what) {
  const int error = errno;
  std::fprintf(stderr, "%s%s%s\n", what.c_str(), error != 0 ? ": " : "",
               error != 0 ? std::strerror(error) : "");
  std::_Exit(1);
}

int must(int value, const char* what) {
  if (value == -1) die(what);
  return value;
}

Options::Options(int count, char** arguments, int from) {
  for (int at = from; at < count; ++at) {
    const std::string argument = arguments[at];
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) die("not key=value: " + argument);
    values_[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
}

long Options::number(const std::string& key, long otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : std::atol(found->second.c_str());
}

std::string Options::text(const std::string& key, const std::string& otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : found->second;
}

std::size_t raiseDescriptors() {
  rlimit limit{};
  must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  constexpr rlim_t Wanted = 250'000;
  const rlimit more{Wanted, Wanted};
  if (limit.rlim_max >= Wanted || setrlimit(RLIMIT_NOFILE, &more) != 0) {
    limit.rlim_cur = limit.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  } else {
    limit = more;
  }
  errno = 0;
  return limit.rlim_cur;
}

long memory() {
  std::ifstream file("/proc/self/statm");
  long total = 0;
  long resident = 0;
  file >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

long peakMemory() { return usageNow().ru_maxrss; }

Meter::Reading Meter::now() {
  const rusage usage = usageNow();
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(),
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

Meter::Reading Meter::read() const {
  const Reading end = now();
  return {end.wall - begun_.wall, end.cpu - begun_.cpu};
}

}  // namespace bench
