#include "text.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace hio::tool {
namespace {

void put(std::FILE* to, std::string_view line) noexcept {
  (void)std::fwrite(line.data(), 1, line.size(), to);
  (void)std::fputc('\n', to);
  (void)std::fflush(to);
}

}  // namespace

void complain(std::string_view line) noexcept { put(stderr, line); }

void say(std::string_view line) noexcept { put(stdout, line); }

std::string printable(std::string_view text) {
  std::string safe;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte >= 0x20 && byte < 0x7f) {
      safe += each;
    } else {
      safe += fmt::format("\\x{:02x}", byte);
    }
  }
  return safe;
}

std::string bytesText(std::uint64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "byte" : "bytes");
}

std::string sizeText(std::uint64_t count) {
  constexpr std::uint64_t Little = 100U << 10U;
  return count < Little ? bytesText(count) : fmt::format("{:.2f} MiB", mebibytes(count));
}

double mebibytes(std::uint64_t count) noexcept {
  return static_cast<double>(count) / (1024.0 * 1024.0);
}

}  // namespace hio::tool
