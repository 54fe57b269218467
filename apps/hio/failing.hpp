// What the tool makes of a failure that the library tells.
#pragma once

#include <string>

#include "exit_codes.hpp"
#include "hio/core/tcp/failure.hpp"

namespace hio::tool {

ExitCode codeFor(const core::tcp::Failure& failure);

// The failure's one line, with the command line's names of options.
std::string reasonOf(const core::tcp::Failure& failure);

}  // namespace hio::tool
