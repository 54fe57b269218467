// A network in which each call comes to what a fuzzer's input says; once that is used up, all goes
// well. It keeps the rules of hio/net, whatever the input.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "fuzz/input.hpp"
#include "hio/net/net.hpp"

namespace hio::fuzz {

class ChanceNet final : public net::Net {
 public:
  // A name has from 1 to `most` addresses.
  explicit ChanceNet(Input& input, std::size_t most = 8) : input_(input), most_(most) {}

  // A stream that was opened or accepted, or could not be.
  struct Opened {
    net::Endpoint target{};
    bool open = false;
    bool connected = false;
    std::error_code error{};  // the first one
  };
  // What a lookup came to.
  struct Answer {
    std::string name;
    std::vector<net::Ip> ips{};
    std::error_code code{};
    std::size_t openedBefore = 0;  // how many of opened() were there already
  };

  // In order.
  const std::vector<std::shared_ptr<Opened>>& opened() const { return opened_; }
  const std::vector<Answer>& answers() const { return answers_; }
  std::size_t openNow() const;

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return 42; }

 private:
  class ChanceStream;
  class ChanceListener;
  class ChanceLookup;
  class ChanceResolver final : public net::Resolver {
   public:
    explicit ChanceResolver(ChanceNet& net) : net_(net) {}
    std::unique_ptr<net::Lookup> lookup(std::string name) override;

   private:
    ChanceNet& net_;
  };
  std::error_code drawError();

  Input& input_;
  std::size_t most_;
  ChanceResolver resolver_{*this};
  std::vector<std::shared_ptr<Opened>> opened_;
  std::vector<Answer> answers_;
  std::uint16_t port_ = 40'000;
};

}  // namespace hio::fuzz
