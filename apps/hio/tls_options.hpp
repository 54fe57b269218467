// TLS as a command line asks for it: the one place for every command that connects or listens.
#pragma once

#include <memory>
#include <string>

#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/core/tcp/serving_tls.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace hio::tool {

// Empty: not given.
struct TlsSettings {
  bool on = false;
  std::string ca{};
  std::string cert{};
  std::string key{};
  std::string alpn{};        // separated by commas
  std::string version{};     // 1.2 or 1.3
  std::string servername{};  // from here on: of clients
  std::string keylog{};
  bool insecure = false;
  std::string writeCa{};  // of servers
};

// --tls and all that goes with it.
void addTlsClientOptions(CLI::App& command, TlsSettings& settings);
void addTlsServerOptions(CLI::App& command, TlsSettings& settings);
// For a command that always speaks TLS.
void addProbeOptions(CLI::App& command, TlsSettings& settings);

// What a client checks of the server: all; the certificates' chain but not the name; nothing.
enum class Checks { all, chain, none };

// Throw Problem for options and files that cannot be used.
std::shared_ptr<net::TlsContext> clientContext(const TlsSettings& settings, Checks checks);
// Without a certificate, makes one for this machine and `host`, and writes its CA's.
std::shared_ptr<net::TlsContext> serverContext(const TlsSettings& settings,
                                               const std::string& host);

// Over TLS when the settings say so, over TCP otherwise. A client's warns of options that give
// protection away.
std::unique_ptr<core::tcp::Client> makeClient(core::tcp::ClientOptions options,
                                              const TlsSettings& settings);
std::unique_ptr<core::tcp::Server> makeServer(core::tcp::ServerOptions options,
                                              const TlsSettings& settings);

// What TLS has settled on the connection; empty without TLS.
net::TlsInfo tlsInfoOf(const core::tcp::Client& client);
net::TlsInfo tlsInfoOf(const core::tcp::Remoter& remoter);
// `TLSv1.3, TLS_AES_256_GCM_SHA384, CN=localhost`: version, cipher, protocol, subject, resumption.
std::string settledText(const net::TlsInfo& info);

}  // namespace hio::tool
