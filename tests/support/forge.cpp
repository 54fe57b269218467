#include "support/forge.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace hio::test {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

constexpr long Day = 24L * 60 * 60;

void need(bool well) {
  if (!well) throw std::runtime_error("OpenSSL could not make a certificate");
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  need(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

Certificate blank(const Mold& mold, EVP_PKEY* key) {
  static long serial = 1000;
  Certificate certificate(X509_new());
  X509* const it = certificate.get();
  const auto* const name = reinterpret_cast<const unsigned char*>(mold.commonName.c_str());
  need(it != nullptr && X509_set_version(it, X509_VERSION_3) == 1 &&
       ASN1_INTEGER_set(X509_get_serialNumber(it), ++serial) == 1 &&
       X509_gmtime_adj(X509_getm_notBefore(it), mold.fromDays * Day) != nullptr &&
       X509_gmtime_adj(X509_getm_notAfter(it), mold.untilDays * Day) != nullptr &&
       X509_set_pubkey(it, key) == 1 &&
       X509_NAME_add_entry_by_txt(X509_get_subject_name(it), "CN", MBSTRING_UTF8, name, -1, -1,
                                  0) == 1);
  return certificate;
}

std::string pem(const Certificate& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  need(bio && PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(const Key& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  need(bio &&
       PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// What EVP_EC_gen is a macro for; OpenSSL only reads the name.
Key newKey() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", const_cast<char*>("P-256")));
  need(key != nullptr);
  return key;
}

struct Issuer {
  Key key = newKey();
  Certificate certificate = blank({.commonName = "Forged Root"}, key.get());

  Issuer() {
    X509* const own = certificate.get();
    need(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
    extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
    extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(own, own, NID_subject_key_identifier, "hash");
    need(X509_sign(own, key.get(), EVP_sha256()) > 0);
  }
};

const Issuer& issuerOf(const Mold& mold) {
  static const Issuer known;
  static const Issuer stranger;
  return mold.stranger ? stranger : known;
}

}  // namespace

const std::string& forgedAuthority() {
  static const std::string text = pem(issuerOf({}).certificate);
  return text;
}

tool::KeyAndCertificate forge(const Mold& mold) {
  const Issuer& issuer = issuerOf(mold);
  const Key key = newKey();
  const Certificate certificate = blank(mold, key.get());
  X509* const it = certificate.get();
  X509* const by = mold.selfSigned ? it : issuer.certificate.get();
  need(X509_set_issuer_name(it, X509_get_subject_name(by)) == 1);
  extend(it, by, NID_basic_constraints, mold.constraints);
  extend(it, by, NID_key_usage, mold.usage);
  extend(it, by, NID_ext_key_usage, mold.extendedUsage);
  extend(it, by, NID_subject_key_identifier, "hash");
  extend(it, by, NID_authority_key_identifier, "keyid:always");
  extend(it, by, NID_subject_alt_name, mold.names);
  need(X509_sign(it, mold.selfSigned ? key.get() : issuer.key.get(), EVP_sha256()) > 0);
  return {pem(key), pem(certificate)};
}

std::vector<NamedMold> badMolds() {
  return {
      {"wrong name", {.names = "DNS:bad.test"}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"common name only", {.names = ""}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"no name at all", {.commonName = "x", .names = ""}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"an address alone", {.names = "IP:127.0.0.1"}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"a mail address", {.names = "email:good.test@good.test"}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"partial wildcard", {.names = "DNS:g*.test"}, X509_V_ERR_HOSTNAME_MISMATCH},
      {"expired", {.fromDays = -9, .untilDays = -1}, X509_V_ERR_CERT_HAS_EXPIRED},
      {"not yet valid", {.fromDays = 1, .untilDays = 9}, X509_V_ERR_CERT_NOT_YET_VALID},
      {"unknown issuer", {.stranger = true}, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
      {"self-signed", {.selfSigned = true}, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
      {"for clients", {.extendedUsage = "clientAuth"}, X509_V_ERR_INVALID_PURPOSE},
      {"a CA",
       {.constraints = "critical,CA:TRUE", .usage = "critical,digitalSignature,keyCertSign"},
       X509_V_ERR_INVALID_NON_CA},
      {"not for signatures",
       {.usage = "critical,keyEncipherment"},
       X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE},
  };
}

}  // namespace hio::test
