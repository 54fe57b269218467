// The one source of chance in a simulation.
#pragma once

#include <cstdint>

#include "hio/base/tyming.hpp"

namespace hio::sim {

// SplitMix64 with its own distributions: the same numbers from the same seed on every platform,
// which the standard library does not promise of its distributions.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t mixed = (state_ += 0x9e3779b97f4a7c15U);
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }

  // Evenly from 0 to bound - 1; 0 for a bound of 0.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    if (bound == 0) return 0;
    // What does not fill a whole round of `bound` numbers would favour the small ones.
    const std::uint64_t spare = (0 - bound) % bound;
    std::uint64_t drawn = next();
    while (drawn < spare) drawn = next();
    return drawn % bound;
  }
  // Evenly from `least` to `most`, both included.
  constexpr std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    const std::uint64_t choices = most - least + 1;
    return least + (choices == 0 ? next() : below(choices));
  }
  constexpr base::Tyme between(base::Tyme least, base::Tyme most) noexcept {
    const auto span = static_cast<std::uint64_t>(most.count() - least.count());
    return least + base::Tyme(static_cast<std::int64_t>(between(0, span)));
  }
  // True `perMille` times in a thousand.
  constexpr bool chance(std::uint32_t perMille) noexcept { return below(1000) < perMille; }

  // A generator of its own, whose numbers do not depend on how many are drawn here later.
  constexpr Random fork() noexcept { return Random(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace hio::sim
