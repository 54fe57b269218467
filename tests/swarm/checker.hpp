// What must hold of a client and a server after every step, whatever the network did.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "hio/core/tcp.hpp"
#include "swarm/tap.hpp"

namespace hio::swarm {

// An invariant that does not hold; what() says which.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Checker {
 public:
  Checker(core::tcp::Client& client, const core::tcp::ClientOptions& options, Tap& near, Tap& far)
      : client_(client), options_(options), near_(near), far_(far) {}

  // The bytes that the client is to send next: every position has its own, so that what is lost,
  // repeated or out of order shows.
  std::string fresh(std::size_t count) const;
  // tx() took that many of them.
  void given(std::size_t count) noexcept { given_ += count; }
  // Both throw Violation; the second one is for the moment after a service() of the client.
  void check();
  void checkServiced();
  // The wire log, at the end.
  void checkLog(const core::WireLog& log) const;

 private:
  void require(bool holds, const std::string& what) const;
  void checkSent();
  void checkReceived();
  void checkTraffic() const;
  void checkPhase() const;
  void checkFailure();
  void checkCut(bool isReading);
  void checkTime() const;
  void checkEnds();
  void compare(Wire& from, Wire& to, const std::string& what) const;

  core::tcp::Client& client_;
  const core::tcp::ClientOptions& options_;
  Tap& near_;
  Tap& far_;
  std::uint64_t given_ = 0;
  std::uint64_t front_ = 0;  // the position of txbs' first byte, as of the last check
  std::size_t moves_ = 0;    // of the near tap, seen so far
  std::uint64_t received_ = 0;
  bool wasCutoff_ = false;
  int overFor_ = 0;  // services
  struct {
    std::uint64_t epoch = 0;
    core::tcp::Stage stage{};
  } first_;  // failure of that epoch
};

}  // namespace hio::swarm
