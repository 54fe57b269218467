#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "net/dns/answers.hpp"
#include "net/posix/descriptor.hpp"

namespace hio::net {
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
      return posix::lastError();
    default:
      return ResolveError::refused;
  }
}

class BlockingLookup final : public Lookup {
 public:
  explicit BlockingLookup(std::string name) : name_(std::move(name)) {}

  IoResult poll(std::vector<Ip>& found) override {
    if (!dns::canBeName(name_)) return IoResult::failed(ResolveError::badName);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    const int gai = getaddrinfo(name_.c_str(), nullptr, &hints, &first);
    if (gai != 0) return IoResult::failed(errorOf(gai));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(first, freeaddrinfo);
    return dns::addressesOf(first, found);
  }

 private:
  std::string name_;
};

class BlockingResolver final : public Resolver {
 public:
  std::unique_ptr<Lookup> lookup(std::string name) override {
    return std::make_unique<BlockingLookup>(std::move(name));
  }
};

}  // namespace

Resolver& blockingResolver() noexcept {
  static BlockingResolver resolver;
  return resolver;
}

}  // namespace hio::net
