// Whether the far side is who it should be.
#pragma once

#include <string>
#include <vector>

#include "net/tls/context.hpp"

namespace hio::net::tls {

// Throws std::invalid_argument for what is no base64 of a SHA-256.
void checkPins(const std::vector<std::string>& pins);
// Flags for the building of chains.
unsigned long chainFlags(const TlsTrust& trust) noexcept;

// Judges one connection's certificates: OpenSSL builds and checks the chain during the handshake,
// and afterwards all that matters is asked for again, because a failed allocation can make OpenSSL
// forget what it was to check.
class Verifier {
 public:
  // `name` as tlsName() gives it; empty when it is not to be checked.
  Verifier(const Settings& settings, std::string name) noexcept
      : settings_(settings), name_(std::move(name)) {}

  // Tells OpenSSL what to check; false when there is no memory.
  bool prepare(SSL* ssl) const noexcept;
  // Asked by OpenSSL for each certificate of the chain, with its own verdict.
  bool judge(bool well, X509_STORE_CTX* chain) noexcept;
  // Once the handshake is done: why the far side must be refused all the same, or no error.
  std::error_code refusal(SSL* ssl) noexcept;

  // The verdict that judge() or refusal() gave, 0 for none, and what it was about.
  int verdict() const noexcept { return verdict_; }
  const std::string& why() const noexcept { return why_; }

 private:
  bool nameExcluded(X509_STORE_CTX* chain) const noexcept;
  int nameVerdict(X509* certificate) const noexcept;
  unsigned int nameFlags() const noexcept;
  void note(int verdict, const X509* certificate, int depth) noexcept;

  const Settings& settings_;
  std::string name_;
  std::string why_;
  int verdict_ = 0;
};

}  // namespace hio::net::tls
