// What all programs of the benchmark share: arguments, measuring, giving up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace bench {

// Ends the program; with errno's text, if it is set.
[[noreturn]] void die(const std::string& what);
// `value`, which is -1 when a call has failed.
int must(int value, const char* what);

// key=value for each argument.
class Options {
 public:
  Options(int count, char** arguments, int from);

  long number(const std::string& key, long otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise = {}) const;

 private:
  std::map<std::string, std::string> values_;
};

// As many descriptors as this process may have; gives the number.
std::size_t raiseDescriptors();

// Memory of this process, in KiB: now, and at most so far.
long memory();
long peakMemory();

// What this process has taken since a start.
class Meter {
 public:
  struct Reading {
    double wall = 0;  // seconds
    double cpu = 0;   // user and system
  };

  void start() { begun_ = now(); }
  Reading read() const;

 private:
  static Reading now();

  Reading begun_{};
};

}  // namespace bench
