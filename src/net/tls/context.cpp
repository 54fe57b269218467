#include "net/tls/context.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "net/tls/credentials.hpp"
#include "net/tls/error.hpp"
#include "net/tls/stream.hpp"
#include "net/tls/verify.hpp"
#include "net/tls/wire.hpp"

namespace hio::net::tls {
namespace {

constexpr const char* Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr int MostChain = 32;  // certificates between the far side's and a root

void need(bool well, const std::string& what) {
  if (!well) raiseTrouble(what, make_error_code(std::errc::invalid_argument));
}

int numberOf(TlsVersion version, std::string_view field) {
  switch (version) {
    case TlsVersion::tls12:
      return TLS1_2_VERSION;
    case TlsVersion::tls13:
      return TLS1_3_VERSION;
  }
  throw std::invalid_argument(std::string(field) + " is no version of TLS that is known here");
}

std::string alpnWire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      throw std::invalid_argument("protocol.alpn has a name of " + std::to_string(protocol.size()) +
                                  " bytes; a name has 1 to 255");
    }
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

const unsigned char* unsignedBytes(const std::string& text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Loaded& loadedOf(const SSL* ssl) noexcept {
  return *static_cast<Loaded*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

void writeKeyLog(const SSL* ssl, const char* line) noexcept {
  const Settings& settings = *loadedOf(ssl).settings;
  try {
    const std::lock_guard lock(*settings.keyLogMutex);
    settings.protocol.keyLog(line);
  } catch (...) {
    // A log that fails must not touch the connection.
  }
}

int chooseAlpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
               const unsigned char* offered, unsigned int length, void*) noexcept {
  const std::string& ours = loadedOf(ssl).alpn;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, unsignedBytes(ours),
                            static_cast<unsigned int>(ours.size()), offered,
                            length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void setProtocol(Loaded& loaded) {
  SSL_CTX* const context = loaded.context.get();
  const TlsProtocol& protocol = loaded.settings->protocol;
  const int least = numberOf(protocol.minVersion, "protocol.minVersion");
  const int most = numberOf(protocol.maxVersion, "protocol.maxVersion");
  if (least > most) {
    throw std::invalid_argument("protocol.minVersion is a later version than protocol.maxVersion");
  }
  need(SSL_CTX_set_min_proto_version(context, least) == 1 &&
           SSL_CTX_set_max_proto_version(context, most) == 1,
       "set the versions of TLS");
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                     SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const std::string ciphers = protocol.ciphers.empty() ? Ciphers : protocol.ciphers;
  need(SSL_CTX_set_cipher_list(context, ciphers.c_str()) == 1,
       "protocol.ciphers is '" + protocol.ciphers + '\'');
  loaded.alpn = alpnWire(protocol.alpn);
  if (loaded.settings->server) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (!loaded.alpn.empty()) SSL_CTX_set_alpn_select_cb(context, chooseAlpn, nullptr);
  } else {
    // This call, unlike the others, gives 0 when it went well.
    need(SSL_CTX_set_alpn_protos(context, unsignedBytes(loaded.alpn),
                                 static_cast<unsigned int>(loaded.alpn.size())) == 0,
         "set the application protocols");
  }
  if (protocol.keyLog) SSL_CTX_set_keylog_callback(context, writeKeyLog);
}

void setSessions(Loaded& loaded) {
  SSL_CTX* const context = loaded.context.get();
  if (!loaded.settings->protocol.resume) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    need(SSL_CTX_set_num_tickets(context, 0) == 1, "turn session tickets off");
  } else if (loaded.settings->server) {
    // The tickets hold the sessions; the server keeps none.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    constexpr unsigned char Id[] = "hio";
    need(SSL_CTX_set_session_id_context(context, Id, sizeof Id) == 1 &&
             SSL_CTX_set_num_tickets(context, 1) == 1,
         "set up session tickets");
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keepSession);
  }
}

// OpenSSL reads up to a NUL, and the message about a bad list shows it.
void checkCiphers(std::string_view ciphers) {
  const auto strange = [](unsigned char c) { return c < 0x20 || c >= 0x7f; };
  if (std::none_of(ciphers.begin(), ciphers.end(), strange)) return;
  throw std::invalid_argument("protocol.ciphers has a character that no cipher's name has");
}

