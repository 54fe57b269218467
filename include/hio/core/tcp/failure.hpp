// Why a client is not connected, a remoter was cut off or a server does not listen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "hio/core/coring.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

// What was being done when it failed.
enum class Stage : std::uint8_t {
  resolve,
  open,
  connect,
  handshake,
  use,  // the program said that the connection is of no use: Client::reject()
  receive,
  send,
  listen,
  accept
};
HIO_EXPORT std::string_view nameOf(Stage stage) noexcept;

class HIO_EXPORT Failure {
 public:
  // One address that was tried, and what became of it.
  struct Try {
    Address address;
    std::error_code code;
  };

  Failure(Stage stage, Address address, std::error_code code, std::string detail = {})
      : stage_(stage),
        address_(std::move(address)),
        code_(code.category() == std::generic_category()
                  ? std::error_code(code.value(), std::system_category())
                  : code),
        detail_(std::move(detail)) {}

  Stage stage() const noexcept { return stage_; }
  // The far address; the own one for listen and accept.
  const Address& address() const noexcept { return address_; }
  // Category "system", "hio.resolve", "hio.tls", or the program's own (Client::reject()).
  const std::error_code& code() const noexcept { return code_; }
  // What the code does not tell; may be empty.
  const std::string& detail() const noexcept { return detail_; }
  // Which failed attempt in a row this was, from 1; 0 where attempts are not counted.
  std::uint64_t attempt() const noexcept { return attempt_; }
  // Each address's failure, when a name had several.
  const std::vector<Try>& tries() const noexcept { return tries_; }

  // One line: what was being done, to which address, why it failed and what to do about it.
  std::string message() const;

 private:
  friend class Client;

  Stage stage_;
  Address address_;
  std::error_code code_;
  std::string detail_;
  std::uint64_t attempt_ = 0;
  std::vector<Try> tries_{};
};

}  // namespace hio::core::tcp
