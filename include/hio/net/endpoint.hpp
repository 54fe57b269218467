// Addresses as the network knows them: numbers, no names.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hio/export.hpp"

namespace hio::net {

enum class Family : std::uint8_t { v4, v6 };

// An IPv4 or IPv6 address, with its zone (scope id) where it has one.
struct HIO_EXPORT Ip {
  Family family = Family::v4;
  std::array<std::uint8_t, 16> octets{};  // in network order; IPv4 uses the first four
  std::uint32_t zone = 0;                 // index of the interface; 0: none

  // Understands every numeric form, such as "127.0.0.1", "127.1", "0x7f000001", "::1" and
  // "fe80::1%eth0"; empty for anything else. Never asks the network.
  static std::optional<Ip> parse(std::string_view text);
  // The shortest usual text, with "%zone" where there is one.
  std::string text() const;

  // 0.0.0.0 or ::, which stand for "any".
  bool isAny() const noexcept;

  auto operator<=>(const Ip&) const = default;
};

// One end of a connection.
struct Endpoint {
  Ip ip{};
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace hio::net
