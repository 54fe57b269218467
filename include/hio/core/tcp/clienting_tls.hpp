// hio.core.tcp.clienting: the client over TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hio/core/tcp/clienting.hpp"
#include "hio/export.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {

using net::Certify;
using net::Hostify;
using net::TlsVersion;

// How a ClientTls verifies and is verified (L1). What is not here is an option of net::TlsContext.
struct TlsOptions {
  // Shared, reusable settings. Then all that follows but certedhost has to be left out: one place
  // says what is trusted. Empty: a context is made of the rest.
  std::shared_ptr<net::TlsContext> context{};
  std::optional<TlsVersion> version{};  // exactly this one; empty: TLS 1.2 and up
  std::optional<Certify> certify{};     // empty: required
  std::optional<Hostify> hostify{};     // empty: on
  // The name that the server is asked for and that its certificate must be made for; empty: the
  // host as given, or the peer's number when there is none (L7).
  std::string certedhost{};
  // This side's key and certificate; certpath alone where it holds both.
  std::string keypath{};
  std::string certpath{};
  // The only certificates to trust; empty: the system's.
  std::string cafilepath{};
};

// A Client over TLS. connected() is true once the handshake is done and the far side's certificate
// and name have been checked twice; before, not a byte of the application moves. A certificate or
// name that is refused stops the client until it is opened anew; one that is reconnectable tries
// again at the slowest pace, as the server or the clock may be mended.
class HIO_EXPORT ClientTls : public Client {
 public:
  // Throws as Client does; std::invalid_argument also for options that contradict each other and
  // for a name that no certificate can be checked against, std::system_error for files that cannot
  // be used.
  explicit ClientTls(ClientOptions options = {}, TlsOptions tls = {});

  const std::string& certedhost() const noexcept { return certedhost_; }
  const std::shared_ptr<net::TlsContext>& context() const noexcept { return context_; }

  // Puts the accepted connection under TLS; sends nothing yet. Nothing when that is done already.
  // Throws std::logic_error without a connection (L9).
  void wrap();
  // One step of the handshake, wrapping first; true when connected. Throws std::system_error when
  // it failed, with the reason of failure(); not wound, the client is then closed (L10, L21).
  bool handshake();
  // accept(), then handshake() (L11).
  bool connect() override;

  // Version, cipher, protocol and the server's certificates; empty when not connected.
  net::TlsInfo tlsInfo() const { return net::tlsInfoOf(stream()); }

 protected:
  bool handshakes() const noexcept override { return true; }
  std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) override;

 private:
  std::shared_ptr<net::TlsContext> context_;
  std::string certedhost_;
};

}  // namespace hio::core::tcp
