#include <stdexcept>
#include <utility>

#include "hio/core/tcp/clienting_tls.hpp"

namespace hio::core::tcp {
namespace {

void refuseBeside(bool given, std::string_view field) {
  if (!given) return;
  throw std::invalid_argument(std::string(field) +
                              " is given beside a context, which decides that itself; give one");
}

std::shared_ptr<net::TlsContext> contextOf(const TlsOptions& options) {
  if (options.context) {
    refuseBeside(options.version.has_value(), "version");
    refuseBeside(options.certify.has_value(), "certify");
    refuseBeside(options.hostify.has_value(), "hostify");
    refuseBeside(!options.keypath.empty(), "keypath");
    refuseBeside(!options.certpath.empty(), "certpath");
    refuseBeside(!options.cafilepath.empty(), "cafilepath");
    if (options.context->isServer()) throw std::invalid_argument("context is one for servers");
    return options.context;
  }
  return net::TlsContext::client(
      {.identity = {.key = {.path = options.keypath}, .certificate = {.path = options.certpath}},
       .trust = {.ca = {.path = options.cafilepath}},
       .protocol = {.minVersion = options.version.value_or(TlsVersion::tls12),
                    .maxVersion = options.version.value_or(TlsVersion::tls13)},
       .certify = options.certify.value_or(Certify::required),
       .hostify = options.hostify.value_or(Hostify::on)});
}

}  // namespace

ClientTls::ClientTls(ClientOptions options, TlsOptions tls)
    : Client(std::move(options)), context_(contextOf(tls)), certedhost_(std::move(tls.certedhost)) {
  if (certedhost_.empty()) certedhost_ = hostname();
  if (!certedhost_.empty()) certedhost_ = net::tlsName(certedhost_);
}

std::unique_ptr<net::Stream> ClientTls::secured(std::unique_ptr<net::Stream> plain) {
  if (certedhost_.empty()) certedhost_ = net::tlsName(ha().host);
  return context_->wrap(std::move(plain), certedhost_);
}

void ClientTls::wrap() {
  if (!shaking()) throw std::logic_error("wrap: there is no connection without TLS");
  secure();
  storeDue();
}

bool ClientTls::handshake() {
  if (connected()) return true;
  if (!shaking()) throw std::logic_error("handshake: there is no connection");
  const std::uint64_t before = failures();
  shake();
  storeDue();
  raiseFailure(before, {Stage::handshake});
  return connected();
}

bool ClientTls::connect() {
  if (!accept()) return false;
  return handshake();
}

}  // namespace hio::core::tcp
