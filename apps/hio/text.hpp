// What the tool says, and how it writes numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hio::tool {

// One line on standard error or output, there at once. That nobody can read it is no error.
void complain(std::string_view line) noexcept;
void say(std::string_view line) noexcept;

// Without characters that a terminal could take for commands: bytes that are not printable ASCII as
// `\x1b`.
std::string printable(std::string_view text);

// `1536 bytes`, `1 byte`.
std::string bytesText(std::uint64_t count);
// `1.5 MiB`; in bytes when that is little.
std::string sizeText(std::uint64_t count);
double mebibytes(std::uint64_t count) noexcept;

}  // namespace hio::tool
