// Which process made something: a child of fork() has copies of objects that are still the
// parent's.
#pragma once

#include <atomic>
#include <cstdint>

namespace hio::net::posix {

// How many forks lie between the program's first process and this one. Costs no system call. A
// child made without fork() (a bare clone or vfork) counts as its parent.
std::uint32_t forks() noexcept;

// Remembers the process it was made in.
class Family {
 public:
  Family() noexcept : born_(forks()) {}
  bool isChild() const noexcept { return forks() != born_; }

 private:
  std::uint32_t born_;
};

}  // namespace hio::net::posix
