#include "net/tls/verify.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <stdexcept>

#include "hio/net/endpoint.hpp"
#include "net/tls/certificate.hpp"

namespace hio::net::tls {
namespace {

bool isPin(const std::string& pin) {
  constexpr std::size_t Length = 44;  // of the base64 of 32 bytes
  std::array<unsigned char, 3 * Length / 4> bytes{};
  return pin.size() == Length && pin.back() == '=' && pin[Length - 2] != '=' &&
         EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(pin.data()),
                         static_cast<int>(Length)) == static_cast<int>(bytes.size());
}

std::time_t judgedAt(const TlsTrust& trust) {
  return trust.time ? static_cast<std::time_t>(trust.time().time_since_epoch().count())
                    : std::time_t(0);
}

// What OpenSSL lets pass and the rules do not: a key that must not sign, as every handshake here
// asks it to, and a CA's certificate in the place of a server's.
int leafVerdict(X509* certificate, bool trustedItself) noexcept {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_KUSAGE) != 0 &&
      (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0) {
    return X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE;
  }
  if ((flags & EXFLAG_CA) != 0 && !trustedItself) return X509_V_ERR_INVALID_NON_CA;
  return X509_V_OK;
}

using Constraints = Handle<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;

bool sameText(std::string_view one, std::string_view other) noexcept {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

// The name lies in a DNS tree that is excluded.
bool excludes(const NAME_CONSTRAINTS& constraints, std::string_view name) noexcept {
  for (int at = 0; at < sk_GENERAL_SUBTREE_num(constraints.excludedSubtrees); ++at) {
    const GENERAL_NAME* const base =
        sk_GENERAL_SUBTREE_value(constraints.excludedSubtrees, at)->base;
    if (base->type != GEN_DNS) continue;
    std::string_view tree(reinterpret_cast<const char*>(ASN1_STRING_get0_data(base->d.dNSName)),
                          static_cast<std::size_t>(ASN1_STRING_length(base->d.dNSName)));
    if (tree.starts_with('.')) tree.remove_prefix(1);
    if (name.size() < tree.size()) continue;
    const std::string_view rest = name.substr(0, name.size() - tree.size());
    if (sameText(name.substr(rest.size()), tree) &&
        (rest.empty() || tree.empty() || rest.ends_with('.'))) {
      return true;
    }
  }
  return false;
}

}  // namespace

void checkPins(const std::vector<std::string>& pins) {
  for (const std::string& pin : pins) {
    if (isPin(pin)) continue;
    std::string shown = pin.substr(0, 64);
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    throw std::invalid_argument("trust.pins has '" + shown + "', which is no base64 of a SHA-256");
  }
}

unsigned long chainFlags(const TlsTrust& trust) noexcept {
  const unsigned long strict = trust.lenientChains ? 0 : X509_V_FLAG_X509_STRICT;
  return X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN | strict;
}

unsigned int Verifier::nameFlags() const noexcept {
  const TlsTrust& trust = settings_.trust;
  return (trust.commonName ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT) |
         (trust.partialWildcards ? 0 : X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
}

bool Verifier::prepare(SSL* ssl) const noexcept {
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  try {
    if (settings_.trust.time) X509_VERIFY_PARAM_set_time(param, judgedAt(settings_.trust));
  } catch (...) {
    return false;  // without the time there is no judgement
  }
  if (settings_.server || name_.empty()) return true;
  const bool isAddress = Ip::parse(name_).has_value();
  // What SSL_set_tlsext_host_name is a macro for; OpenSSL copies the name.
  if (!isAddress && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                             const_cast<char*>(name_.c_str())) != 1) {
    return false;
  }
  if (!settings_.hostify) return true;
  X509_VERIFY_PARAM_set_hostflags(param, nameFlags());
  return isAddress ? X509_VERIFY_PARAM_set1_ip_asc(param, name_.c_str()) == 1
                   : X509_VERIFY_PARAM_set1_host(param, name_.c_str(), name_.size()) == 1;
}

