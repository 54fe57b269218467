// Names through the system's resolver.
#pragma once

#include "hio/net/net.hpp"

namespace hio::net::posix {

// Its lookups block inside poll() for names that are not numbers: getaddrinfo can take seconds.
class SystemResolver final : public Resolver {
 public:
  std::unique_ptr<Lookup> lookup(std::string name) override;
};

}  // namespace hio::net::posix
