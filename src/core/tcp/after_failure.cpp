#include "core/tcp/after_failure.hpp"

#include <algorithm>
#include <array>

#include "hio/core/tcp/retry.hpp"
#include "hio/net/net.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {
namespace {

// The far side wants another certificate, version, cipher or name than this side has (RFC 8446, 6).
constexpr std::array RefusingAlerts{40, 41, 42, 43, 44,  45,  46,  48,
                                    49, 70, 71, 86, 109, 112, 116, 120};

bool refuses(const std::error_code& code) noexcept {
  const auto alert = net::alertOf(code);
  return alert &&
         std::find(RefusingAlerts.begin(), RefusingAlerts.end(), *alert) != RefusingAlerts.end();
}

}  // namespace

std::string_view nameOf(Reason reason) noexcept {
  static constexpr std::array<std::string_view, Reasons> Names{
      "own fault", "shortage", "certificate", "hopeless", "passing"};
  return Names.at(static_cast<std::size_t>(reason));
}

std::string_view nameOf(Next next) noexcept {
  static constexpr std::array<std::string_view, 5> Names{"at once", "pause", "slowly", "stay",
                                                         "stop"};
  return Names.at(static_cast<std::size_t>(next));
}

Reason reasonOf(Stage stage, const std::error_code& code) noexcept {
  if (code == net::ResolveError::badName) return Reason::ownFault;
  if (stage == Stage::handshake && code == std::errc::invalid_argument) return Reason::ownFault;
  if (stage == Stage::open || code == std::errc::not_enough_memory) return Reason::shortage;
  if (net::verdictOf(code) || code == net::TlsError::noCertificate ||
      code == net::TlsError::wrongPin) {
    return Reason::certificate;
  }
  if (refuses(code) || code == net::TlsError::notTls || code == net::TlsError::protocol) {
    return Reason::hopeless;
  }
  return Reason::passing;
}

Next nextAfter(Stage stage, Reason reason, bool reconnectable, bool wound) noexcept {
  if (reason == Reason::ownFault) return Next::stop;
  const bool stood = stage == Stage::receive || stage == Stage::send;
  if (stood && !reconnectable) return Next::stay;
  if (reason == Reason::certificate && !reconnectable) return Next::stop;
  if (!wound) return Next::atOnce;
  const bool isSlow = reason == Reason::certificate || reason == Reason::hopeless;
  return isSlow ? Next::slowly : Next::pause;
}

bool isRetryable(const Failure& failure) noexcept {
  return reasonOf(failure.stage(), failure.code()) != Reason::ownFault;
}

}  // namespace hio::core::tcp
