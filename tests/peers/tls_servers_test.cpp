// ClientTls against TLS servers made by others, on TLS 1.2 and 1.3.
#include <memory>

#include "peers/tls_peer.hpp"

namespace hio::peers {
namespace {

using core::tcp::ClientOptions;
using core::tcp::ClientTls;
using core::tcp::nameOf;
using core::tcp::TlsOptions;

// ---- the servers --------------------------------------------------------------------------------

Command openssl(const Needs& needs) {
  Command command{"openssl", "s_server", "-quiet", needs.is13() ? "-tls1_3" : "-tls1_2"};
  append(command, true,
         {"-accept", "127.0.0.1:" + std::to_string(needs.port), "-cert", needs.file("server.pem"),
          "-key", needs.file("server.key")});
  append(command, needs.certificates,
         {"-Verify", "1", "-verify_return_error", "-CAfile", needs.file("ca.pem")});
  append(command, !needs.alpn.empty(), {"-alpn", needs.alpn});
  return command;
}

Command gnutls(const Needs& needs) {
  Command command{"gnutls-serv", "--echo", "--quiet", "--port=" + std::to_string(needs.port)};
  append(command, true,
         {"--x509certfile=" + needs.file("server.pem"), "--x509keyfile=" + needs.file("server.key"),
          gnutlsPriority(needs)});
  append(command, needs.certificates,
         {"--require-client-cert", "--verify-client-cert", "--x509cafile=" + needs.file("ca.pem")});
  append(command, !needs.certificates, {"--disable-client-cert"});
  append(command, !needs.alpn.empty(), {"--alpn=" + needs.alpn});
  return command;
}

Command nginx(const Needs& needs) {
  std::ofstream config(needs.file("nginx.conf"));
  config << "daemon off; master_process off; pid " << needs.file("pid") << "; error_log stderr;\n"
         << "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
         << "events {}\n"
         << "stream { server { listen 127.0.0.1:" << needs.port << " ssl;\n"
         << "  ssl_certificate " << needs.file("server.pem") << ";\n"
         << "  ssl_certificate_key " << needs.file("server.key") << ";\n"
         << "  ssl_protocols " << (needs.is13() ? "TLSv1.3" : "TLSv1.2") << ";\n"
         << "  ssl_session_cache shared:all:1m;\n"
         << "  proxy_pass 127.0.0.1:" << needs.plainPort << ";\n";
  if (needs.certificates) {
    config << "  ssl_verify_client on; ssl_client_certificate " << needs.file("ca.pem") << ";\n";
  }
  if (!needs.alpn.empty()) config << "  ssl_alpn " << needs.alpn << ";\n";
  config << "} }\n";
  return {"nginx", "-c", needs.file("nginx.conf"), "-p", needs.folder, "-e", "stderr"};
}

Command stunnel(const Needs& needs) {
  const char* const version = needs.is13() ? "TLSv1.3" : "TLSv1.2";
  std::ofstream config(needs.file("stunnel.conf"));
  config << "foreground = yes\npid =\nsyslog = no\n[echo]\n"
         << "accept = 127.0.0.1:" << needs.port << '\n'
         << "connect = 127.0.0.1:" << needs.plainPort << '\n'
         << "cert = " << needs.file("server.pem") << '\n'
         << "key = " << needs.file("server.key") << '\n'
         << "sslVersion = " << version << '\n';
  if (needs.certificates) {
    config << "requireCert = yes\nverifyChain = yes\nCAfile = " << needs.file("ca.pem") << '\n';
  }
  return {"stunnel4", needs.file("stunnel.conf")};
}

const std::vector<Peer>& servers() {
  static const std::vector<Peer> all{
      {"openssl", BothVersions, echo | answer | endFirst | alpn | resume | demand, openssl},
      {"gnutls", BothVersions, echo | answer | alpn | resume | demand, gnutls, 50},
      {"wolfssl", BothVersions, echo | answer | endFirst | linger | alpn | demand | exitCode,
       [](const Needs& needs) { return ownCommand({HIO_PEER_WOLFSSL}, "server", needs); }, 0},
      {"mbedtls", OnlyTls12, echo | answer | endFirst | linger | alpn | demand | exitCode,
       [](const Needs& needs) { return ownCommand({HIO_PEER_MBEDTLS}, "server", needs); }, 0},
      {"python", BothVersions,
       echo | answer | endFirst | linger | alpn | resume | demand | exitCode,
       [](const Needs& needs) {
         return ownCommand({"python3", HIO_PEER_PYTHON}, "server", needs);
       }},
      // Says close_notify only when it is the one to end, and then closes both halves.
      {"nginx", BothVersions, echo | endFirst | alpn | resume | demand, nginx, 0, 0},
      {"stunnel", BothVersions, echo | answer | endFirst | linger | resume | demand, stunnel},
  };
  return all;
}

// ---- the client ---------------------------------------------------------------------------------

class TlsServers : public RealTls {
 protected:
  TlsServers() {
    needs.port = test::freePort();
    needs.plainPort = backend.port();
  }

