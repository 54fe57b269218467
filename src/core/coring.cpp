#include "hio/core/coring.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "hio/net/net.hpp"

namespace hio::core {
namespace {

// An IPv4 address written as IPv6 is that IPv4 address (contract H2): it works where IPv6 is off.
net::Ip unmapped(const net::Ip& ip) {
  constexpr std::array<std::uint8_t, 12> Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (ip.family != net::Family::v6 ||
      !std::equal(Prefix.begin(), Prefix.end(), ip.octets.begin())) {
    return ip;
  }
  return {.octets = {ip.octets[12], ip.octets[13], ip.octets[14], ip.octets[15]}};
}

}  // namespace

std::string Address::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string Address::duple() const { return "('" + host + "', " + std::to_string(port) + ')'; }

std::ostream& operator<<(std::ostream& out, const Address& address) {
  return out << address.text();
}

std::optional<net::Ip> settleHost(std::string_view host) {
  if (host.empty()) return net::Ip{};
  if (host == "localhost") return net::Ip{.octets = {127, 0, 0, 1}};
  const auto ip = net::Ip::parse(host);
  return ip ? std::optional(unmapped(*ip)) : std::nullopt;
}

std::string normalizeHost(std::string_view host) {
  if (const auto ip = settleHost(host)) return ip->text();
  std::vector<net::Ip> found;
  const auto lookup = net::blockingResolver().lookup(std::string(host));
  if (const auto result = lookup->poll(found); !result.isDone()) {
    throw std::system_error(result.code(), "resolve '" + std::string(host) + "'");
  }
  const auto v4 = std::find_if(found.begin(), found.end(),
                               [](const net::Ip& ip) { return ip.family == net::Family::v4; });
  return (v4 != found.end() ? *v4 : found.front()).text();
}

std::uint16_t checkedPort(int port, std::string_view field) {
  if (port < 0 || port > 65535) {
    throw std::invalid_argument(std::string(field) + " is " + std::to_string(port) +
                                "; a port is from 0 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace hio::core
