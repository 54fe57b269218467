#include "hio/core/tcp/retry.hpp"

#include <algorithm>

#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// SplitMix64: small, and the same numbers on every platform, which std's distributions are not.
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t mixed = (state += 0x9e3779b97f4a7c15U);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

base::Tyme drawUpTo(base::Tyme longest, std::uint64_t& state) noexcept {
  const auto choices = static_cast<std::uint64_t>(longest.count()) + 1;
  return base::Tyme(static_cast<std::int64_t>(draw(state) % choices));
}

const RetryOptions& defaults() noexcept {
  static const RetryOptions options;
  return options;
}

}  // namespace

Backoff::Backoff(const RetryOptions& options)
    : given_(options == defaults() ? nullptr : std::make_unique<RetryOptions>(options)),
      ceiling_(options.firstPause) {}

const RetryOptions& Backoff::options() const noexcept { return given_ ? *given_ : defaults(); }

void Backoff::reset() noexcept { ceiling_ = options().firstPause; }

base::Tyme Backoff::next(net::Net& net) {
  const base::Tyme most = options().maxPause;
  HIO_PROBE_IF("backoff.most", ceiling_ >= most);
  const base::Tyme ceiling = std::min(ceiling_, most);
  ceiling_ = ceiling > most / 2 ? most : 2 * ceiling;
  return drawUpTo(ceiling, state(net));
}

base::Tyme Backoff::slowest(net::Net& net) {
  if (options().firstPause == base::Tyme(0)) return base::Tyme(0);
  const base::Tyme most = options().maxPause;
  return most / 2 + drawUpTo(most - most / 2, state(net));
}

// Most clients never need it.
std::uint64_t& Backoff::state(net::Net& net) {
  if (!state_) state_ = options().seed ? *options().seed : net.seed();
  return *state_;
}

}  // namespace hio::core::tcp
