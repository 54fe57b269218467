#include "certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <stdexcept>

#include "hio/net/endpoint.hpp"

namespace hio::tool {
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
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

void need(bool well) {
  if (!well) throw std::runtime_error("OpenSSL could not make a certificate");
}

// What EVP_EC_gen is a macro for; OpenSSL only reads the name.
Key newKey(const Making& making) {
  Key key(making.ecdsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", const_cast<char*>("P-256"))
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  need(key != nullptr);
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  need(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string alternative(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ',';
    text += (net::Ip::parse(name) ? "IP:" : "DNS:") + name;
  }
  return text;
}

void setTimes(X509* certificate, const Making& making, long from, long until) {
  std::time_t now =
      making.at ? std::chrono::system_clock::to_time_t(*making.at) : std::time(nullptr);
  need(X509_time_adj_ex(X509_getm_notBefore(certificate), static_cast<int>(from), 0, &now) !=
           nullptr &&
       X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(until), 0, &now) !=
           nullptr);
}

void sign(X509* certificate, EVP_PKEY* key, const Making& making) {
  need(X509_sign(certificate, key, making.ecdsa ? EVP_sha256() : nullptr) > 0);
}

// All but the times, the extensions and the signature.
Certificate blank(const std::string& name, const Key& key) {
  Certificate certificate(X509_new());
  need(certificate != nullptr);
  std::array<unsigned char, 16> serial{};
  need(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1);
  serial[0] &= 0x7fU;
  const std::unique_ptr<BIGNUM, Freer<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  X509* const it = certificate.get();
  X509_NAME* const subject = X509_get_subject_name(it);
  const auto* const text = reinterpret_cast<const unsigned char*>(name.c_str());
  need(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(it)) != nullptr &&
       X509_set_version(it, X509_VERSION_3) == 1 && X509_set_pubkey(it, key.get()) == 1 &&
       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
  return certificate;
}

Bio memory() {
  Bio bio(BIO_new(BIO_s_mem()));
  need(bio != nullptr);
  return bio;
}

std::string textOf(const Bio& bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(const Certificate& certificate) {
  const Bio bio = memory();
  need(PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
  return textOf(bio);
}

}  // namespace

struct Authority::Impl {
  Making making;
  Key key = newKey(making);
  Certificate certificate{};
};

Authority::Authority(const std::string& name, const Making& making)
    : impl_(new Impl{.making = making}) {
  impl_->certificate = blank(name, impl_->key);
  X509* const own = impl_->certificate.get();
  setTimes(own, making, -making.days, making.days);
  need(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1);
  extend(own, own, NID_basic_constraints, "critical,CA:TRUE");
  extend(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(own, own, NID_subject_key_identifier, "hash");
  sign(own, impl_->key.get(), making);
}

Authority::~Authority() = default;

std::string Authority::certificate() const { return pem(impl_->certificate); }

KeyAndCertificate Authority::issue(const std::vector<std::string>& names, long from,
                                   long until) const {
  const Key key = newKey(impl_->making);
  need(!names.empty());
  const Certificate certificate = blank(names.front(), key);
  X509* const it = certificate.get();
  X509* const issuer = impl_->certificate.get();
  need(X509_set_issuer_name(it, X509_get_subject_name(issuer)) == 1);
  setTimes(it, impl_->making, from, until);
  extend(it, issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(it, issuer, NID_key_usage, "critical,digitalSignature");
  extend(it, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  extend(it, issuer, NID_subject_key_identifier, "hash");
  extend(it, issuer, NID_authority_key_identifier, "keyid:always");
  extend(it, issuer, NID_subject_alt_name, alternative(names));
  sign(it, impl_->key.get(), impl_->making);
  const Bio bio = memory();
  need(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {textOf(bio), pem(certificate)};
}

}  // namespace hio::tool
