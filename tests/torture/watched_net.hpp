// A network that passes everything on and keeps count of what is open. What it takes from below
// costs no memory that a test lets fail: only the library's own allocations do.
#pragma once

#include <memory>

#include "hio/net/net.hpp"

namespace hio::torture {

class WatchedNet final : public net::Net {
 public:
  explicit WatchedNet(net::Net& below) : below_(below) {}

  struct Count {
    int open = 0;         // streams, listeners and lookups that were not destroyed
    int streams = 0;      // of these, streams
    bool failed = false;  // the stream that connected or was accepted last has told an error
    std::uint64_t opens = 0;
  };
  const Count& count() const { return *count_; }

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return below_.seed(); }

 private:
  class WatchedResolver final : public net::Resolver {
   public:
    explicit WatchedResolver(WatchedNet& net) : net_(net) {}
    std::unique_ptr<net::Lookup> lookup(std::string name) override;

   private:
    WatchedNet& net_;
  };

  net::Net& below_;
  std::shared_ptr<Count> count_ = std::make_shared<Count>();
  WatchedResolver resolver_{*this};
};

}  // namespace hio::torture
