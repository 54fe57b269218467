// The one table of what follows a failure.
#pragma once

#include <cstdint>
#include <string_view>

#include "hio/core/tcp/failure.hpp"

namespace hio::core::tcp {

// What kind of failure it was, as far as it matters for what follows.
enum class Reason : std::uint8_t {
  ownFault,     // only this side can mend it: a name that cannot exist, options
  shortage,     // no socket, or no memory, to be had
  certificate,  // the far side's certificate, name or pin was refused
  hopeless,     // the far side refuses, or does not speak TLS: nothing is going to change soon
  passing,      // everything else
};
inline constexpr std::size_t Reasons = 5;
std::string_view nameOf(Reason reason) noexcept;
Reason reasonOf(Stage stage, const std::error_code& code) noexcept;

enum class Next : std::uint8_t {
  atOnce,  // the next service call makes an attempt
  pause,   // after a pause that grows, see RetryOptions
  slowly,  // after a pause of the longest kind
  stay,    // nothing: the client stays cut off
  stop,    // nothing before open(), reopen() or connect()
};
std::string_view nameOf(Next next) noexcept;

// What a client does after a failure: `wound` says whether it has a time to pause on. A failure of
// receive or send ends a connection that stood.
Next nextAfter(Stage stage, Reason reason, bool reconnectable, bool wound) noexcept;

}  // namespace hio::core::tcp
