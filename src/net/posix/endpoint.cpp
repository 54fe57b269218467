#include "hio/net/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "net/posix/sockaddr.hpp"

namespace hio::net {

std::optional<Ip> Ip::parse(std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(std::string(text).c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  posix::SockAddr address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  return address.endpoint().ip;
}

std::string Ip::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, octets.data(), buffer.data(), buffer.size());
  std::string text = buffer.data();
  if (zone != 0) {
    std::array<char, IF_NAMESIZE> name{};
    const bool known = if_indextoname(zone, name.data()) != nullptr;
    text += '%' + (known ? std::string(name.data()) : std::to_string(zone));
  }
  return text;
}

bool Ip::isAny() const noexcept {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace hio::net
