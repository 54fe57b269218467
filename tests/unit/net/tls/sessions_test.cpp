// Sessions are resumed when they may be, and only then.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <string>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using net::TlsContext;

// Whether one more connection of these contexts was a resumed one. Its tickets are read.
bool resumes(TlsContext& client, TlsContext& server, std::string_view name = "good.test",
             std::uint16_t port = 443) {
  TlsPair tls(client, server, name);
  tls.pipe->far.port = port;
  tls.connect();
  if (testing::Test::HasFatalFailure()) return false;
  IoResult end = tls.clientShook;
  EXPECT_TRUE(tls.server->send(help::bytesOf("words")).isDone());
  EXPECT_EQ(receiveAll(*tls.client, end), "words");
  EXPECT_EQ(tls.client->info().resumed, tls.server->info().resumed);
  // Also then it is known who the far side is.
  EXPECT_FALSE(tls.client->info().chain.empty());
  (void)tls.client->shutdown(net::Direction::both);
  return tls.client->info().resumed;
}

class TlsSessions : public TlsVersions {
 protected:
  std::shared_ptr<TlsContext> client_ = TlsContext::client(trusting(GetParam()));
  std::shared_ptr<TlsContext> server_ = TlsContext::server(serving(GetParam()));
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsSessions, eachVersion(), nameOfVersion);

TEST_P(TlsSessions, AreResumedForTheSameNameAndPort) {
  EXPECT_FALSE(resumes(*client_, *server_));
  for (int again = 0; again < 5; ++again) EXPECT_TRUE(resumes(*client_, *server_));
}

TEST_P(TlsSessions, AreNotResumedForAnotherName) {
  EXPECT_FALSE(resumes(*client_, *server_, "good.test"));
  EXPECT_FALSE(resumes(*client_, *server_, "127.0.0.1"));
  EXPECT_TRUE(resumes(*client_, *server_, "127.0.0.1"));
  EXPECT_TRUE(resumes(*client_, *server_, "good.test"));
}

// A name that is refused in full is refused after a session of another name, too.
TEST_P(TlsSessions, DoNotLetAWrongNameIn) {
  EXPECT_FALSE(resumes(*client_, *server_, "good.test"));
  for (int again = 0; again < 2; ++again) {
    TlsPair tls(*client_, *server_, "bad.test");
    tls.shake();
    EXPECT_EQ(tls.clientShook.code(), net::tlsVerdict(62));
  }
}

TEST_P(TlsSessions, AreNotResumedForAnotherPort) {
  EXPECT_FALSE(resumes(*client_, *server_, "good.test", 443));
  EXPECT_FALSE(resumes(*client_, *server_, "good.test", 444));
  EXPECT_TRUE(resumes(*client_, *server_, "good.test", 443));
}

TEST_P(TlsSessions, AreNotSharedByContexts) {
  EXPECT_FALSE(resumes(*client_, *server_));
  const auto other = TlsContext::client(trusting(GetParam()));
  EXPECT_FALSE(resumes(*other, *server_));
  EXPECT_TRUE(resumes(*client_, *server_));
}

TEST_P(TlsSessions, AreOffWithOneOptionOfEitherSide) {
  net::TlsClientConfig config = trusting(GetParam());
  config.protocol.resume = false;
  const auto client = TlsContext::client(config);
  net::TlsServerConfig serverConfig = serving(GetParam());
  serverConfig.protocol.resume = false;
  const auto server = TlsContext::server(serverConfig);
  for (int again = 0; again < 3; ++again) {
    EXPECT_FALSE(resumes(*client, *server_));
    EXPECT_FALSE(resumes(*client_, *server));
  }
}

// A ticket that the server does not know: its keys are new.
TEST_P(TlsSessions, ATicketOfAnotherServerMakesAFullHandshake) {
  EXPECT_FALSE(resumes(*client_, *server_));
  const auto other = TlsContext::server(serving(GetParam()));
  EXPECT_FALSE(resumes(*client_, *other));
  EXPECT_TRUE(resumes(*client_, *other));
}

TEST_P(TlsSessions, ReloadForgetsThemAndSparesConnections) {
  EXPECT_FALSE(resumes(*client_, *server_));
  TlsPair shaking(*client_, *server_);
  EXPECT_TRUE(shaking.client->connect().isBlocked());  // its hello is on the way
  TlsPair standing(*client_, *server_);
  standing.connect();
  client_->reload();
  server_->reload();
  shaking.connect();
  for (TlsPair* const tls : {&shaking, &standing}) {
    IoResult end = tls->clientShook;
    ASSERT_TRUE(tls->server->send(help::bytesOf("words")).isDone());
    EXPECT_EQ(receiveAll(*tls->client, end), "words");
    ASSERT_TRUE(tls->client->send(help::bytesOf("and back")).isDone());
    EXPECT_EQ(receiveAll(*tls->server, end), "and back");
  }
  // Also those that came over connections from before it.
  EXPECT_FALSE(resumes(*client_, *server_));
  EXPECT_TRUE(resumes(*client_, *server_));
}

