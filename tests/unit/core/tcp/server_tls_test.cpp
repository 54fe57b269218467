#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "hio/core/tcp.hpp"
#include "support/allocations.hpp"
#include "support/pipe_net.hpp"
#include "support/tls_pair.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct ServerTlsTest : testing::Test {
  base::Tymist tymist{0s, 10ms};
  test::PipeNet net;
  std::shared_ptr<net::TlsContext> trusting = net::TlsContext::client(test::trusting());

  ServerOptions options() {
    return {.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net};
  }
  static net::TlsServerConfig strict() {
    net::TlsServerConfig config = test::serving();
    config.clients = ClientCerts::required;
    config.trust.ca.text = test::testCertificates().authority.certificate();
    return config;
  }
  std::unique_ptr<ServerTls> make(const net::TlsServerConfig& config = test::serving()) {
    return openServer<ServerTls>(options(),
                                 ServerTlsOptions{.context = net::TlsContext::server(config)});
  }
  std::unique_ptr<ClientTls> client(std::shared_ptr<net::TlsContext> context = {}) {
    return openClient<ClientTls>(
        {.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net},
        TlsOptions{.context = context ? context : trusting});
  }
  static void turn(ServerTls& server, const std::vector<Client*>& clients) {
    for (int turns = 0; turns < 8; ++turns) {
      for (Client* const each : clients) each->service();
      server.service();
    }
  }
};

// V9
TEST_F(ServerTlsTest, ServesManyClientsWithOneContext) {
  const auto server = make();
  const auto one = client();
  const auto other = client();
  one->tx("one");
  other->tx("other");
  turn(*server, {one.get(), other.get()});
  ASSERT_EQ(server->ixes().size(), 2U);
  EXPECT_EQ(server->cxes(), 0U);
  EXPECT_EQ(server->ix(one->ca()).rxbs().text(), "one");
  EXPECT_EQ(server->ix(other->ca()).rxbs().text(), "other");
  server->ix(one->ca()).tx("reply");
  turn(*server, {one.get(), other.get()});
  EXPECT_EQ(one->rxbs().text(), "reply");
}

// V9: client certificates are required by default.
TEST_F(ServerTlsTest, RequiresClientCertificatesUnlessToldOtherwise) {
  EXPECT_THROW(ServerTls(options(), {.certpath = "server.pem"}), std::exception);
  const auto server = make(strict());
  const auto stranger = client();
  net::TlsClientConfig shown = test::trusting();
  shown.identity = {.key = {.text = test::testCertificates().client.key},
                    .certificate = {.text = test::testCertificates().client.certificate}};
  const auto known = client(net::TlsContext::client(shown));
  turn(*server, {stranger.get(), known.get()});
  ASSERT_EQ(server->ixes().size(), 1U);
  const auto* const remoter = dynamic_cast<RemoterTls*>(&server->ix(known->ca()));
  ASSERT_NE(remoter, nullptr);
  EXPECT_EQ(remoter->tlsInfo().chain.front().subject, "CN=a client");
  EXPECT_EQ(server->refused(), 1U);
  EXPECT_EQ(server->refusal()->code(), net::TlsError::noCertificate);
  EXPECT_TRUE(stranger->cutoff());
}

