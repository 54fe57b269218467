#include "core/tcp/backoff.hpp"

#include <algorithm>
#include <array>

#include "help/probe.hpp"
#include "hio/net/net.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {
namespace {

// SplitMix64: small, and the same numbers on every platform, which std's distributions are not.
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t mixed = (state += 0x9e3779b97f4a7c15U);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

// The far side wants another certificate, version, cipher or name than this side has (RFC 8446, 6).
constexpr std::array FatalAlerts{40, 41, 42, 43, 44, 45, 46, 48, 49, 70, 71, 112, 116, 120};

}  // namespace

bool isRetryable(const Failure& failure) noexcept {
  const std::error_code& code = failure.code();
  if (code == net::ResolveError::badName || code == net::TlsError::noCertificate ||
      code == net::TlsError::wrongPin || net::verdictOf(code)) {
    return false;
  }
  const auto alert = net::alertOf(code);
  return !alert || std::find(FatalAlerts.begin(), FatalAlerts.end(), *alert) == FatalAlerts.end();
}

base::Tyme Backoff::next() noexcept {
  const base::Tyme most = options_.maxPause;
  HIO_PROBE_IF("backoff.most", ceiling_ >= most);
  const base::Tyme ceiling = std::min(ceiling_, most);
  ceiling_ = ceiling > most / 2 ? most : 2 * ceiling;
  const auto choices = static_cast<std::uint64_t>(ceiling.count()) + 1;
  return base::Tyme(static_cast<std::int64_t>(draw(state_) % choices));
}

}  // namespace hio::core::tcp
