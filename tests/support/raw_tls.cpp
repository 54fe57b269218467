#include "support/raw_tls.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

#include "hio/help/bytearray.hpp"
#include "support/tls_pair.hpp"

namespace hio::test {
namespace {

// The server's certificate and key, as the tests make them.
void identify(SSL_CTX* context) {
  const auto& own = testCertificates().server;
  BIO* const certificatePem = BIO_new_mem_buf(own.certificate.data(), -1);
  BIO* const keyPem = BIO_new_mem_buf(own.key.data(), -1);
  X509* const certificate = PEM_read_bio_X509(certificatePem, nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(keyPem, nullptr, nullptr, nullptr);
  EXPECT_EQ(SSL_CTX_use_certificate(context, certificate), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context, key), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificatePem);
  BIO_free(keyPem);
}

SSL_CTX* contextOf(bool isServer, int version) {
  SSL_CTX* const context = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method());
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("raw"), 3);
  if (isServer) identify(context);
  return context;
}

}  // namespace

RawTls::RawTls(std::unique_ptr<net::Stream> lower, Side side, net::TlsVersion version,
               SSL_CTX* shared)
    : lower_(std::move(lower)), context_(shared) {
  const bool isServer = side == Side::server;
  if (shared != nullptr) {
    SSL_CTX_up_ref(shared);
  } else {
    context_ =
        contextOf(isServer, version == net::TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  }
  ssl_ = SSL_new(context_);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_, in_, out_);
  if (isServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

RawTls::~RawTls() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

void RawTls::fill() {
  std::array<std::byte, 4096> room{};
  while (lower_) {
    const net::IoResult result = lower_->receive(room);
    if (!result.isDone()) return;
    BIO_write(in_, room.data(), static_cast<int>(result.count()));
  }
}

void RawTls::flush() {
  const char* data = nullptr;
  if (const long size = BIO_get_mem_data(out_, &data); size > 0) {
    unsent_.append(data, static_cast<std::size_t>(size));
    (void)BIO_reset(out_);
  }
  while (lower_ && !unsent_.empty()) {
    const net::IoResult result = lower_->send(help::bytesOf(unsent_));
    if (!result.isDone()) return;
    unsent_.erase(0, result.count());
  }
}

void RawTls::look(int result) {
  const int kind = SSL_get_error(ssl_, result);
  if (kind == SSL_ERROR_SSL && reason_ == 0) reason_ = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
}

std::string RawTls::turn() {
  fill();
  std::string text;
  ERR_clear_error();
  std::array<char, 4096> room{};
  for (;;) {
    const int count = SSL_read(ssl_, room.data(), static_cast<int>(room.size()));
    if (count <= 0) {
      look(count);
      break;
    }
    text.append(room.data(), static_cast<std::size_t>(count));
  }
  flush();
  return text;
}

void RawTls::send(std::string_view text) {
  ERR_clear_error();
  ASSERT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())),
            static_cast<int>(text.size()));
  flush();
}

}  // namespace hio::test
