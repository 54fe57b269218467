// Between an Endpoint and what the kernel calls an address.
#pragma once

#include <sys/socket.h>

#include "hio/net/endpoint.hpp"

namespace hio::net::posix {

struct SockAddr {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  SockAddr() noexcept = default;
  explicit SockAddr(const Endpoint& endpoint) noexcept;

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  // All zero when it is neither IPv4 nor IPv6. An IPv4 address within IPv6 (::ffff:a.b.c.d), as a
  // socket that listens on "::" has them, becomes an IPv4 one.
  Endpoint endpoint() const noexcept;
  // The same as the kernel has it.
  Endpoint exact() const noexcept;
};

}  // namespace hio::net::posix