// V9 fixed: one bad client does not disturb the others.
TEST_F(ServerTlsTest, DropsWhoeverFailsInTheHandshake) {
  const auto server = make();
  Client plain({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  Client gone({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  plain.tx("GET / HTTP/1.1\r\n\r\n");
  const auto good = client();
  turn(*server, {&plain, &gone, good.get()});
  gone.close();
  turn(*server, {&plain, good.get()});
  EXPECT_TRUE(good->connected());
  EXPECT_EQ(server->ixes().size(), 1U);
  EXPECT_EQ(server->refused(), 2U);
  EXPECT_EQ(server->cxes(), 0U);
  EXPECT_THAT(server->refusal()->message(), HasSubstr("shake hands with 127.0.0.1"));
}

// A connection for which there is no memory is lost or waits, and nothing else.
TEST_F(ServerTlsTest, GoesOnAfterEachAllocationThatFails) {
  std::uint64_t nth = 0;
  for (bool failed = true; failed && nth < 1000;) {
    const auto server = make();
    const auto lost = client();
    test::Pipe& pipe = *net.lines.back().pipe;  // takes its bytes without asking for memory
    pipe.forth.bytes.reserve(16384);
    pipe.back.bytes.reserve(16384);
    std::uint64_t left = ++nth;
    for (int turns = 0; turns < 6; ++turns) {
      lost->service();
      try {
        const test::FailingAllocation failing(left);
        struct Rest {
          std::uint64_t& left;
          ~Rest() { left = test::FailingAllocation::left(); }
        } const rest{left};
        server->service();
      } catch (const std::bad_alloc&) {
      }
      (void)server->deadline();
    }
    failed = left == 0;
    tymist.tick(100ms);  // what only lacked memory for the moment is asked again
    const auto good = client();
    turn(*server, {lost.get(), good.get()});
    EXPECT_TRUE(good->connected()) << "allocation " << nth;
    EXPECT_EQ(server->cxes(), 0U) << "allocation " << nth;
  }
  EXPECT_GT(nth, 5U);  // there were that many to fail
  EXPECT_LT(nth, 1000U);
}

TEST_F(ServerTlsTest, DropsAStalledHandshakeAtItsDeadline) {
  const auto server = make();
  Client silent({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  turn(*server, {&silent});
  EXPECT_EQ(server->cxes(), 1U);
  tymist.tyme(9990ms);
  server->service();
  EXPECT_EQ(server->cxes(), 1U);
  tymist.tyme(10s);
  server->service();
  EXPECT_EQ(server->cxes(), 0U);
  EXPECT_EQ(server->refusal()->code(), std::errc::timed_out);
}

TEST_F(ServerTlsTest, BoundsTheHandshakesInProgress) {
  ServerTls server(options(),
                   {.context = net::TlsContext::server(test::serving()), .maxHandshakes = 2});
  server.open();
  std::vector<std::unique_ptr<ClientTls>> clients;
  for (int count = 0; count < 5; ++count) clients.push_back(client());
  for (const auto& each : clients) each->service();
  server.service();
  EXPECT_EQ(server.cxes(), 2U);
  std::vector<Client*> all;
  for (const auto& each : clients) all.push_back(each.get());
  turn(server, all);
  turn(server, all);
  EXPECT_EQ(server.ixes().size(), 5U);
}

TEST_F(ServerTlsTest, StepsOfHandshakesShareOneVisitsWork) {
  ServerTls server(options(),
                   {.context = net::TlsContext::server(test::serving()), .maxHandshakeSteps = 2});
  server.open();
  std::vector<std::unique_ptr<ClientTls>> clients;
  for (int count = 0; count < 9; ++count) clients.push_back(client());
  for (int turns = 0; turns < 4; ++turns) {
    for (const auto& each : clients) each->service();
  }
  const auto answered = [this] {
    return std::count_if(net.lines.begin(), net.lines.end(),
                         [](const auto& line) { return !line.pipe->back.bytes.empty(); });
  };
  for (int visits = 1; visits <= 4; ++visits) {
    server.service();
    EXPECT_EQ(answered(), 2 * visits);
    EXPECT_EQ(server.deadline(), tymist.tyme());  // others wait in line
  }
  for (int turns = 0; turns < 20; ++turns) {
    for (const auto& each : clients) each->service();
    server.service();
  }
  EXPECT_EQ(server.ixes().size(), 9U);
}

TEST_F(ServerTlsTest, ASilentHandshakeGivesWayWhenThePlacesAreTaken) {
  ServerTls server(options(),
                   {.context = net::TlsContext::server(test::serving()), .maxHandshakes = 2});
  server.open();
  Client silent({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  Client talks({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  talks.tx("\x16\x03\x01");
  turn(server, {&silent, &talks});
  const auto good = client();
  turn(server, {&silent, &talks, good.get()});
  EXPECT_FALSE(good->connected());
  EXPECT_EQ(server.deadline(), 100ms);
  tymist.tyme(100ms);
  turn(server, {&silent, &talks, good.get()});
  EXPECT_TRUE(good->connected());
  EXPECT_TRUE(silent.cutoff());
  EXPECT_FALSE(talks.cutoff());
  EXPECT_EQ(server.refused(), 1U);
  EXPECT_THAT(server.refusal()->message(), HasSubstr("gave way to a new connection"));
  EXPECT_EQ(server.refusal()->code(), std::errc::timed_out);
}

// Connections that stand count, too: those in their handshake give way in a full server.
TEST_F(ServerTlsTest, ASilentHandshakeGivesWayInAFullServer) {
  ServerOptions small = options();
  small.maxConnections = 2;
  ServerTls server(small, {.context = net::TlsContext::server(test::serving())});
  server.open();
  const auto stands = client();
  Client silent({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  turn(server, {stands.get(), &silent});
  tymist.tyme(100ms);
  const auto good = client();
  turn(server, {stands.get(), &silent, good.get()});
  EXPECT_TRUE(stands->connected());
  EXPECT_TRUE(good->connected());
  EXPECT_TRUE(silent.cutoff());
}

TEST_F(ServerTlsTest, AClockSetBackStartsHandshakesAnew) {
  tymist.tyme(1h);
  const auto server = make();
  Client silent({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  turn(*server, {&silent});
  tymist.tyme(0s);
  EXPECT_EQ(server->deadline(), 0s);
  turn(*server, {&silent});
  EXPECT_EQ(server->cxes(), 1U);
  EXPECT_EQ(server->deadline(), 10s);
  tymist.tyme(10s);
  turn(*server, {&silent});
  EXPECT_EQ(server->cxes(), 0U);
}

// Without a poller some of them are asked in each service(), and all in turns.
TEST_F(ServerTlsTest, AsksSilentHandshakesInTurns) {
  const auto server = make();
  std::deque<Client> silent;
  std::vector<Client*> all;
  for (int count = 0; count < 200; ++count) {
    silent.emplace_back(
        ClientOptions{.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
    all.push_back(&silent.back());
  }
  turn(*server, all);
  EXPECT_EQ(server->cxes(), 200U);
  // The next service() is due at once until each of them has been asked.
  int visits = 0;
  while (server->deadline() == tymist.tyme() && ++visits < 100) server->service();
  EXPECT_LE(visits, 4);
  EXPECT_EQ(server->deadline(), 10s);
  const auto good = client();
  for (int turns = 0; turns < 20; ++turns) turn(*server, {good.get()});
  EXPECT_TRUE(good->connected());
}

// V9 fixed: close() leaves nothing behind.
TEST_F(ServerTlsTest, CloseForgetsHandshakesToo) {
  const auto server = make();
  Client silent({.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net});
  turn(*server, {&silent});
  server->close();
  EXPECT_EQ(server->cxes(), 0U);
  silent.service();
  EXPECT_TRUE(silent.cutoff());
}

TEST_F(ServerTlsTest, RefusesContradictingOptions) {
  const auto context = net::TlsContext::server(test::serving());
  EXPECT_THROW(ServerTls(options(), {.context = context, .certpath = "a.pem"}),
               std::invalid_argument);
  EXPECT_THROW(ServerTls(options(), {.context = trusting}), std::invalid_argument);
  EXPECT_THROW(ServerTls(options(), {.context = context, .maxHandshakes = 0}),
               std::invalid_argument);
  EXPECT_THROW(ServerTls(options(), {.context = context, .maxHandshakeSteps = 0}),
               std::invalid_argument);
  EXPECT_THROW(ServerTls(options(), {.context = context, .handshakeTimeout = 0s}),
               std::invalid_argument);
  EXPECT_THROW(ServerTls(options(), {}), std::invalid_argument);
}

// A reload serves the next handshakes; connections that stand go on.
TEST_F(ServerTlsTest, ReloadsWhileConnectionsStand) {
  const auto server = make();
  const auto before = client();
  turn(*server, {before.get()});
  server->context()->reload();
  const auto after = client();
  turn(*server, {before.get(), after.get()});
  before->tx("still here");
  turn(*server, {before.get(), after.get()});
  EXPECT_EQ(server->ixes().size(), 2U);
  EXPECT_EQ(server->ix(before->ca()).rxbs().text(), "still here");
}

}  // namespace
}  // namespace hio::core::tcp