  void start() {
    run();
    process->awaitPort(needs.port);
  }
  ClientOptions options() { return {.port = needs.port, .tymth = tymist.tymen()}; }
  TlsOptions trusting() const {
    TlsOptions tls;
    tls.certedhost = needs.name;
    tls.cafilepath = needs.file(needs.ca);
    return tls;
  }
  TlsOptions with(const net::TlsClientConfig& config) const {
    TlsOptions tls;
    tls.context = net::TlsContext::client(config);
    tls.certedhost = needs.name;
    return tls;
  }
  void open(const ClientOptions& options, const TlsOptions& tls) {
    client = std::make_unique<ClientTls>(options, tls);
    client->reopen();
  }
  void connect() {
    open(options(), trusting());
    ASSERT_TRUE(comes([&] { return client->connected(); }));
    EXPECT_EQ(client->tlsInfo().version, nameOf(needs.version));
  }
  // A line there and back: all is well.
  void ping() {
    plain.echoes = true;
    client->clearRxbs();
    client->tx("ping\n");
    ASSERT_TRUE(comes([&] { return client->rxbs().text() == "ping\n"; }));
  }
  void turn() override {
    if (client->opened()) client->service();  // a closed one would connect again
    if (backend.waiting()) plain.connection(backend.accept());
  }
  std::string state() override {
    return std::string(nameOf(client->phase())) + ", " + std::to_string(client->rxbs().size()) +
           " bytes received, " + std::to_string(client->txbs().size()) + " unsent, " +
           (client->failure() ? client->failure()->message() : "no failure");
  }
  // Not connected, and why.
  testing::AssertionResult fails() {
    return comes([&] { return client->failure() != nullptr; });
  }

