#include "net/tls/certificate.hpp"

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <span>

#include "hio/net/endpoint.hpp"

namespace hio::net::tls {
namespace {

using AltNames = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;

std::string escaped(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    if (byte >= 0x20 && byte < 0x7f) {
      text += static_cast<char>(byte);
    } else {
      std::array<char, 5> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", byte);
      text += code.data();
    }
  }
  return text;
}

std::span<const unsigned char> bytesOf(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string addressText(std::span<const unsigned char> octets) {
  if (octets.size() != 4 && octets.size() != 16) return "an address that is none";
  Ip ip{.family = octets.size() == 4 ? Family::v4 : Family::v6};
  std::copy(octets.begin(), octets.end(), ip.octets.begin());
  return ip.text();
}

std::string content(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::chrono::sys_seconds timeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  using namespace std::chrono;
  return sys_days(year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday) +
         hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

std::string keyText(X509* certificate) {
  const EVP_PKEY* const key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unknown";
  const char* const type = EVP_PKEY_get0_type_name(key);
  std::string text = type != nullptr ? type : "unknown";
  std::array<char, 80> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1) {
    return text + ' ' + group.data();
  }
  const int bits = EVP_PKEY_get_bits(key);
  return bits > 0 ? text + ' ' + std::to_string(bits) : text;
}

}  // namespace

std::string textOf(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "unknown";
  return content(bio.get());
}

std::vector<std::string> namesOf(const X509* certificate, std::size_t most) {
  std::vector<std::string> names;
  const AltNames all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int at = 0; all && at < sk_GENERAL_NAME_num(all.get()) && names.size() < most; ++at) {
    int type = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), at), &type);
    const auto* const string = static_cast<const ASN1_STRING*>(value);
    if (type == GEN_DNS) names.push_back(escaped(bytesOf(string)));
    if (type == GEN_IPADD) names.push_back(addressText(bytesOf(string)));
  }
  return names;
}

std::string pinOf(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return {};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const bool well = EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr,
                               EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  if (!well) return {};
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

CertificateInfo describe(X509* certificate) {
  const char* const signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
  return {.subject = textOf(X509_get_subject_name(certificate)),
          .issuer = textOf(X509_get_issuer_name(certificate)),
          .names = namesOf(certificate, 10000),
          .notBefore = timeOf(X509_get0_notBefore(certificate)),
          .notAfter = timeOf(X509_get0_notAfter(certificate)),
          .key = keyText(certificate),
          .signature = signature != nullptr ? signature : "unknown",
          .pin = pinOf(certificate)};
}

}  // namespace hio::net::tls
