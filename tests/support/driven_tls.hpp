// Both ends of TLS with a certificate made for the test.
#pragma once

#include "hio/certificates.hpp"
#include "hio/core/tcp.hpp"

namespace hio::test {

inline core::tcp::ServerTlsOptions serverTls(const tool::KeyAndCertificate& own) {
  return {.context = net::TlsContext::server(
              {.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}},
               .clients = core::tcp::ClientCerts::none})};
}

inline core::tcp::TlsOptions clientTls(const tool::Authority& authority) {
  return {.context = net::TlsContext::client({.trust = {.ca = {.text = authority.certificate()}}})};
}

}  // namespace hio::test
