#include "net/posix/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "net/posix/descriptor.hpp"
#include "net/posix/sockaddr.hpp"

namespace hio::net::posix {
namespace {

std::error_code errorOf(int gai) noexcept {
  switch (gai) {
    case EAI_NONAME:
      return ResolveError::notFound;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return ResolveError::noAddress;
    case EAI_AGAIN:
      return ResolveError::tryAgain;
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    case EAI_SYSTEM:
      return lastError();
    default:
      return ResolveError::refused;
  }
}

class SystemLookup final : public Lookup {
 public:
  explicit SystemLookup(std::string name) : name_(std::move(name)) {}

  IoResult poll(std::vector<Ip>& found) override {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (name_.empty() || std::any_of(name_.begin(), name_.end(), control)) {
      return IoResult::failed(ResolveError::badName);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const int gai = getaddrinfo(name_.c_str(), nullptr, &hints, &first);
    if (gai != 0) return IoResult::failed(errorOf(gai));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(first, freeaddrinfo);
    const std::size_t before = found.size();
    for (const addrinfo* each = first; each != nullptr; each = each->ai_next) {
      if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
      SockAddr address;
      std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
      const Ip ip = address.endpoint().ip;
      if (std::find(found.begin(), found.end(), ip) == found.end()) found.push_back(ip);
    }
    const std::size_t count = found.size() - before;
    return count > 0 ? IoResult::done(count) : IoResult::failed(ResolveError::noAddress);
  }

 private:
  std::string name_;
};

}  // namespace

std::unique_ptr<Lookup> SystemResolver::lookup(std::string name) {
  return std::make_unique<SystemLookup>(std::move(name));
}

}  // namespace hio::net::posix
