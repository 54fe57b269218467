#include "support/tls_pair.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "hio/help/bytearray.hpp"

namespace hio::test {

const TestCertificates& testCertificates() {
  static const TestCertificates certificates;
  return certificates;
}

net::TlsClientConfig trusting() {
  return {.trust = {.ca = {.text = testCertificates().authority.certificate()}}};
}

net::TlsServerConfig serving() {
  const auto& own = testCertificates().server;
  return {.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}},
          .clients = net::ClientCerts::none};
}

TlsPair::TlsPair(const net::TlsClientConfig& clientConfig, const net::TlsServerConfig& serverConfig,
                 std::string_view name)
    : TlsPair(*net::TlsContext::client(clientConfig), *net::TlsContext::server(serverConfig),
              name) {}

TlsPair::TlsPair(net::TlsContext& clientContext, net::TlsContext& serverContext,
                 std::string_view name) {
  Pipe::Ends ends = Pipe::ends(pipe);
  client = clientContext.wrap(std::move(ends.near), name);
  server = serverContext.wrap(std::move(ends.far));
}

void TlsPair::shake() {
  std::size_t before = 0;
  do {
    before = pipe->forth.calls + pipe->back.calls;
    if (clientShook.isBlocked()) clientShook = client->connect();
    if (serverShook.isBlocked()) serverShook = server->connect();
  } while (pipe->forth.calls + pipe->back.calls != before);
}

void TlsPair::connect() {
  shake();
  ASSERT_TRUE(clientShook.isDone()) << clientShook.code().message() << ' ' << client->why();
  ASSERT_TRUE(serverShook.isDone()) << serverShook.code().message() << ' ' << server->why();
}

std::string receiveAll(net::Stream& stream, net::IoResult& end, std::size_t piece) {
  std::string text;
  std::vector<std::byte> room(piece);
  for (;;) {
    end = stream.receive(room);
    // One call handles only so many records.
    if (end.isBlocked() && stream.pending().received) continue;
    if (!end.isDone()) return text;
    text += help::textOf(std::span(room).first(end.count()));
  }
}

}  // namespace hio::test
