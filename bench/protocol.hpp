// What the server does on which port.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

// The first port is an option of all programs; the modes follow in this order, then the same with
// TLS. Connections to all but echo begin with a number (a Header).
enum class Mode : std::uint8_t {
  echo,      // sends back what comes
  discard,   // answers one byte after that many
  generate,  // sends that many
  bell,      // answers one byte after that many milliseconds
};
constexpr int Modes = 4;

constexpr int portOf(int first, Mode mode, bool tls) {
  return first + static_cast<int>(mode) + (tls ? Modes : 0);
}

using Header = std::array<char, sizeof(std::uint64_t)>;

inline Header headerOf(std::uint64_t number) {
  Header header{};
  std::memcpy(header.data(), &number, sizeof number);
  return header;
}
inline std::uint64_t numberOf(const Header& header) {
  std::uint64_t number = 0;
  std::memcpy(&number, header.data(), sizeof number);
  return number;
}

// The name that the server's certificate is made for.
constexpr const char* ServerName = "server.example";

}  // namespace bench
