#include "tls.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "protocol.hpp"

namespace bench {
namespace {

SSL_SESSION* lastSession = nullptr;

// A copy, as the original is of no use once its connection has been cut off.
int keepSession(SSL* /*ssl*/, SSL_SESSION* session) {
  SSL_SESSION_free(lastSession);
  lastSession = SSL_SESSION_dup(session);
  return 0;
}

void well(bool yes, const char* what) {
  if (!yes) die(what);
}

template <class T>
T* fromPem(T* (*read)(BIO*, T**, pem_password_cb*, void*), const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  T* const made = read(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  well(made != nullptr, "PEM");
  return made;
}

// What hio-cpp sets, too.
void common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace

SSL_CTX* clientContext(const Options& options) {
  if (options.number("tls", 0) == 0) return nullptr;
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  common(context);
  well(SSL_CTX_load_verify_file(context, options.text("ca").c_str()) == 1, "certificate of the CA");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.number("resume", 0) != 0) {
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, keepSession);
  }
  return context;
}

void prepareClient(SSL* ssl) {
  SSL_set_connect_state(ssl);
  // SSL_set_tlsext_host_name, without the old-style cast of its macro.
  void* const name = const_cast<char*>(ServerName);
  well(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1,
       "server name");
  well(SSL_set1_host(ssl, ServerName) == 1, "server name");
  if (lastSession != nullptr) SSL_set_session(ssl, lastSession);
}

SSL_CTX* serverContext(const std::string& keyPem, const std::string& certificatePem) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  common(context);
  EVP_PKEY* const key = fromPem<EVP_PKEY>(PEM_read_bio_PrivateKey, keyPem);
  X509* const certificate = fromPem<X509>(PEM_read_bio_X509, certificatePem);
  well(SSL_CTX_use_certificate(context, certificate) == 1, "certificate");
  well(SSL_CTX_use_PrivateKey(context, key) == 1, "key");
  EVP_PKEY_free(key);
  X509_free(certificate);
  return context;
}

}  // namespace bench
