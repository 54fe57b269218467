// A DNS server that a test drives by hand, over UDP and TCP, and a network that asks it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hio/net/net.hpp"
#include "net/dns/resolver.hpp"

namespace hio::test {

class NameServer {
 public:
  enum class Code : std::uint8_t { none = 0, serverFailure = 2, noSuchName = 3, refused = 5 };

  struct Answer {
    std::vector<net::Ip> ips{};
    Code code = Code::none;
    bool isSilent = false;
    bool junkFirst = false;
  };

  // On a free port of 127.0.0.1.
  NameServer();
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  // As a resolver wants to be told of it.
  std::string address() const;
  // Answers what has been asked; waits for nothing.
  void serve();

  std::map<std::string, Answer, std::less<>> names{};
  int overUdp = 0;  // questions
  int overTcp = 0;

 private:
  struct Caller {
    int fd;
    std::string asked{};
  };

  std::string reply(std::string_view question, bool isShort) const;
  const Answer& answerFor(std::string_view question) const;
  void serveUdp();
  void serveTcp();

  int udp_;
  int tcp_;
  std::uint16_t port_ = 0;
  std::vector<Caller> callers_;
};

// The machine's, but for its names.
class NamedNet final : public net::Net {
 public:
  explicit NamedNet(const NameServer& server) : resolver_(server.address()) {}

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override {
    return net::systemNet().open(peer, options);
  }
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override {
    return net::systemNet().listen(local, options);
  }
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return 1; }

 private:
  net::dns::DnsResolver resolver_;
};

}  // namespace hio::test
