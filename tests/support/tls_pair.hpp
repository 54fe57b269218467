// A TLS client and server over a pipe in memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "hio/certificates.hpp"
#include "hio/net/tls.hpp"
#include "support/pipe.hpp"

namespace hio::test {

// An authority, and what it has issued to "good.test"; made once for all tests of a program.
struct TestCertificates {
  tool::Authority authority{"Test Root"};
  tool::KeyAndCertificate server = authority.issue({"good.test", "127.0.0.1"});
  tool::KeyAndCertificate client = authority.issue({"a client"});
};
const TestCertificates& testCertificates();

// What a client that trusts the authority, and a server with its certificate, are set up with.
net::TlsClientConfig trusting();
net::TlsServerConfig serving();

struct TlsPair {
  // Of one connection over a pipe of its own.
  explicit TlsPair(const net::TlsClientConfig& client = trusting(),
                   const net::TlsServerConfig& server = serving(),
                   std::string_view name = "good.test");
  TlsPair(net::TlsContext& client, net::TlsContext& server, std::string_view name = "good.test");

  // Turns both ends until neither handshake is blocked any more, or nothing moves.
  void shake();
  // Both ends connected; fails the test otherwise.
  void connect();

  std::shared_ptr<Pipe> pipe = std::make_shared<Pipe>();
  std::unique_ptr<net::TlsStream> client;
  std::unique_ptr<net::TlsStream> server;
  net::IoResult clientShook = net::IoResult::blocked(net::IoResult::On::read);
  net::IoResult serverShook = net::IoResult::blocked(net::IoResult::On::read);
};

// Receives until there is nothing more now; the last result goes to `end`.
std::string receiveAll(net::Stream& stream, net::IoResult& end, std::size_t piece = 4096);

}  // namespace hio::test