TEST_P(TlsSessions, ClientReloadForgetsThem) {
  EXPECT_FALSE(resumes(*client_, *server_));
  client_->reload();
  EXPECT_FALSE(resumes(*client_, *server_));
}

// The certificate was judged when the session was made; now it has expired.
TEST_P(TlsSessions, DoNotOutliveTheCertificate) {
  net::TlsClientConfig config = trusting(GetParam());
  auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  config.trust.time = [&now] { return now; };
  const auto client = TlsContext::client(config);
  EXPECT_FALSE(resumes(*client, *server_));
  EXPECT_TRUE(resumes(*client, *server_));
  now += 24h * 100;
  TlsPair tls(*client, *server_);
  tls.shake();
  EXPECT_EQ(tls.clientShook.code(), net::tlsVerdict(10)) << tls.clientShook.code().message();
}

// The server finds by its own clock that a ticket is too old, and shakes hands in full.
TEST_P(TlsSessions, AnExpiredTicketMakesAFullHandshake) {
  const auto connect = [&](SSL_CTX* keep, long lifetime) {
    // One server's context for both connections: its keys are what tickets are read with.
    RawPair tls(*client_, GetParam(), keep);
    SSL_CTX_set_timeout(keep, lifetime);
    tls.connect();
    tls.server->send("words");
    IoResult end = tls.shook;
    EXPECT_EQ(receiveAll(*tls.client, end), "words");
    EXPECT_EQ(tls.client->info().resumed, SSL_session_reused(tls.server->ssl()) == 1);
    (void)tls.client->shutdown(net::Direction::both);
    return tls.client->info().resumed;
  };
  for (const bool expired : {false, true}) {
    client_->reload();
    RawPair first(*client_, GetParam());
    SSL_CTX* const keep = first.server->context();
    const long lifetime = expired ? -1 : 300;
    EXPECT_FALSE(connect(keep, lifetime));
    EXPECT_EQ(connect(keep, lifetime), !expired);
  }
}

// That is when a reconnecting client needs them most.
TEST_P(TlsSessions, AreResumedAlsoAfterAConnectionThatBroke) {
  {
    TlsPair tls(*client_, *server_);
    tls.connect();
    tls.pipe->back.reset = std::make_error_code(std::errc::connection_reset);
    IoResult end = tls.clientShook;
    EXPECT_EQ(receiveAll(*tls.client, end), "");
    EXPECT_TRUE(end.isError());
    (void)tls.client->shutdown(net::Direction::both);
  }
  TlsPair tls(*client_, *server_);
  tls.connect();
  EXPECT_TRUE(tls.client->info().resumed);
}

// A session that a client was given is not one that it accepts: one whose far side never proved
// who it is.
TEST_P(TlsSessions, AreNotKeptOfARefusedServer) {
  const tool::Authority stranger("Stranger");
  const tool::KeyAndCertificate own = stranger.issue({"good.test"});
  net::TlsServerConfig config = serving(GetParam());
  config.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}};
  const auto server = TlsContext::server(config);
  for (int again = 0; again < 3; ++again) {
    TlsPair tls(*client_, *server);
    tls.shake();
    EXPECT_TRUE(net::verdictOf(tls.clientShook.code()).has_value());
  }
}

// A server that demands certificates knows the client of a resumed session, and judges it.
TEST_P(TlsSessions, KeepTheClientsCertificate) {
  net::TlsServerConfig config = serving(GetParam());
  config.trust.ca.text = testCertificates().authority.certificate();
  config.clients = net::ClientCerts::required;
  auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  config.trust.time = [&now] { return now; };
  const auto server = TlsContext::server(config);
  net::TlsClientConfig known = trusting(GetParam());
  const auto& own = testCertificates().client;
  known.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}};
  const auto client = TlsContext::client(known);
  EXPECT_FALSE(resumes(*client, *server));
  {
    TlsPair tls(*client, *server);
    tls.pipe->far.port = 443;
    tls.connect();
    EXPECT_TRUE(tls.server->info().resumed);
    ASSERT_FALSE(tls.server->info().chain.empty());
    EXPECT_EQ(tls.server->info().chain.front().names.front(), "a client");
    IoResult end = tls.clientShook;
    EXPECT_EQ(receiveAll(*tls.client, end), "");
  }
  now += 24h * 100;
  TlsPair tls(*client, *server);
  tls.pipe->far.port = 443;
  tls.shake();
  EXPECT_EQ(tls.serverShook.code(), net::tlsVerdict(10)) << tls.serverShook.code().message();
}

}  // namespace
}  // namespace hio::test
