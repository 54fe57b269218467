// What must hold of a client and a server after every step, whatever the network did.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "hio/core/tcp.hpp"
#include "swarm/tap.hpp"

namespace hio::swarm {

// An invariant that does not hold; what() says which.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Checker {
 public:
  // What the programs moved is in near and far; `streams` are those that the client opened, which
  // is near itself without TLS.
  Checker(core::tcp::Client& client, const core::tcp::ClientOptions& options, const Notes& near,
          const Notes& far, const Notes& streams)
      : client_(client), options_(options), near_(near), far_(far), streams_(streams) {}

  // The bytes that the client is to send next: every position has its own, so that what is lost,
  // repeated or out of order shows.
  std::string fresh(std::size_t count) const;
  // tx() took that many of them.
  void given(std::size_t count) noexcept { given_ += count; }
  // Both throw Violation; the second one is for the moment after a service() of the client.
  void check();
  void checkServiced();
  // What the other side has for that end of a connection; null: nothing.
  static Wire* peerOf(const Notes& others, const Wire& wire);
  // All that these streams have sent is framed as TLS.
  void checkFramed(const Notes& notes) const;
  // The wire log, at the end.
  void checkLog(const core::WireLog& log) const;

 private:
  // The parts, texts and numbers, say what does not hold.
  template <class... Parts>
  void require(bool holds, const Parts&... parts) const {
    if (!holds) fail((textOf(parts) + ...));
  }
  static std::string textOf(std::string_view text) { return std::string(text); }
  static std::string textOf(std::uint64_t number) { return std::to_string(number); }
  [[noreturn]] void fail(const std::string& what) const;
  void checkSent();
  void checkReceived();
  void checkTraffic() const;
  void checkPhase() const;
  void checkFailure();
  bool hasStarved() const;
  void checkCut(bool isReading);
  void checkTime() const;
  void checkEnds();
  void checkEnd(const Wire& ended, const Wire* other, std::string_view who) const;
  void compare(Wire& from, Wire& to, std::string_view who) const;

  core::tcp::Client& client_;
  const core::tcp::ClientOptions& options_;
  const Notes& near_;
  const Notes& far_;
  const Notes& streams_;
  std::uint64_t given_ = 0;
  std::uint64_t accepted_ = 0;     // position up to which streams took what was given
  const Wire* sending_ = nullptr;  // the stream that took it
  std::size_t moves_ = 0;          // of the near tap, seen so far
  std::uint64_t received_ = 0;
  bool wasCutoff_ = false;
  int overFor_ = 0;  // services
  struct {
    std::uint64_t epoch = 0;
    core::tcp::Stage stage{};
  } first_;  // failure of that epoch
};

}  // namespace hio::swarm