void check(const Settings& settings) {
  if (settings.server) {
    if (settings.identity.certificate.empty()) {
      throw std::invalid_argument("a TLS server needs identity.certificate");
    }
    if (settings.certify && settings.trust.ca.empty()) {
      throw std::invalid_argument(
          "a server that asks clients for certificates needs trust.ca: whose to believe");
    }
  } else if (settings.hostify && !settings.certify) {
    throw std::invalid_argument(
        "a name cannot be checked without a certificate: hostify needs certify");
  }
  checkPins(settings.trust.pins);
  checkCiphers(settings.protocol.ciphers);
}

}  // namespace

std::shared_ptr<Loaded> load(std::shared_ptr<const Settings> settings) {
  auto loaded = std::make_shared<Loaded>();
  loaded->settings = std::move(settings);
  const Settings& set = *loaded->settings;
  loaded->method = makeWireMethod();
  ERR_clear_error();
  loaded->context.reset(SSL_CTX_new(set.server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* const context = loaded->context.get();
  need(context != nullptr, "set up TLS");
  need(SSL_CTX_set_app_data(context, loaded.get()) == 1, "set up TLS");
  setProtocol(*loaded);
  setSessions(*loaded);
  loadIdentity(context, set.identity);
  if (set.certify) loadTrust(context, set.trust);
  if (set.certify && set.server) announceIssuers(context, set.trust.ca);
  SSL_CTX_set_verify_depth(context, MostChain);
  SSL_CTX_set_max_cert_list(context, static_cast<long>(set.trust.maxBytes));
  need(X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), chainFlags(set.trust)) == 1,
       "set the rules for certificates");
  return loaded;
}

}  // namespace hio::net::tls

namespace hio::net {

TlsContext::Impl::Impl(tls::Settings settings)
    : settings_(std::make_shared<const tls::Settings>(std::move(settings))) {
  tls::check(*settings_);
  loaded_ = tls::load(settings_);
}

std::shared_ptr<tls::Loaded> TlsContext::Impl::loaded() const {
  const std::lock_guard lock(mutex_);
  return loaded_;
}

void TlsContext::Impl::reload() {
  auto loaded = tls::load(settings_);
  const std::lock_guard lock(mutex_);
  loaded_.swap(loaded);
}

std::string_view nameOf(TlsVersion version) noexcept {
  return version == TlsVersion::tls12 ? "TLSv1.2" : "TLSv1.3";
}

TlsContext::TlsContext(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

std::shared_ptr<TlsContext> TlsContext::client(TlsClientConfig config) {
  const bool certify = config.certify == Certify::required;
  auto impl = std::make_shared<Impl>(tls::Settings{.identity = std::move(config.identity),
                                                   .trust = std::move(config.trust),
                                                   .protocol = std::move(config.protocol),
                                                   .server = false,
                                                   .certify = certify,
                                                   .mustCertify = certify,
                                                   .hostify = config.hostify == Hostify::on});
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

std::shared_ptr<TlsContext> TlsContext::server(TlsServerConfig config) {
  auto impl =
      std::make_shared<Impl>(tls::Settings{.identity = std::move(config.identity),
                                           .trust = std::move(config.trust),
                                           .protocol = std::move(config.protocol),
                                           .server = true,
                                           .certify = config.clients != ClientCerts::none,
                                           .mustCertify = config.clients == ClientCerts::required,
                                           .hostify = false});
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

bool TlsContext::isServer() const noexcept { return impl_->settings().server; }

void TlsContext::reload() { impl_->reload(); }

std::unique_ptr<TlsStream> TlsContext::wrap(std::unique_ptr<Stream> lower, std::string_view name) {
  if (!lower) throw std::invalid_argument("there is no stream to put under TLS");
  const tls::Settings& settings = impl_->settings();
  std::string checked;
  if (!settings.server && (settings.hostify || !name.empty())) checked = tlsName(name);
  return std::make_unique<tls::StreamImpl>(impl_->loaded(), std::move(lower), std::move(checked));
}

}  // namespace hio::net
