// ServerTls against TLS clients made by others, on TLS 1.2 and 1.3.
#include <memory>

#include "peers/tls_peer.hpp"

namespace hio::peers {
namespace {

using core::tcp::ClientCerts;
using core::tcp::Remoter;
using core::tcp::RemoterTls;
using core::tcp::ServerOptions;
using core::tcp::ServerTls;
using core::tcp::ServerTlsOptions;

// ---- the clients --------------------------------------------------------------------------------

Command openssl(const Needs& needs) {
  Command command{"openssl", "s_client", "-quiet", "-no_ign_eof", "-nocommands"};
  append(command, true,
         {needs.is13() ? "-tls1_3" : "-tls1_2", "-connect",
          "127.0.0.1:" + std::to_string(needs.port), "-servername", needs.name});
  append(command, true,
         {"-verify_return_error", "-verify_hostname", needs.name, "-CAfile", needs.file(needs.ca)});
  append(command, needs.certificates,
         {"-cert", needs.file("client.pem"), "-key", needs.file("client.key")});
  append(command, !needs.alpn.empty(), {"-alpn", needs.alpn});
  append(command, true, {needs.resumes ? "-sess_in" : "-sess_out", needs.file("session")});
  return command;
}

Command gnutls(const Needs& needs) {
  Command command{"gnutls-cli", "--logfile=" + needs.file("gnutls.log"), gnutlsPriority(needs),
                  "--port=" + std::to_string(needs.port)};
  append(command, true,
         {"--sni-hostname=" + needs.name, "--verify-hostname=" + needs.name,
          "--x509cafile=" + needs.file(needs.ca)});
  append(
      command, needs.certificates,
      {"--x509certfile=" + needs.file("client.pem"), "--x509keyfile=" + needs.file("client.key")});
  append(command, !needs.alpn.empty(), {"--alpn=" + needs.alpn});
  append(command, true, {"127.0.0.1"});
  return command;
}

Command stunnel(const Needs& needs) {
  std::ofstream config(needs.file("stunnel.conf"));
  config << "foreground = quiet\npid =\nsyslog = no\noutput = " << needs.file("stunnel.log")
         << "\nclient = yes\nconnect = 127.0.0.1:" << needs.port << "\nsni = " << needs.name
         << "\ncheckHost = " << needs.name
         << "\nverifyChain = yes\nCAfile = " << needs.file(needs.ca)
         << "\nsslVersion = " << (needs.is13() ? "TLSv1.3" : "TLSv1.2") << '\n';
  if (needs.certificates) {
    config << "cert = " << needs.file("client.pem") << "\nkey = " << needs.file("client.key")
           << '\n';
  }
  return {"stunnel4", needs.file("stunnel.conf")};
}

// Runs a program to its end.
void make(const Needs& needs, const Command& command) {
  test::Process process(command, needs.file("nss.log"));
  test::turnUntil([&] { return !process.running(); }, [] {});
  if (process.code() != 0) throw std::runtime_error(command.front() + ": " + process.printed());
}

// NSS takes certificates from a data base.
Command nss(const Needs& needs) {
  const std::string base = "sql:" + needs.folder;
  make(needs, {"certutil", "-N", "-d", base, "--empty-password"});
  make(needs,
       {"certutil", "-A", "-d", base, "-n", "ca", "-t", "C,,", "-a", "-i", needs.file(needs.ca)});
  const std::string version = needs.is13() ? "tls1.3" : "tls1.2";
  Command command{"tstclnt", "-O",       "-h", "127.0.0.1", "-p", std::to_string(needs.port),
                  "-a",      needs.name, "-d", base,        "-V", version + ':' + version};
  if (needs.certificates) {
    const std::string bundle = needs.file("client.p12");
    make(needs, {"openssl", "pkcs12", "-export", "-in", needs.file("client.pem"), "-inkey",
                 needs.file("client.key"), "-name", "client", "-passout", "pass:", "-out", bundle});
    make(needs, {"pk12util", "-d", base, "-i", bundle, "-W", "", "-K", ""});
    append(command, true, {"-n", "client"});
  }
  return command;
}

const std::vector<Peer>& clients() {
  static const std::vector<Peer> all{
      {"openssl", BothVersions, endFirst | alpn | resume, openssl},
      // Takes its input byte by byte.
      {"gnutls", BothVersions, endFirst | receiveOn | alpn, gnutls, 40, 116, 2U << 20U},
      {"wolfssl", BothVersions, endFirst | receiveOn | linger | alpn | exitCode,
       [](const Needs& needs) { return ownCommand({HIO_PEER_WOLFSSL}, "client", needs); }},
      {"mbedtls", OnlyTls12, endFirst | receiveOn | linger | alpn | exitCode,
       [](const Needs& needs) { return ownCommand({HIO_PEER_MBEDTLS}, "client", needs); }},
      {"python", BothVersions, endFirst | receiveOn | linger | alpn | exitCode,
       [](const Needs& needs) {
         return ownCommand({"python3", HIO_PEER_PYTHON}, "client", needs);
       }},
      {"stunnel", BothVersions, endFirst | receiveOn, stunnel},
      // Never ends first.
      {"nss", BothVersions, 0, nss},
  };
  return all;
}

// ---- the server ---------------------------------------------------------------------------------

class TlsClients : public RealTls {
 protected:
  void serve(ClientCerts certificates = ClientCerts::none, bool halfOpen = false) {
    net::TlsServerConfig config = test::serving();
    config.clients = certificates;
    if (certificates != ClientCerts::none) {
      config.trust.ca.text = test::testCertificates().authority.certificate();
    }
    if (!needs.alpn.empty()) config.protocol.alpn = {"other/1", needs.alpn};
    ServerTlsOptions tls;
    tls.context = net::TlsContext::server(config);
    ServerOptions options;
    options.host = "127.0.0.1";
    options.port = 0;
    options.tymth = tymist.tymen();
    options.halfOpen = halfOpen;
    server = std::make_unique<ServerTls>(options, tls);
    ASSERT_TRUE(server->reopen());
    needs.port = server->eha().port;
  }
  // A client runs and is connected.
  void connect() {
    run();
    ASSERT_TRUE(comes([&] { return !server->ixes().empty(); }));
    EXPECT_EQ(info().version, nameOf(needs.version));
  }
  // The only connection there is.
  Remoter& remoter() const { return *server->ixes().begin()->second; }
  net::TlsInfo info() const { return dynamic_cast<RemoterTls&>(remoter()).tlsInfo(); }
  // A line there and back: all is well.
  void ping() {
    plain.got.clear();
    plain.send("ping\n");
    ASSERT_TRUE(comes([&] { return plain.got == "ping\n"; }));
  }
  // All but the removal of those that have ended, and everything that comes is sent back.
  void turn() override {
    server->serviceConnects();
    server->serviceReceivesAllIx();
    for (const auto& [address, each] : server->ixes()) {
      if (echoes && each->tx(each->rxbs().view())) each->clearRxbs();
    }
    server->serviceSendsAllIx();
  }
  std::string state() override {
    std::string text = std::to_string(server->cxes()) + " in handshake, " +
                       std::to_string(server->refused()) + " refused";
    if (server->refusal()) text += ", " + server->refusal()->message();
    for (const auto& [address, each] : server->ixes()) {
      text += '\n' + address.text() + ": " + std::to_string(each->rxbs().size()) +
              " bytes received, " + std::to_string(each->txbs().size()) + " unsent, " +
              (each->cutoff() ? "cut off, " : "") +
              (each->failure() ? each->failure()->message() : "no failure");
    }
    return text;
  }
  // A client that is not to come through.
  testing::AssertionResult refuses() {
    run();
    return comes([&] { return server->refused() > 0; });
  }

