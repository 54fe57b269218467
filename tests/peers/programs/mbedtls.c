// A TLS peer made with mbedTLS; of TLS 1.2 only, which is all that its version 2.28 has.
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>

#include "relay.h"

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_;
static mbedtls_x509_crt authority;
static mbedtls_x509_crt certificate;
static mbedtls_pk_context key;
static mbedtls_ssl_config config;

// What a call came to that gave no bytes.
static int outcome(int result) {
  char text[128];
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) return TLS_AGAIN;
  if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return 0;
  mbedtls_strerror(result, text, sizeof text);
  fprintf(stderr, "mbedTLS: -0x%x %s\n", -result, text);
  return TLS_CUT;
}

static int receive(void* it, char* room, int size) {
  const int count = mbedtls_ssl_read(it, (unsigned char*)room, (size_t)size);
  return count > 0 ? count : outcome(count);
}

static int send_(void* it, const char* bytes, int size) {
  const int count = mbedtls_ssl_write(it, (const unsigned char*)bytes, (size_t)size);
  if (count > 0) return count;
  return outcome(count) == TLS_AGAIN ? TLS_AGAIN : TLS_CUT;
}

static void end(void* it) { mbedtls_ssl_close_notify(it); }

static int holds(void* it) { return mbedtls_ssl_check_pending(it); }

static int shake(mbedtls_ssl_context* ssl, int fd) {
  for (;;) {
    const int result = mbedtls_ssl_handshake(ssl);
    if (result == 0) return 1;
    if (outcome(result) != TLS_AGAIN) return 0;
    await(fd, result == MBEDTLS_ERR_SSL_WANT_WRITE);
  }
}

static int converse(const struct options* options, int fd) {
  mbedtls_ssl_context ssl;
  mbedtls_net_context net = {fd};
  const struct tls tls = {&ssl, fd, receive, send_, end, holds};
  int code = NO_HANDSHAKE;
  mbedtls_ssl_init(&ssl);
  if (mbedtls_ssl_setup(&ssl, &config) != 0) die("mbedtls_ssl_setup");
  if (options->name != NULL && mbedtls_ssl_set_hostname(&ssl, options->name) != 0) die("--name");
  mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
  if (shake(&ssl, fd)) code = relay(options, &tls);
  mbedtls_ssl_free(&ssl);
  return code;
}

int main(int argc, char** argv) {
  const struct options options = parse(argc, argv);
  const int check = !options.server || options.require;
  const char* protocols[2] = {options.alpn, NULL};
  if (options.tls13) die("no TLS 1.3");
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random_);
  mbedtls_x509_crt_init(&authority);
  mbedtls_x509_crt_init(&certificate);
  mbedtls_pk_init(&key);
  mbedtls_ssl_config_init(&config);
  if (mbedtls_ctr_drbg_seed(&random_, mbedtls_entropy_func, &entropy, NULL, 0) != 0) die("seed");
  if (mbedtls_ssl_config_defaults(&config,
                                  options.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                  MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
    die("mbedtls_ssl_config_defaults");
  }
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_);
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_authmode(&config, check ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
  if (options.ca != NULL) {
    if (mbedtls_x509_crt_parse_file(&authority, options.ca) != 0) die("--ca");
    mbedtls_ssl_conf_ca_chain(&config, &authority, NULL);
  }
  if (options.cert != NULL && (mbedtls_x509_crt_parse_file(&certificate, options.cert) != 0 ||
                               mbedtls_pk_parse_keyfile(&key, options.key, NULL) != 0 ||
                               mbedtls_ssl_conf_own_cert(&config, &certificate, &key) != 0)) {
    die("--cert, --key");
  }
  if (options.alpn != NULL && mbedtls_ssl_conf_alpn_protocols(&config, protocols) != 0) {
    die("--alpn");
  }
  return run(&options, converse);
}
