// hio.core.coring: hosts and ports as people write them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "hio/export.hpp"
#include "hio/net/endpoint.hpp"

namespace hio::core {

// A host, by name or number, and a port: hio's `ha` and `ca` duples. The default one stands for
// "none given".
struct HIO_EXPORT Address {
  std::string host{};
  std::uint16_t port = 0;

  Address() = default;
  Address(std::string theHost, std::uint16_t thePort) : host(std::move(theHost)), port(thePort) {}
  explicit Address(const net::Endpoint& endpoint) : host(endpoint.ip.text()), port(endpoint.port) {}

  bool empty() const noexcept { return host.empty() && port == 0; }
  // As messages show it: `127.0.0.1:80`, `[::1]:80`.
  std::string text() const;
  // As hio's wire log shows it: `('127.0.0.1', 80)`.
  std::string duple() const;

  auto operator<=>(const Address&) const = default;
};

HIO_EXPORT std::ostream& operator<<(std::ostream& out, const Address& address);

// The number that `host` stands for, without asking anybody: numeric text in any form, "" (any, so
// 0.0.0.0) and "localhost" (127.0.0.1). Empty for every other name.
HIO_EXPORT std::optional<net::Ip> settleHost(std::string_view host);

// The address text of `host`, IPv4 if it has one. Blocks while the system's resolver works, which
// can take seconds; the client never calls it. Throws std::system_error (category "hio.resolve")
// when the name cannot be resolved (contract H1 to H3).
HIO_EXPORT std::string normalizeHost(std::string_view host);

// `port` as a port number. Throws std::invalid_argument, naming `field`, outside 0 to 65535.
HIO_EXPORT std::uint16_t checkedPort(int port, std::string_view field);

}  // namespace hio::core
