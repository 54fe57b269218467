#include "failing.hpp"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "hio/net/tls.hpp"

namespace hio::tool {

using core::tcp::Failure;
using core::tcp::Stage;

namespace {

// But for a connection that was cut, which is what it is without TLS.
bool tlsFailed(const std::error_code& code) {
  return code.category() == net::tlsCategory() && code != net::TlsError::truncated;
}

bool refusedCertificate(const std::error_code& code) {
  return net::verdictOf(code) || code == net::TlsError::noCertificate ||
         code == net::TlsError::wrongPin;
}

// The library's names of options, and those of the command line.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> OptionNames{
    {{"(cafilepath)", "(--ca)"},
     {"(certedhost)", "(--servername)"},
     {"(certpath, keypath)", "(--cert, --key)"}}};

}  // namespace

ExitCode codeFor(const Failure& failure) {
  const std::error_code& code = failure.code();
  if (refusedCertificate(code)) return ExitCode::untrusted;
  if (tlsFailed(code)) return ExitCode::tlsFailed;
  switch (failure.stage()) {
    case Stage::receive:
      return ExitCode::lost;
    case Stage::send:
      // The kernel says so when the far side had ended its sending before it refused our bytes.
      return code == std::errc::broken_pipe ? ExitCode::closedEarly : ExitCode::lost;
    default:
      break;
  }
  if (code == std::errc::timed_out) return ExitCode::timedOut;
  if (failure.stage() == Stage::handshake) return ExitCode::tlsFailed;
  if (failure.stage() == Stage::resolve) return ExitCode::unresolved;
  if (code == std::errc::connection_refused) return ExitCode::refused;
  for (const std::errc gone :
       {std::errc::network_unreachable, std::errc::host_unreachable, std::errc::network_down,
        std::errc::permission_denied, std::errc::operation_not_permitted}) {
    if (code == gone) return ExitCode::unreachable;
  }
  return code == std::errc::connection_reset ? ExitCode::lost : ExitCode::unexpected;
}

std::string reasonOf(const Failure& failure) {
  std::string text = failure.message();
  for (const auto& [libraryName, name] : OptionNames) {
    const std::size_t at = text.rfind(libraryName);
    if (at != std::string::npos) text.replace(at, libraryName.size(), name);
  }
  return text;
}

}  // namespace hio::tool
