// Which process made something: a child of fork() has copies of objects that are still the
// parent's.
#pragma once

#include <atomic>
#include <cstdint>

namespace hio::net::posix {

// How many forks lie between the program's first process and this one. Counted by a handler of
// pthread_atfork: a child made otherwise (by a bare clone or vfork) counts as its parent.
extern std::atomic<std::uint32_t> forks;

// Remembers the process it was made in. Asking costs no system call.
class Birthplace {
 public:
  Birthplace() noexcept : born_(forks.load(std::memory_order_relaxed)) {}
  bool isChild() const noexcept { return forks.load(std::memory_order_relaxed) != born_; }

 private:
  std::uint32_t born_;
};

}  // namespace hio::net::posix
