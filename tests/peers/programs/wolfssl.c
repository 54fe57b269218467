// A TLS peer made with wolfSSL.
#include <wolfssl/options.h>
//
#include <stdio.h>
#include <string.h>
#include <wolfssl/ssl.h>

#include "relay.h"

static WOLFSSL_CTX* context;

// What a call came to that gave no bytes.
static int outcome(WOLFSSL* ssl, int result) {
  const int error = wolfSSL_get_error(ssl, result);
  char text[WOLFSSL_MAX_ERROR_SZ];
  if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE) return TLS_AGAIN;
  if (error == WOLFSSL_ERROR_ZERO_RETURN &&
      (wolfSSL_get_shutdown(ssl) & WOLFSSL_RECEIVED_SHUTDOWN) != 0) {
    return 0;
  }
  fprintf(stderr, "wolfSSL: %d %s\n", error, wolfSSL_ERR_error_string((unsigned long)error, text));
  return TLS_CUT;
}

static int receive(void* it, char* room, int size) {
  const int count = wolfSSL_read(it, room, size);
  return count > 0 ? count : outcome(it, count);
}

static int send_(void* it, const char* bytes, int size) {
  const int count = wolfSSL_write(it, bytes, size);
  if (count > 0) return count;
  return outcome(it, count) == TLS_AGAIN ? TLS_AGAIN : TLS_CUT;
}

static void end(void* it) { wolfSSL_shutdown(it); }

static int holds(void* it) { return wolfSSL_pending(it) > 0; }

static int shake(const struct options* options, WOLFSSL* ssl) {
  for (;;) {
    const int result = options->server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
    if (result == WOLFSSL_SUCCESS) return 1;
    if (outcome(ssl, result) != TLS_AGAIN) return 0;
    await(wolfSSL_get_fd(ssl), wolfSSL_want_write(ssl));
  }
}

static int converse(const struct options* options, int fd) {
  WOLFSSL* const ssl = wolfSSL_new(context);
  const struct tls tls = {ssl, fd, receive, send_, end, holds};
  int code = NO_HANDSHAKE;
  wolfSSL_set_fd(ssl, fd);
  wolfSSL_set_using_nonblock(ssl, 1);
  if (options->name != NULL) {
    const unsigned short length = (unsigned short)strlen(options->name);
    if (wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, options->name, length) != WOLFSSL_SUCCESS ||
        wolfSSL_check_domain_name(ssl, options->name) != WOLFSSL_SUCCESS) {
      die("--name");
    }
  }
  if (options->alpn != NULL) {
    char list[64];
    snprintf(list, sizeof list, "%s", options->alpn);
    if (wolfSSL_UseALPN(ssl, list, (unsigned int)strlen(list), WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
        WOLFSSL_SUCCESS) {
      die("--alpn");
    }
  }
  if (shake(options, ssl)) code = relay(options, &tls);
  wolfSSL_free(ssl);
  return code;
}

static WOLFSSL_METHOD* method(const struct options* options) {
  if (options->server)
    return options->tls13 ? wolfTLSv1_3_server_method() : wolfTLSv1_2_server_method();
  return options->tls13 ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method();
}

int main(int argc, char** argv) {
  const struct options options = parse(argc, argv);
  const int check = !options.server || options.require;
  wolfSSL_Init();
  context = wolfSSL_CTX_new(method(&options));
  if (context == NULL) die("wolfSSL_CTX_new");
  wolfSSL_CTX_set_verify(
      context,
      check ? WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT : WOLFSSL_VERIFY_NONE,
      NULL);
  if (options.ca != NULL &&
      wolfSSL_CTX_load_verify_locations(context, options.ca, NULL) != WOLFSSL_SUCCESS) {
    die("--ca");
  }
  if (options.cert != NULL &&
      (wolfSSL_CTX_use_certificate_chain_file(context, options.cert) != WOLFSSL_SUCCESS ||
       wolfSSL_CTX_use_PrivateKey_file(context, options.key, WOLFSSL_FILETYPE_PEM) !=
           WOLFSSL_SUCCESS)) {
    die("--cert, --key");
  }
  return run(&options, converse);
}
