// OpenSSL set up as every contender but hio-cpp (which does so itself) uses it.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "common.hpp"

namespace bench {

// A client's context that trusts the file `ca` only; null without the option `tls`. With `resume`
// it keeps the last session for the next connection.
SSL_CTX* clientContext(const Options& options);
// Asks for ServerName and checks the certificate for it; resumes if there is a session.
void prepareClient(SSL* ssl);
SSL_CTX* serverContext(const std::string& keyPem, const std::string& certificatePem);

}  // namespace bench
