#include "net/tls/error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <new>

#include "hio/net/tls.hpp"

namespace hio::net {
namespace {

// Where alerts and verdicts lie among the category's values.
constexpr int Alerts = 1000;
constexpr int Verdicts = 2000;
constexpr int End = 3000;

class TlsCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hio.tls"; }

  std::string message(int value) const override {
    if (value >= Verdicts) return X509_verify_cert_error_string(value - Verdicts);
    if (value >= Alerts) {
      return std::string("the far side gave up: ") + SSL_alert_desc_string_long(value - Alerts);
    }
    switch (static_cast<TlsError>(value)) {
      case TlsError::truncated:
        return "the far side ended without a goodbye (close_notify): bytes may be missing";
      case TlsError::notTls:
        return "the far side does not speak TLS";
      case TlsError::protocol:
        return "no agreement with the far side, or it broke the rules of TLS";
      case TlsError::noCertificate:
        return "the far side has shown no certificate";
      case TlsError::wrongPin:
        return "the far side's key is not one of those pinned";
      case TlsError::badPem:
        return "it cannot be used";
    }
    return "unknown error of TLS";
  }
};

std::error_code codeOf(unsigned long error) noexcept {
  const int reason = ERR_GET_REASON(error);
  if (ERR_SYSTEM_ERROR(error)) return {reason, std::system_category()};
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return TlsError::protocol;
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return tlsAlert(reason - SSL_AD_REASON_OFFSET);
  }
  switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsError::truncated;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsError::notTls;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsError::noCertificate;
    default:
      return TlsError::protocol;
  }
}

}  // namespace

const std::error_category& tlsCategory() noexcept {
  static const TlsCategory category;
  return category;
}

std::error_code make_error_code(TlsError error) noexcept {
  return {static_cast<int>(error), tlsCategory()};
}

std::error_code tlsAlert(int number) noexcept { return {Alerts + number, tlsCategory()}; }
std::error_code tlsVerdict(int number) noexcept { return {Verdicts + number, tlsCategory()}; }

std::optional<int> alertOf(const std::error_code& code) noexcept {
  if (code.category() != tlsCategory() || code.value() < Alerts || code.value() >= Verdicts) {
    return std::nullopt;
  }
  return code.value() - Alerts;
}

std::optional<int> verdictOf(const std::error_code& code) noexcept {
  if (code.category() != tlsCategory() || code.value() < Verdicts || code.value() >= End) {
    return std::nullopt;
  }
  return code.value() - Verdicts;
}

namespace tls {

Trouble takeTrouble(std::error_code otherwise) noexcept {
  std::error_code code;
  const char* text = nullptr;
  bool starved = false;
  while (const unsigned long error = ERR_get_error()) {
    starved = starved || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    if (text != nullptr) continue;
    code = codeOf(error);
    text = ERR_reason_error_string(error);
    if (text == nullptr) text = "";
  }
  if (starved) return {std::make_error_code(std::errc::not_enough_memory), {}};
  if (text == nullptr) return {otherwise, {}};
  try {
    return {code, text};
  } catch (const std::bad_alloc&) {
    return {code, {}};
  }
}

void raiseTrouble(const std::string& what, std::error_code otherwise) {
  const Trouble trouble = takeTrouble(otherwise);
  // Outside of a connection there is no far side that could have broken a rule.
  const bool local = trouble.code.category() == tlsCategory();
  throw std::system_error(local ? otherwise : trouble.code,
                          trouble.text.empty() ? what : what + ": " + trouble.text);
}

}  // namespace tls
}  // namespace hio::net
