// Names through c-ares.
#pragma once

#include <string>

#include "hio/net/net.hpp"

namespace hio::net::dns {

// Asks the hosts file and the name servers, as resolv.conf says at the time of each lookup, and
// never waits for them. All threads may use it; a lookup belongs to one.
class DnsResolver final : public Resolver {
 public:
  // `servers` are asked in place of those of resolv.conf: "127.0.0.1:5353,[::1]:53".
  explicit DnsResolver(std::string servers = {});

  std::unique_ptr<Lookup> lookup(std::string name) override;

 private:
  std::string servers_;
};

}  // namespace hio::net::dns
