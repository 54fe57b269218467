#include "core/tcp/backoff.hpp"

#include <algorithm>

#include "hio/net/net.hpp"

namespace hio::core::tcp {
namespace {

// SplitMix64: small, and the same numbers on every platform, which std's distributions are not.
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t mixed = (state += 0x9e3779b97f4a7c15U);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

bool isRetryable(const Failure& failure) noexcept {
  return failure.code() != net::ResolveError::badName;
}

base::Tyme Backoff::next() noexcept {
  const base::Tyme ceiling = std::min(ceiling_, most_);
  ceiling_ = ceiling > most_ / 2 ? most_ : 2 * ceiling;
  const auto choices = static_cast<std::uint64_t>(ceiling.count()) + 1;
  return base::Tyme(static_cast<std::int64_t>(draw(state_) % choices));
}

}  // namespace hio::core::tcp
