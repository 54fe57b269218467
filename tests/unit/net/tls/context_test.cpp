// What the streams of one context share, and what a server asks its clients for.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

class TlsContexts : public TlsVersions {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsContexts, eachVersion(), nameOfVersion);

// The names of that many do not fit into the request for a certificate.
TEST_P(TlsContexts, AServerMayTrustAnyNumberOfAuthorities) {
  std::string others;
  for (int number = 0; number < 1000; ++number) {
    others += tool::Authority(std::string(56, 'n') + std::to_string(number)).certificate();
  }
  net::TlsClientConfig client = trusting(GetParam());
  const auto& own = testCertificates().client;
  client.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}};
  net::TlsServerConfig server = serving(GetParam());
  server.clients = net::ClientCerts::required;
  server.trust.ca.text = testCertificates().authority.certificate() + others;
  {
    TlsPair tls(client, server);
    tls.connect();
    EXPECT_FALSE(tls.server->info().chain.empty());
  }
  // Certificates of others are refused as before.
  const tool::KeyAndCertificate strange = tool::Authority("Stranger").issue({"a client"});
  client.identity = {.key = {.text = strange.key}, .certificate = {.text = strange.certificate}};
  TlsPair tls(client, server);
  tls.shake();
  EXPECT_EQ(tls.serverShook.code(), net::tlsVerdict(20)) << tls.serverShook.code().message();
}

TEST_P(TlsContexts, TheKeyLogIsCalledByOneThreadAtATime) {
  std::atomic<int> inside = 0;
  std::atomic<int> lines = 0;
  std::atomic<bool> overlapped = false;
  net::TlsClientConfig config = trusting(GetParam());
  config.protocol.resume = false;
  config.protocol.keyLog = [&](std::string_view) {
    if (inside.fetch_add(1) != 0) overlapped = true;
    for (int turn = 0; turn < 20; ++turn) std::this_thread::yield();
    inside.fetch_sub(1);
    ++lines;
  };
  const auto client = net::TlsContext::client(config);
  const auto server = net::TlsContext::server(serving(GetParam()));
  std::vector<std::thread> threads;
  std::atomic<int> connected = 0;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (int time = 0; time < 10; ++time) {
        client->reload();  // the same turn for what was loaded before and after
        TlsPair tls(*client, *server);
        tls.shake();
        if (tls.clientShook.isDone()) ++connected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(connected, 40);
  EXPECT_GE(lines, 40);
  EXPECT_FALSE(overlapped);
}

}  // namespace
}  // namespace hio::test
