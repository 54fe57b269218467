// Counts what goes through operator new and delete in the test program.
#pragma once

#include <cstdint>
#include <string_view>

namespace hio::test {

struct Allocations {
  std::uint64_t made = 0;
  std::uint64_t freed = 0;

  std::uint64_t live() const { return made - freed; }
};

// All since the program began.
Allocations allocations();

// In its scope the n-th allocation, from 1, fails; none for 0. Once, or all from there on.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::uint64_t nth, bool onwards = false);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  // How many more have to be made until one fails; 0: it has failed.
  static std::uint64_t left();
};

// In its scope no allocation fails, nor counts as one that could have.
class SparedAllocations {
 public:
  SparedAllocations() noexcept;
  ~SparedAllocations();
  SparedAllocations(const SparedAllocations&) = delete;
  SparedAllocations& operator=(const SparedAllocations&) = delete;

 private:
  std::uint64_t left_;
};

// In its scope, counts the blocks that are given back with `bytes` still in them. One at a time.
class LeftBehind {
 public:
  explicit LeftBehind(std::string_view bytes) noexcept;
  ~LeftBehind();
  LeftBehind(const LeftBehind&) = delete;
  LeftBehind& operator=(const LeftBehind&) = delete;

  static int count() noexcept;
};

// For an allocator beside operator new, which asks before each allocation: whether it is to fail.
bool allocationFails() noexcept;

}  // namespace hio::test
