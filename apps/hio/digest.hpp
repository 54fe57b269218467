// SHA-256 of bytes that come in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace hio::tool {

class Sha256 {
 public:
  // Throws std::runtime_error when the machine's OpenSSL has no SHA-256.
  Sha256();
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  // Of all bytes so far, in hexadecimal; more may follow.
  std::string hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace hio::tool
