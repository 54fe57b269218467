#include "hio/core/tcp/failure.hpp"

#include "hio/net/net.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {
namespace {

std::string_view doing(Stage stage) noexcept {
  switch (stage) {
    case Stage::resolve:
      return "resolve the name of ";
    case Stage::open:
      return "open a socket for ";
    case Stage::connect:
      return "connect to ";
    case Stage::handshake:
      return "shake hands with ";
    case Stage::use:
      return "use ";
    case Stage::receive:
      return "receive from ";
    case Stage::send:
      return "send to ";
    case Stage::listen:
      return "listen on ";
    case Stage::accept:
      return "accept on ";
  }
  return "reach ";
}

std::string_view tlsAdvice(const std::error_code& code) noexcept {
  if (code == net::TlsError::notTls) return "check the port, and that both sides use TLS";
  if (code == net::TlsError::protocol) return "check which versions and ciphers each side allows";
  if (code == net::TlsError::wrongPin) return "if the key was changed on purpose, change the pin";
  if (const auto verdict = net::verdictOf(code)) {
    switch (*verdict) {
      case 9:   // not yet valid
      case 10:  // expired
        return "check this machine's clock and the certificate's dates";
      case 18:  // self-signed
      case 19:  // self-signed in the chain
      case 20:  // no issuer
      case 21:
        return "if the far side is to be trusted, give its CA's file (cafilepath)";
      case 62:  // other name
      case 64:  // other address
        return "check the host, or give the name that the certificate is made for (certedhost)";
      default:
        return "the certificate has to be replaced";
    }
  }
  switch (net::alertOf(code).value_or(0)) {
    case 42:   // bad certificate
    case 43:   // unsupported
    case 44:   // revoked
    case 45:   // expired
    case 46:   // unknown
    case 48:   // unknown CA
    case 116:  // required
      return "the far side wants another certificate of this side (certpath, keypath)";
    case 40:  // handshake failure
    case 70:  // protocol version
    case 71:  // insufficient security
      return "check which versions and ciphers each side allows";
    default:
      return {};
  }
}

std::string_view adviceFor(Stage stage, const std::error_code& code) noexcept {
  if (code == net::ResolveError::notFound || code == net::ResolveError::badName) {
    return "check the spelling of the name";
  }
  if (code == net::ResolveError::noAddress) return "the name is known, but not as a host";
  if (code.category() == net::resolveCategory()) return "check the name servers and the network";
  if (code.category() == net::tlsCategory()) return tlsAdvice(code);
  if (code == std::errc::connection_refused) return "nothing listens there: check host and port";
  if (code == std::errc::timed_out) return "no answer: check the address, the route and firewalls";
  if (code == std::errc::network_unreachable || code == std::errc::host_unreachable) {
    return "there is no way to it: check the address and the network";
  }
  if (code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system) {
    return "too many descriptors are open: close some or raise the limit (ulimit -n)";
  }
  if (code == std::errc::no_buffer_space || code == std::errc::not_enough_memory) {
    return "this machine is short of memory, or of memory for its network (net.ipv4.tcp_mem)";
  }
  if (code == std::errc::address_not_available && stage == Stage::connect) {
    return "no local port is free for it: close connections or wait";
  }
  if (code == std::errc::address_not_available) return "this machine does not have that address";
  if (code == std::errc::address_in_use) return "something listens there already: use another port";
  if (code == std::errc::permission_denied || code == std::errc::operation_not_permitted) {
    return stage == Stage::listen ? "ports below 1024 need a privilege"
                                  : "a firewall or routing rule forbids it";
  }
  if (code == std::errc::connection_reset || code == std::errc::broken_pipe) {
    return "the far side closed while data was under way";
  }
  return {};
}

}  // namespace

std::string_view nameOf(Stage stage) noexcept {
  switch (stage) {
    case Stage::resolve:
      return "resolve";
    case Stage::open:
      return "open";
    case Stage::connect:
      return "connect";
    case Stage::handshake:
      return "handshake";
    case Stage::use:
      return "use";
    case Stage::receive:
      return "receive";
    case Stage::send:
      return "send";
    case Stage::listen:
      return "listen";
    case Stage::accept:
      return "accept";
  }
  return "unknown";
}

std::string Failure::message() const {
  std::string text(doing(stage_));
  text += address_.text() + ": " + code_.message();
  if (!detail_.empty()) text += ", " + detail_;
  if (attempt_ > 1) text += " (attempt " + std::to_string(attempt_) + ')';
  if (tries_.size() > 1) {
    text += "; tried";
    for (const Try& each : tries_) {
      text += ' ' + each.address.text() + " (" + each.code.message() + ')';
    }
  }
  if (const auto advice = adviceFor(stage_, code_); !advice.empty()) {
    text += "; ";
    text += advice;
  }
  return text;
}

}  // namespace hio::core::tcp
