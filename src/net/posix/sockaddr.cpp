#include "net/posix/sockaddr.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace hio::net::posix {

SockAddr::SockAddr(const Endpoint& endpoint) noexcept {
  if (endpoint.ip.family == Family::v4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.ip.octets.data(), sizeof v4.sin_addr);
    std::memcpy(&storage, &v4, length = sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.ip.zone;
    std::memcpy(&v6.sin6_addr, endpoint.ip.octets.data(), sizeof v6.sin6_addr);
    std::memcpy(&storage, &v6, length = sizeof v6);
  }
}

Endpoint SockAddr::endpoint() const noexcept {
  Endpoint endpoint = exact();
  constexpr std::array<std::uint8_t, 12> Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  auto& ip = endpoint.ip;
  if (ip.family == Family::v6 && std::equal(Mapped.begin(), Mapped.end(), ip.octets.begin())) {
    Ip v4;
    std::copy_n(ip.octets.begin() + Mapped.size(), 4, v4.octets.begin());
    ip = v4;
  }
  return endpoint;
}

Endpoint SockAddr::exact() const noexcept {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    std::memcpy(endpoint.ip.octets.data(), &v4.sin_addr, sizeof v4.sin_addr);
    endpoint.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    endpoint.port = ntohs(v6.sin6_port);
    endpoint.ip.family = Family::v6;
    endpoint.ip.zone = v6.sin6_scope_id;
    std::memcpy(endpoint.ip.octets.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return endpoint;
}

}  // namespace hio::net::posix