  test::RawListener backend;  // for servers that pass the plain bytes on
  std::unique_ptr<ClientTls> client;
};

struct TlsServerEcho : TlsServers {};

TEST_P(TlsServerEcho, GivesMuchBack) {
  start();
  connect();
  plain.echoes = true;
  const std::string text = linesOf(peer().much);
  client->tx(text);
  ASSERT_TRUE(comes([&] { return client->rxbs().size() >= text.size(); }));
  EXPECT_TRUE(client->rxbs().text() == text);
  EXPECT_EQ(client->failure(), nullptr);
}

TEST_P(TlsServerEcho, TakesOurCloseForACleanEnd) {
  start();
  connect();
  ping();
  client->close();
  expectCode(0);
}

TEST_P(TlsServerEcho, KilledWhileIdleIsTruncated) {
  start();
  connect();
  ping();
  process->kill();
  ASSERT_TRUE(comes([&] { return client->cutoff(); }));
  ASSERT_NE(client->failure(), nullptr);
  EXPECT_EQ(client->failure()->code(), net::TlsError::truncated) << state();
}

TEST_P(TlsServerEcho, KilledInTheMiddleIsACut) {
  start();
  connect();
  plain.echoes = true;
  const std::string text = linesOf(peer().much);
  client->tx(text);
  ASSERT_TRUE(comes([&] { return client->rxbs().size() > peer().much / 10; }));
  process->kill();
  ASSERT_TRUE(comes([&] { return client->cutoff(); }));
  ASSERT_NE(client->failure(), nullptr);
  EXPECT_TRUE(isCut(*client->failure())) << state();
  EXPECT_TRUE(text.starts_with(client->rxbs().text()));
}

TEST_P(TlsServerEcho, OfAnotherNameIsRefused) {
  needs.name = "other.test";
  start();
  open(options(), trusting());
  ASSERT_TRUE(fails());
  const core::tcp::Failure& failure = *client->failure();
  EXPECT_EQ(net::verdictOf(failure.code()), 62) << failure.message();
  EXPECT_NE(failure.message().find("other.test"), std::string::npos) << failure.message();
  EXPECT_NE(failure.message().find("good.test"), std::string::npos) << failure.message();
  EXPECT_EQ(client->epoch(), 0U);
}

TEST_P(TlsServerEcho, OfAStrangeAuthorityIsRefused) {
  needs.ca = "strange.pem";
  start();
  open(options(), trusting());
  ASSERT_TRUE(fails());
  const core::tcp::Failure& failure = *client->failure();
  EXPECT_THAT(net::verdictOf(failure.code()).value_or(0), testing::AnyOf(19, 20, 21))
      << failure.message();
  EXPECT_NE(failure.message().find("good.test"), std::string::npos) << failure.message();
  EXPECT_EQ(client->epoch(), 0U);
}

struct TlsServerAnswer : TlsServers {};

TEST_P(TlsServerAnswer, ToOurEndIsClean) {
  start();
  connect();
  ping();
  client->shutdownSend();
  EXPECT_TRUE(comes([&] { return client->cutoff(); }));
  EXPECT_EQ(client->failure(), nullptr) << state();
  expectCode(0);
}

struct TlsServerEnd : TlsServers {};

TEST_P(TlsServerEnd, BeforeOursIsClean) {
  start();
  connect();
  ping();
  plain.end();
  EXPECT_TRUE(comes([&] { return client->cutoff(); }));
  EXPECT_EQ(client->failure(), nullptr) << state();
  client->close();
  expectCode(0);
}

struct TlsServerHalfClose : TlsServers {};

TEST_P(TlsServerHalfClose, SendsOnAfterOurEnd) {
  needs.lingers = true;
  start();
  connect();
  ping();
  plain.echoes = false;
  client->shutdownSend();
  ASSERT_TRUE(comes([&] { return plain.ended(); }));
  client->clearRxbs();
  const std::string text = linesOf(peer().much / 10);
  plain.send(text);
  plain.end();
  ASSERT_TRUE(comes([&] { return client->cutoff(); }));
  EXPECT_TRUE(client->rxbs().text() == text) << client->rxbs().size();
  EXPECT_EQ(client->failure(), nullptr) << state();
  expectCode(0);
}

struct TlsServerDemand : TlsServers {
  TlsServerDemand() { needs.certificates = true; }
};

TEST_P(TlsServerDemand, TakesOurCertificate) {
  start();
  TlsOptions tls = trusting();
  tls.keypath = needs.file("client.key");
  tls.certpath = needs.file("client.pem");
  open(options(), tls);
  ASSERT_TRUE(comes([&] { return client->connected(); }));
  ping();
  EXPECT_EQ(client->failure(), nullptr);
}

TEST_P(TlsServerDemand, RefusesUsWithoutOne) {
  start();
  open(options(), trusting());
  ASSERT_TRUE(comes([&] { return client->failure() || client->cutoff(); }));
  const int alert = needs.is13() ? peer().alert13 : peer().alert12;
  const auto got = client->failure() ? net::alertOf(client->failure()->code()) : std::nullopt;
  EXPECT_EQ(got.value_or(0), alert) << state() << told();
  EXPECT_TRUE(client->rxbs().empty());
}

struct TlsServerAlpn : TlsServers {};

TEST_P(TlsServerAlpn, TakesTheProtocolThatBothHave) {
  needs.alpn = "echo/1";
  start();
  net::TlsClientConfig config = test::trusting();
  config.protocol.alpn = {"other/1", "echo/1"};
  open(options(), with(config));
  ASSERT_TRUE(comes([&] { return client->connected(); }));
  EXPECT_EQ(client->tlsInfo().alpn, "echo/1");
  ping();
}

struct TlsServerResume : TlsServers {};

TEST_P(TlsServerResume, ResumesTheSessionOfTheSameContext) {
  start();
  const TlsOptions tls = with(test::trusting());
  for (const bool resumed : {false, true, true}) {
    open(options(), tls);
    ASSERT_TRUE(comes([&] { return client->connected(); }));
    EXPECT_EQ(client->tlsInfo().resumed, resumed);
    ping();  // with TLS 1.3 the session comes after the handshake
    client->shutdownSend();
    ASSERT_TRUE(comes([&] { return client->cutoff(); }));
    client->close();
  }
}

INSTANTIATE_TEST_SUITE_P(Real, TlsServerEcho, testing::ValuesIn(casesOf(servers(), echo)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerAnswer, testing::ValuesIn(casesOf(servers(), answer)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerEnd, testing::ValuesIn(casesOf(servers(), endFirst)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerHalfClose, testing::ValuesIn(casesOf(servers(), linger)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerDemand, testing::ValuesIn(casesOf(servers(), demand)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerAlpn, testing::ValuesIn(casesOf(servers(), alpn)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsServerResume, testing::ValuesIn(casesOf(servers(), resume)),
                         nameOfCase);

}  // namespace
}  // namespace hio::peers
