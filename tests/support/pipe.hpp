// Two streams that are each other's far side, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "hio/net/stream.hpp"

namespace hio::test {

// One direction of a pipe. A test may look at what is under way, change it, or end it.
struct Flow {
  std::string bytes{};                             // sent and not yet received
  bool fin = false;                                // no more will be sent
  std::error_code reset{};                         // set: receiving and sending fail so
  std::size_t capacity = std::size_t(256) * 1024;  // a sender is blocked when so many wait
  // The most that one call moves; a function, so that a test can draw it.
  std::function<std::size_t()> piece = [] { return std::string::npos; };
  std::uint64_t passed = 0;  // bytes ever sent
  std::size_t calls = 0;     // calls that moved bytes, both ends
  // Sees, and may change, each piece as it is sent, with its position in all that was.
  std::function<void(std::string& piece, std::uint64_t at)> tamper{};
};

// What lies between two ends; outlives the streams that share it.
struct Pipe {
  Flow forth{};  // from near to far
  Flow back{};
  net::Endpoint near{.ip = {.octets = {127, 0, 0, 1}}, .port = 1};
  net::Endpoint far{.ip = {.octets = {127, 0, 0, 1}}, .port = 2};

  struct Ends {
    std::unique_ptr<net::Stream> near;
    std::unique_ptr<net::Stream> far;
  };
  // Connected already. Both keep the pipe.
  static Ends ends(const std::shared_ptr<Pipe>& pipe);
};

// In what pieces bytes go through a pipe.
enum class Pieces : std::uint8_t { whole, random, single };
std::string_view nameOf(Pieces pieces);
// Sets both directions up so.
void cut(Pipe& pipe, Pieces pieces, std::uint64_t seed);

}  // namespace hio::test
