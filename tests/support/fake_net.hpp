// A network made of scripts: what each call gives is written by the test, nothing else happens.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hio/net/net.hpp"

namespace hio::test {

inline std::error_code sys(std::errc error) {
  return {static_cast<int>(error), std::system_category()};
}
inline net::IoResult lost(std::errc error) { return net::IoResult::lost(sys(error)); }
inline net::IoResult failed(std::errc error) { return net::IoResult::failed(sys(error)); }
inline net::IoResult blockedOnRead() { return net::IoResult::blocked(net::IoResult::On::read); }
inline net::IoResult blockedOnWrite() { return net::IoResult::blocked(net::IoResult::On::write); }

// One stream: first its script, then what was done to it. Lives as long as the FakeNet.
struct Wire {
  // What connect() gives, one after the other, then done.
  std::deque<net::IoResult> connects{};
  // What receive() gives: bytes (in as many calls as it takes) or a result; then blocked.
  std::deque<std::variant<std::string, net::IoResult>> receives{};
  // What send() gives; done(n) takes at most n bytes. Then it takes everything.
  std::deque<net::IoResult> sends{};
  net::Endpoint local{.ip = {.octets = {127, 0, 0, 1}}, .port = 40000};
  net::BufferSizes buffers{.send = 16384, .receive = 131072};

  net::Endpoint target{};
  bool open = false;
  int connectCalls = 0;
  int receiveCalls = 0;
  int sendCalls = 0;
  std::string sent{};
  std::vector<net::Direction> shutdowns{};
};

class FakeNet final : public net::Net {
 public:
  FakeNet() = default;
  // Fails the test when a stream or listener is still open or an open() was scripted and not used.
  ~FakeNet() override;

  // The script of the next stream not yet scripted; streams without one connect and idle.
  Wire& next();
  // The n-th stream that was opened, from 0.
  Wire& wire(std::size_t n) { return *opened_.at(n); }
  std::size_t openedCount() const { return opened_.size(); }
  int openNow() const;
  // The next open() fails so.
  void failOpen(std::errc error) { openErrors_.emplace_back(sys(error)); }
  // The next open() succeeds, whatever is scripted after it.
  void passOpen() { openErrors_.emplace_back(); }

  struct Name {
    std::vector<net::Ip> ips{};
    std::error_code code{};
    int blockedPolls = 0;
  };
  std::map<std::string, Name> names{};
  int lookups = 0;

  // What accept() gives: an errno, or a stream from this far address with this script.
  struct Knock {
    net::Endpoint peer{};
    std::shared_ptr<Wire> wire{};
    std::error_code code{};
  };
  std::deque<Knock> knocks{};
  Wire& knock(std::uint16_t port);
  std::error_code listenError{};

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  net::Resolver& resolver() override { return resolver_; }
  std::uint64_t seed() override { return 42; }

  net::StreamOptions lastOptions{};
  int listenersOpen = 0;

 private:
  class FakeResolver final : public net::Resolver {
   public:
    explicit FakeResolver(FakeNet& fake) : fake_(fake) {}
    std::unique_ptr<net::Lookup> lookup(std::string name) override;

   private:
    FakeNet& fake_;
  };

  std::deque<std::shared_ptr<Wire>> prepared_;
  std::vector<std::shared_ptr<Wire>> opened_;
  std::deque<std::error_code> openErrors_;
  FakeResolver resolver_{*this};
  std::uint16_t nextPort_ = 50000;
};

}  // namespace hio::test
