// What happens in a world, told as it happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "hio/base/tyming.hpp"
#include "hio/net/endpoint.hpp"
#include "hio/sim/export.hpp"

namespace hio::sim {

struct Event {
  // Calls that came to something (blocked ones are no events), then what became of packets that
  // were not simply delivered.
  enum class Kind : std::uint8_t {
    opened,     // a stream was made; `far` is its target
    listening,  // `near` is where
    connecting,
    connected,
    accepted,
    sent,      // `bytes` were taken from the program
    received,  // `bytes` were given to the program
    ended,
    shut,
    closed,
    failed,  // `code` tells why
    asked,   // a name was looked up
    answered,
    dropped,
    held,
    refused,
    reset,  // a reset arrived
    resent,
  };

  base::Tyme tyme{0};  // of the world's Tymist
  Kind kind{};
  std::string_view host{};   // lives as long as the world
  std::uint64_t stream = 0;  // the number of the stream on its host's side; 0: none
  net::Endpoint near{};
  net::Endpoint far{};
  std::size_t bytes = 0;
  std::uint64_t digest = 0;  // of those bytes; 0 where none were moved
  std::error_code code{};

  // One line of a timeline.
  HIO_SIM_EXPORT std::string text() const;
};
HIO_SIM_EXPORT std::string_view nameOf(Event::Kind kind) noexcept;

// The same for the same bytes everywhere; not for secrets.
HIO_SIM_EXPORT std::uint64_t digestOf(std::span<const std::byte> bytes,
                                      std::uint64_t seed = 0) noexcept;

}  // namespace hio::sim
