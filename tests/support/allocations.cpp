#include "support/allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> made{0};
std::atomic<std::uint64_t> freed{0};
std::atomic<std::uint64_t> untilFailure{0};
std::atomic<bool> failsOn{false};

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (hio::test::allocationFails()) return nullptr;
  // More than any machine has: there AddressSanitizer would end the program.
  if (size > std::size_t{1} << 40U) return nullptr;
  void* const memory =
      alignment == 0
          ? std::malloc(size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory != nullptr) made.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* allocateOrThrow(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

std::string_view secret;
int leftBehind = 0;

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  if (!secret.empty()) {
    const std::string_view block(static_cast<const char*>(memory), ::malloc_usable_size(memory));
    if (block.find(secret) != std::string_view::npos) ++leftBehind;
  }
  freed.fetch_add(1, std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocateOrThrow(size, 0); }
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return allocate(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { release(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  release(memory);
}

namespace hio::test {

Allocations allocations() {
  return {.made = made.load(std::memory_order_relaxed),
          .freed = freed.load(std::memory_order_relaxed)};
}

FailingAllocation::FailingAllocation(std::uint64_t nth, bool onwards) {
  untilFailure = nth;
  failsOn = onwards;
}

FailingAllocation::~FailingAllocation() {
  untilFailure = 0;
  failsOn = false;
}

SparedAllocations::SparedAllocations() noexcept : left_(untilFailure.exchange(0)) {}

SparedAllocations::~SparedAllocations() { untilFailure = left_; }

LeftBehind::LeftBehind(std::string_view bytes) noexcept {
  leftBehind = 0;
  secret = bytes;
}

LeftBehind::~LeftBehind() { secret = {}; }

int LeftBehind::count() noexcept { return leftBehind; }

bool allocationFails() noexcept {
  if (untilFailure == 0 || --untilFailure > 0) return false;
  if (failsOn) untilFailure = 1;
  return true;
}

std::uint64_t FailingAllocation::left() { return untilFailure; }

}  // namespace hio::test
