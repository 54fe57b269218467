// A network of pipes: whoever opens a stream is connected at once, to whoever takes its far end.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "hio/net/net.hpp"
#include "support/pipe.hpp"

namespace hio::test {

class PipeNet final : public net::Net {
 public:
  struct Line {
    std::shared_ptr<Pipe> pipe;
    std::unique_ptr<net::Stream> far;  // null once it was taken or accepted
  };

  // In the order of opening; a line stays where it is.
  std::deque<Line> lines{};
  // What each new pipe is made like.
  Pieces pieces = Pieces::whole;

  // The far end of the oldest line that has it still.
  std::unique_ptr<net::Stream> takeFarEnd();

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  // Accepts the far ends of all lines, wherever they were meant to lead.
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  // Finds 127.0.0.1 for every name.
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return 42; }

 private:
  class Everywhere final : public net::Resolver {
   public:
    std::unique_ptr<net::Lookup> lookup(std::string name) override;
  };

  Everywhere resolver_;
};

}  // namespace hio::test
