// A TLS end made of OpenSSL alone, for peers that do what hio's own ends never do.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hio/net/stream.hpp"
#include "hio/net/tls.hpp"

namespace hio::test {

class RawTls {
 public:
  enum class Side : std::uint8_t { server, client };

  // A server with the test certificates, or a client that believes everything, of this one version.
  // With a context of another one, of its settings, which is shared with it.
  RawTls(std::unique_ptr<net::Stream> lower, Side side, net::TlsVersion version,
         SSL_CTX* shared = nullptr);
  ~RawTls();
  RawTls(const RawTls&) = delete;
  RawTls& operator=(const RawTls&) = delete;

  SSL* ssl() noexcept { return ssl_; }
  SSL_CTX* context() noexcept { return context_; }
  net::Stream& lower() noexcept { return *lower_; }
  // Closes the way below, as when the process ends.
  void drop() { lower_.reset(); }

  // One step: passes on what is there, both ways, and gives what has been received. The handshake
  // goes first.
  std::string turn();
  // The handshake is done.
  bool shaken() const { return SSL_is_init_finished(ssl_) == 1; }
  // Encrypts and passes on; fails the test when OpenSSL does not take it all.
  void send(std::string_view text);
  // Passes on what OpenSSL has written, as far as there is room.
  void flush();
  // The far side has ended cleanly.
  bool ended() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  // OpenSSL's code of the last failure, 0 for none.
  int reason() const noexcept { return reason_; }

 private:
  void fill();
  void look(int result);

  std::unique_ptr<net::Stream> lower_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string unsent_;
  int reason_ = 0;
};

}  // namespace hio::test