bool Verifier::judge(bool well, X509_STORE_CTX* chain) noexcept {
  const int depth = X509_STORE_CTX_get_error_depth(chain);
  X509* const certificate = X509_STORE_CTX_get_current_cert(chain);
  int verdict = X509_STORE_CTX_get_error(chain);
  if (well && depth == 0 && certificate != nullptr && !settings_.trust.lenientChains) {
    verdict = leafVerdict(certificate, X509_STORE_CTX_get_num_untrusted(chain) == 0);
    if (verdict == X509_V_OK && nameExcluded(chain)) verdict = X509_V_ERR_EXCLUDED_VIOLATION;
    if (verdict != X509_V_OK) X509_STORE_CTX_set_error(chain, verdict);
    well = verdict == X509_V_OK;
  }
  if (well) return true;
  note(verdict, certificate, depth);
  return false;
}

// The name is one that an authority of the chain must not vouch for. OpenSSL compares with that
// only the names in the certificate, and a wildcard there hides which name it stands for.
bool Verifier::nameExcluded(X509_STORE_CTX* chain) const noexcept {
  if (name_.empty() || !settings_.hostify) return false;
  const STACK_OF(X509)* const certificates = X509_STORE_CTX_get0_chain(chain);
  for (int at = 1; at < sk_X509_num(certificates); ++at) {
    const Constraints constraints(static_cast<NAME_CONSTRAINTS*>(
        X509_get_ext_d2i(sk_X509_value(certificates, at), NID_name_constraints, nullptr, nullptr)));
    if (constraints && excludes(*constraints, name_)) return true;
  }
  return false;
}

int Verifier::nameVerdict(X509* certificate) const noexcept {
  if (Ip::parse(name_)) {
    return X509_check_ip_asc(certificate, name_.c_str(), 0) == 1 ? X509_V_OK
                                                                 : X509_V_ERR_IP_ADDRESS_MISMATCH;
  }
  // An empty name would match every certificate.
  const bool same = !name_.empty() && X509_check_host(certificate, name_.data(), name_.size(),
                                                      nameFlags(), nullptr) == 1;
  return same ? X509_V_OK : X509_V_ERR_HOSTNAME_MISMATCH;
}

std::error_code Verifier::refusal(SSL* ssl) noexcept {
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  const bool pinned = !settings_.trust.pins.empty();
  if (certificate == nullptr) {
    if (settings_.mustCertify || pinned) return TlsError::noCertificate;
    return {};
  }
  int verdict = X509_V_OK;
  if (settings_.certify) {
    verdict = static_cast<int>(SSL_get_verify_result(ssl));
    if (verdict == X509_V_OK && settings_.hostify) verdict = nameVerdict(certificate);
    // A resumed session's certificate was judged when the session was made.
    if (verdict == X509_V_OK && SSL_session_reused(ssl) == 1) {
      try {
        std::time_t at = judgedAt(settings_.trust);
        const int order = X509_cmp_time(X509_get0_notAfter(certificate), at != 0 ? &at : nullptr);
        if (order <= 0) verdict = X509_V_ERR_CERT_HAS_EXPIRED;
      } catch (...) {
        verdict = X509_V_ERR_UNSPECIFIED;
      }
    }
  }
  ERR_clear_error();
  if (verdict != X509_V_OK) {
    note(verdict, certificate, 0);
    return tlsVerdict(verdict);
  }
  try {
    const auto& pins = settings_.trust.pins;
    if (pinned && std::find(pins.begin(), pins.end(), pinOf(certificate)) == pins.end()) {
      why_ = "it is " + pinOf(certificate);
      return TlsError::wrongPin;
    }
  } catch (...) {
    return TlsError::wrongPin;
  }
  return {};
}

void Verifier::note(int verdict, const X509* certificate, int depth) noexcept {
  verdict_ = verdict;
  try {
    why_.clear();
    if (certificate == nullptr) return;
    why_ = "certificate '" + textOf(X509_get_subject_name(certificate)) + "' at depth " +
           std::to_string(depth);
    if (verdict != X509_V_ERR_HOSTNAME_MISMATCH && verdict != X509_V_ERR_IP_ADDRESS_MISMATCH) {
      return;
    }
    why_ += " was asked for '" + name_ + "' and is made for ";
    constexpr std::size_t Shown = 8;
    const std::vector<std::string> names = namesOf(certificate, Shown + 1);
    if (names.empty()) why_ += "no name";
    for (std::size_t at = 0; at < names.size(); ++at) {
      if (at > 0) why_ += ", ";
      why_ += at < Shown ? '\'' + names[at].substr(0, 100) + '\'' : "and others";
    }
  } catch (...) {
    why_.clear();
  }
}

}  // namespace hio::net::tls
