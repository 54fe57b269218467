#include "hio/net/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>

#include "net/posix/sockaddr.hpp"

namespace hio::net {
namespace {

// inet_ntop goes by way of printf.
std::string dotted(std::span<const std::uint8_t, 16> octets) {
  std::array<char, INET_ADDRSTRLEN> text{};
  char* end = text.data();
  for (const std::uint8_t octet : octets.first<4>()) {
    if (end != text.data()) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), octet).ptr;
  }
  return {text.data(), end};
}

// Of the local link, where getaddrinfo() knows an interface by its name; elsewhere by its number.
bool isOfLink(const Ip& ip) noexcept {
  const bool unicast = ip.octets[0] == 0xfe && (ip.octets[1] & 0xc0U) == 0x80;
  const bool multicast = ip.octets[0] == 0xff && (ip.octets[1] & 0x0fU) == 0x02;
  return unicast || multicast;
}

}  // namespace

std::optional<Ip> Ip::parse(std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Ip ip;
  if (inet_pton(AF_INET, terminated.c_str(), ip.octets.data()) == 1) return ip;
  // All other ways to write one.
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(terminated.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  posix::SockAddr address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  return address.exact().ip;
}

std::string Ip::text() const {
  if (family == Family::v4) return dotted(octets);
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(AF_INET6, octets.data(), buffer.data(), buffer.size());
  std::string text = buffer.data();
  if (zone != 0) {
    std::array<char, IF_NAMESIZE> name{};
    const bool known = isOfLink(*this) && if_indextoname(zone, name.data()) != nullptr;
    text += '%' + (known ? std::string(name.data()) : std::to_string(zone));
  }
  return text;
}

bool Ip::isAny() const noexcept {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace hio::net
