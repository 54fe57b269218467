// What a certificate says, for people and for checks.
#pragma once

#include <string>
#include <vector>

#include "hio/net/tls.hpp"
#include "net/tls/handles.hpp"

namespace hio::net::tls {

// RFC 2253, with control characters escaped.
std::string textOf(const X509_NAME* name);
// The DNS names and addresses that it is made for, control characters escaped; at most `most`.
std::vector<std::string> namesOf(const X509* certificate, std::size_t most);
// Base64 of the SHA-256 of its public key; empty when that cannot be computed.
std::string pinOf(const X509* certificate);
CertificateInfo describe(X509* certificate);

}  // namespace hio::net::tls