  std::unique_ptr<ServerTls> server;
  bool echoes = true;
};

struct TlsClientEcho : TlsClients {};

TEST_P(TlsClientEcho, GetsMuchBack) {
  serve();
  connect();
  const std::string text = linesOf(peer().much);
  plain.send(text);
  ASSERT_TRUE(comes([&] { return plain.got.size() >= text.size(); }));
  EXPECT_TRUE(plain.got == text);
  EXPECT_EQ(remoter().failure(), nullptr);
}

TEST_P(TlsClientEcho, TakesOurCloseForACleanEnd) {
  serve();
  connect();
  ping();
  server->closeIx(remoter().ca());
  plain.end();  // some wait for it before they go
  ASSERT_TRUE(comes([&] { return plain.ended(); }));
  EXPECT_EQ(plain.got, "ping\n");
  expectCode(0);
}

TEST_P(TlsClientEcho, KilledWhileIdleIsTruncated) {
  serve();
  connect();
  ping();
  process->kill();
  ASSERT_TRUE(comes([&] { return remoter().cutoff(); }));
  ASSERT_NE(remoter().failure(), nullptr);
  EXPECT_EQ(remoter().failure()->code(), net::TlsError::truncated) << state();
}

TEST_P(TlsClientEcho, KilledInTheMiddleIsACut) {
  serve();
  connect();
  plain.send(linesOf(peer().much));
  ASSERT_TRUE(comes([&] { return plain.got.size() > peer().much / 10; }));
  process->kill();
  ASSERT_TRUE(comes([&] { return remoter().cutoff(); }));
  ASSERT_NE(remoter().failure(), nullptr);
  EXPECT_TRUE(isCut(*remoter().failure())) << state();
}

TEST_P(TlsClientEcho, RefusesUsByAnotherName) {
  needs.name = "other.test";
  serve();
  ASSERT_TRUE(refuses());
  EXPECT_TRUE(net::alertOf(server->refusal()->code())) << state() << told();
  EXPECT_TRUE(server->ixes().empty());
}

TEST_P(TlsClientEcho, RefusesUsOfAStrangeAuthority) {
  needs.ca = "strange.pem";
  serve();
  ASSERT_TRUE(refuses());
  EXPECT_TRUE(net::alertOf(server->refusal()->code())) << state() << told();
  EXPECT_TRUE(server->ixes().empty());
}

TEST_P(TlsClientEcho, ShowsItsCertificate) {
  needs.certificates = true;
  serve(ClientCerts::required);
  connect();
  ping();
  ASSERT_FALSE(info().chain.empty());
  EXPECT_EQ(info().chain.front().subject, "CN=a client");
}

TEST_P(TlsClientEcho, WithoutACertificateIsRefused) {
  serve(ClientCerts::required);
  ASSERT_TRUE(refuses());
  EXPECT_EQ(server->refusal()->code(), net::TlsError::noCertificate) << state() << told();
  EXPECT_TRUE(server->ixes().empty());
  plain.send("unheard\n");
  ASSERT_TRUE(comes([&] { return plain.ended(); }));
  EXPECT_EQ(plain.got, "");
}

struct TlsClientEnd : TlsClients {};

TEST_P(TlsClientEnd, BeforeOursIsClean) {
  serve();
  connect();
  ping();
  plain.end();
  ASSERT_TRUE(comes([&] { return remoter().cutoff(); }));
  EXPECT_EQ(remoter().failure(), nullptr) << state();
  server->closeIx(remoter().ca());
  expectCode(0);
}

struct TlsClientReceiveOn : TlsClients {};

TEST_P(TlsClientReceiveOn, ReceivesOnAfterItsEnd) {
  serve(ClientCerts::none, true);
  connect();
  ping();
  plain.end();
  ASSERT_TRUE(comes([&] { return remoter().ended(); }));
  plain.got.clear();
  const std::string text = linesOf(peer().much / 10);
  remoter().tx(text);
  ASSERT_TRUE(comes([&] { return remoter().txbs().empty(); }));
  remoter().shutdownSend();
  ASSERT_TRUE(comes([&] { return plain.ended(); }));
  EXPECT_TRUE(plain.got == text) << plain.got.size();
  EXPECT_TRUE(remoter().cutoff());
  EXPECT_EQ(remoter().failure(), nullptr) << state();
  expectCode(0);
}

struct TlsClientLinger : TlsClients {};

TEST_P(TlsClientLinger, SendsOnAfterOurEnd) {
  needs.lingers = true;
  serve();
  connect();
  ping();
  echoes = false;
  remoter().shutdownSend();
  ASSERT_TRUE(comes([&] { return plain.ended(); }));
  const std::string text = linesOf(peer().much / 10);
  plain.send(text);
  plain.end();
  ASSERT_TRUE(comes([&] { return remoter().cutoff(); }));
  EXPECT_TRUE(remoter().rxbs().text() == text) << remoter().rxbs().size();
  EXPECT_EQ(remoter().failure(), nullptr) << state();
  expectCode(0);
}

struct TlsClientAlpn : TlsClients {};

TEST_P(TlsClientAlpn, TakesTheProtocolThatBothHave) {
  needs.alpn = "echo/1";
  serve();
  connect();
  EXPECT_EQ(info().alpn, "echo/1");
  ping();
}

struct TlsClientResume : TlsClients {};

TEST_P(TlsClientResume, ResumesItsSession) {
  serve();
  for (const bool resumed : {false, true}) {
    needs.resumes = resumed;
    connect();
    EXPECT_EQ(info().resumed, resumed);
    ping();
    plain.end();
    ASSERT_TRUE(comes([&] { return remoter().cutoff(); }));
    server->removeIx(remoter().ca());
    ASSERT_TRUE(comes([&] { return !process->running(); }));
  }
}

INSTANTIATE_TEST_SUITE_P(Real, TlsClientEcho, testing::ValuesIn(casesOf(clients(), 0)), nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsClientEnd, testing::ValuesIn(casesOf(clients(), endFirst)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsClientReceiveOn, testing::ValuesIn(casesOf(clients(), receiveOn)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsClientLinger, testing::ValuesIn(casesOf(clients(), linger)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsClientAlpn, testing::ValuesIn(casesOf(clients(), alpn)),
                         nameOfCase);
INSTANTIATE_TEST_SUITE_P(Real, TlsClientResume, testing::ValuesIn(casesOf(clients(), resume)),
                         nameOfCase);

}  // namespace
}  // namespace hio::peers
