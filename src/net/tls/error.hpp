// What OpenSSL's error queue says.
#pragma once

#include <string>
#include <system_error>

namespace hio::net::tls {

struct Trouble {
  std::error_code code;
  std::string text;  // OpenSSL's own words; may be empty
};

// The oldest error in this thread's queue, which is then empty; `otherwise` when there is none. A
// lack of memory anywhere in the queue goes first.
Trouble takeTrouble(std::error_code otherwise) noexcept;

// Throws std::system_error with `what` and what the queue says.
[[noreturn]] void raiseTrouble(const std::string& what, std::error_code otherwise);

}  // namespace hio::net::tls
