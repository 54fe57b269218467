// Certificates, keys and revocation lists, from PEM into an SSL_CTX.
#pragma once

#include "hio/net/tls.hpp"
#include "net/tls/handles.hpp"

namespace hio::net::tls {

// Throw std::invalid_argument for what makes no sense, std::system_error for what cannot be read or
// understood.
void loadIdentity(SSL_CTX* context, const TlsIdentity& identity);
void loadTrust(SSL_CTX* context, const TlsTrust& trust);
// The names of those in `ca`, which a server shows to clients that it asks for certificates.
void announceIssuers(SSL_CTX* context, const Pem& ca);

}  // namespace hio::net::tls
