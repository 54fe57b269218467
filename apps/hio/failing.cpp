#include "failing.hpp"

#include <system_error>

namespace hio::tool {

using core::tcp::Failure;
using core::tcp::Stage;

ExitCode codeFor(const Failure& failure) {
  const std::error_code& code = failure.code();
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
  if (failure.stage() == Stage::resolve) return ExitCode::unresolved;
  if (code == std::errc::connection_refused) return ExitCode::refused;
  for (const std::errc gone :
       {std::errc::network_unreachable, std::errc::host_unreachable, std::errc::network_down,
        std::errc::permission_denied, std::errc::operation_not_permitted}) {
    if (code == gone) return ExitCode::unreachable;
  }
  return code == std::errc::connection_reset ? ExitCode::lost : ExitCode::unexpected;
}

std::string reasonOf(const Failure& failure) { return failure.message(); }

}  // namespace hio::tool
