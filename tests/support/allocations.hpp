// Counts what goes through operator new and delete in the test program.
#pragma once

#include <cstdint>

namespace hio::test {

struct Allocations {
  std::uint64_t made = 0;
  std::uint64_t freed = 0;

  std::uint64_t live() const { return made - freed; }
};

// All since the program began.
Allocations allocations();

}  // namespace hio::test
