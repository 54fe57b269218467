// Files that are read whole.
#pragma once

#include <string>
#include <system_error>

namespace hio::net {

// All of the file; empty, and `code` set, when it cannot be read or is longer than `most` bytes.
// No other copy of it is left in memory.
std::string readFile(const std::string& path, std::size_t most, std::error_code& code);

}  // namespace hio::net
