// A network of pipes: whoever listens is connected to at once.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "hio/net/net.hpp"
#include "support/pipe.hpp"

namespace hio::test {

class PipeNet final : public net::Net {
 public:
  // The n-th connection that was opened, from 0.
  Pipe& pipe(std::size_t n) { return *pipes_.at(n); }
  std::size_t opened() const { return pipes_.size(); }
  // The far end of the next connection that nobody has accepted.
  std::unique_ptr<net::Stream> takeFarEnd();

  net::Made<net::Stream> open(const net::Endpoint& peer,
                              const net::StreamOptions& options) override;
  net::Made<net::Listener> listen(const net::Endpoint& local,
                                  const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return 42; }

 private:
  // Every name is this machine's.
  struct HereResolver final : net::Resolver {
    std::unique_ptr<net::Lookup> lookup(std::string name) override;
  };

  std::vector<std::shared_ptr<Pipe>> pipes_;
  std::shared_ptr<std::deque<std::unique_ptr<net::Stream>>> waiting_ =
      std::make_shared<std::deque<std::unique_ptr<net::Stream>>>();
  HereResolver resolver_;
};

}  // namespace hio::test
