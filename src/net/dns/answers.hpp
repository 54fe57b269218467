// What all kinds of lookups share.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "hio/net/net.hpp"
#include "net/posix/sockaddr.hpp"

namespace hio::net::dns {

// Else it is no question for a name server.
inline bool canBeName(std::string_view text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !text.empty() && std::none_of(text.begin(), text.end(), control);
}

// The addresses of a list of addrinfo, or of what is like it, once each.
template <class Node>
IoResult addressesOf(const Node* first, std::vector<Ip>& found) {
  const std::size_t before = found.size();
  for (const Node* each = first; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    posix::SockAddr address;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    const Ip ip = address.endpoint().ip;
    if (std::find(found.begin(), found.end(), ip) == found.end()) found.push_back(ip);
  }
  const std::size_t count = found.size() - before;
  return count > 0 ? IoResult::done(count) : IoResult::failed(ResolveError::noAddress);
}

}  // namespace hio::net::dns
