// What a TlsContext holds, and what its streams keep of it.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "hio/net/tls.hpp"
#include "net/tls/handles.hpp"
#include "net/tls/sessions.hpp"
#include "net/tls/wire.hpp"

namespace hio::net::tls {

// A client's or a server's configuration.
struct Settings {
  TlsIdentity identity;
  TlsTrust trust;
  TlsProtocol protocol;
  bool server;
  bool certify;      // check the far side's certificate if there is one
  bool mustCertify;  // and there has to be one
  bool hostify;
  // Held while keyLog runs.
  std::shared_ptr<std::mutex> keyLogMutex = std::make_shared<std::mutex>();
};

// Everything that was loaded at one time. Streams share it, so a reload does not disturb them.
struct Loaded {
  std::shared_ptr<const Settings> settings;
  BioMethod method;
  std::string alpn;  // as TLS writes it
  Sessions sessions;
  SpareBlock spare;
  SslCtx context;
};

std::shared_ptr<Loaded> load(std::shared_ptr<const Settings> settings);

}  // namespace hio::net::tls

namespace hio::net {

class TlsContext::Impl {
 public:
  explicit Impl(tls::Settings settings);

  const tls::Settings& settings() const noexcept { return *settings_; }
  std::shared_ptr<tls::Loaded> loaded() const;
  void reload();

 private:
  std::shared_ptr<const tls::Settings> settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<tls::Loaded> loaded_;
};

}  // namespace hio::net
