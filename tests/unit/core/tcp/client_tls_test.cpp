#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <stdexcept>

#include "hio/core/tcp.hpp"
#include "support/pipe_net.hpp"
#include "support/process.hpp"
#include "support/tls_pair.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::PipeNet;
using testing::HasSubstr;

// A client and a far end that the test turns by hand.
struct ClientTlsTest : testing::Test {
  base::Tymist tymist{0s, 10ms};
  PipeNet net;
  std::shared_ptr<net::TlsContext> context = net::TlsContext::client(test::trusting());
  std::shared_ptr<net::TlsContext> serverContext = net::TlsContext::server(test::serving());
  std::unique_ptr<net::TlsStream> server;

  ClientOptions options() {
    return {.host = "127.0.0.1", .port = 443, .tymth = tymist.tymen(), .net = &net};
  }
  ClientTls make(TlsOptions tls = {}) {
    if (!tls.context) tls.context = context;
    return ClientTls(options(), tls);
  }
  void answer() { server = serverContext->wrap(net.takeFarEnd()); }
  // Turns both ends a few times, time standing still.
  void turn(Client& client, int times = 8) {
    for (; times > 0; --times) {
      client.service();
      if (server) (void)server->connect();
    }
  }
  void connect(ClientTls& client) {
    client.serviceConnect();
    answer();
    turn(client);
    ASSERT_TRUE(client.connected())
        << (client.failure() ? client.failure()->message() : std::string(nameOf(client.phase())));
  }
  std::string atServer() {
    net::IoResult end = net::IoResult::done();
    return test::receiveAll(*server, end);
  }
};

// L8, L11, L12
TEST_F(ClientTlsTest, IsAcceptedThenShakesHandsThenIsConnected) {
  ClientTls client = make();
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_TRUE(client.accepted());
  EXPECT_EQ(client.phase(), Phase::handshaking);
  EXPECT_EQ(client.epoch(), 0U);
  EXPECT_EQ(client.ha(), Address("127.0.0.1", 443));
  answer();
  turn(client);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.epoch(), 1U);
  EXPECT_EQ(client.tlsInfo().version, "TLSv1.3");
  EXPECT_FALSE(client.tlsInfo().chain.empty());
}

// L9, L10, L11: the single operations.
TEST_F(ClientTlsTest, CanBeConnectedStepByStep) {
  ClientTls client = make();
  EXPECT_THROW(client.wrap(), std::logic_error);
  EXPECT_THROW(client.handshake(), std::logic_error);
  client.open();
  EXPECT_TRUE(client.accept());
  EXPECT_FALSE(client.connected());
  client.wrap();
  EXPECT_EQ(net.lines[0].pipe->forth.passed, 0U);  // nothing is sent yet
  client.wrap();
  answer();
  EXPECT_FALSE(client.handshake());
  EXPECT_GT(net.lines[0].pipe->forth.passed, 0U);
  (void)server->connect();
  EXPECT_TRUE(client.connect());
  EXPECT_TRUE(client.handshake());
}

// L14
TEST_F(ClientTlsTest, MovesNothingBeforeItIsConnected) {
  ClientTls client = make();
  client.tx("early");
  turn(client, 3);
  answer();
  EXPECT_EQ(client.txbs().text(), "early");
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_EQ(client.send("direct"), 0U);
  turn(client);
  EXPECT_EQ(atServer(), "early");
}

// L14: send() and receive() drive the handshake.
TEST_F(ClientTlsTest, ReceiveDrivesTheHandshake) {
  ClientTls client = make();
  client.serviceConnect();
  answer();
  for (int turns = 0; turns < 8 && !client.connected(); ++turns) {
    EXPECT_EQ(client.receive(), std::nullopt);
    (void)server->connect();
  }
  EXPECT_TRUE(client.connected());
}

// L16
TEST_F(ClientTlsTest, ReceivesAtMostBsAndTheRestOfARecordLater) {
  ClientTls client = make();
  connect(client);
  (void)server->send(help::bytesOf(std::string(16384, 'x')));
  EXPECT_EQ(client.receive()->size(), 8096U);
  EXPECT_EQ(client.deadline(), tymist.tyme());  // there is more, of which no descriptor tells
  EXPECT_EQ(client.receive()->size(), 8096U);
  EXPECT_EQ(client.receive()->size(), 192U);
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_EQ(client.deadline(), std::nullopt);
}

// L17 fixed: what was taken leaves txbs, on every service.
TEST_F(ClientTlsTest, ALongMessageMakesProgressOnEachService) {
  ClientTls client = make();
  connect(client);
  client.tx(std::string(8U << 20U, 'm'));
  std::size_t before = client.txbs().size();
  std::size_t arrived = 0;
  while (!client.txbs().empty()) {
    client.service();
    ASSERT_LT(client.txbs().size(), before);
    before = client.txbs().size();
    arrived += atServer().size();
  }
  EXPECT_EQ(arrived, 8U << 20U);
}

// L17: with a full pipe the queue may grow between two tries.
TEST_F(ClientTlsTest, TheQueueMayGrowWhileThePipeIsFull) {
  ClientTls client = make();
  connect(client);
  net.lines[0].pipe->forth.capacity = 1000;
  client.tx(std::string(100000, 'a'));
  client.service();
  client.service();
  EXPECT_TRUE(client.unsent());
  client.tx("z");
  net.lines[0].pipe->forth.capacity = 1U << 20U;
  std::string all;
  for (int turns = 0; turns < 20; ++turns) {
    client.service();
    all += atServer();
  }
  EXPECT_EQ(all, std::string(100000, 'a') + 'z');
}

// L15, L18 fixed
TEST_F(ClientTlsTest, TellsACleanEndFromACutOff) {
  for (const bool clean : {true, false}) {
    ClientTls client = make();
    client.serviceConnect();
    answer();
    turn(client);
    (void)server->send(help::bytesOf("bye"));
    if (clean) (void)server->shutdown(net::Direction::send);
    server.reset();
    client.service();
    EXPECT_EQ(client.rxbs().text(), "bye");
    EXPECT_TRUE(client.cutoff());
    EXPECT_EQ(client.ended(), clean);
    ASSERT_EQ(client.failure() == nullptr, clean);
    if (!clean) {
      EXPECT_EQ(client.failure()->code(), net::TlsError::truncated);
      EXPECT_EQ(client.send("after"), 0U);
    }
  }
}

// L19 fixed: TLS stays in force, nothing goes out in plain, nothing comes in undeciphered.
TEST_F(ClientTlsTest, ShutdownOfSendingSaysGoodbyeAndReceivingGoesOn) {
  ClientTls client = make();
  connect(client);
  client.tx("request");
  client.service();
  client.shutdownSend();
  EXPECT_TRUE(net.lines[0].pipe->forth.fin);
  EXPECT_THROW(client.send("SECRET"), std::system_error);
  EXPECT_EQ(net.lines[0].pipe->forth.bytes.find("SECRET"), std::string::npos);
  net::IoResult end = net::IoResult::done();
  EXPECT_EQ(test::receiveAll(*server, end), "request");
  EXPECT_TRUE(end.isEnded());
  (void)server->send(help::bytesOf("response"));
  client.service();
  EXPECT_EQ(client.rxbs().text(), "response");
}

// L19 fixed
TEST_F(ClientTlsTest, ShutdownOfReceivingLeavesSendingUnderTls) {
  ClientTls client = make();
  connect(client);
  client.shutdownReceive();
  client.send("SECRET");
  EXPECT_EQ(net.lines[0].pipe->forth.bytes.find("SECRET"), std::string::npos);
  EXPECT_EQ(atServer(), "SECRET");
}

// L20 fixed
TEST_F(ClientTlsTest, CloseSaysGoodbye) {
  ClientTls client = make();
  connect(client);
  client.close();
  EXPECT_FALSE(client.opened() || client.accepted() || client.connected());
  net::IoResult end = net::IoResult::done();
  test::receiveAll(*server, end);
  EXPECT_TRUE(end.isEnded()) << end.code().message();
}

// L13
TEST_F(ClientTlsTest, TheTimeoutCoversTheHandshake) {
  ClientOptions patient = options();
  patient.reconnectable = true;
  patient.timeout = 250ms;
  patient.retry.firstPause = patient.retry.maxPause = 0s;
  ClientTls client(patient, {.context = context});
  client.service();
  EXPECT_EQ(client.deadline(), 250ms);
  tymist.tyme(249ms);
  client.service();
  EXPECT_EQ(net.lines.size(), 1U);
  tymist.tyme(250ms);
  client.service();
  EXPECT_EQ(net.lines.size(), 2U);
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->stage(), Stage::handshake);
  EXPECT_EQ(client.failure()->code(), std::errc::timed_out);
}

// L13: not reconnectable, it waits for ever.
TEST_F(ClientTlsTest, WithoutReconnectingAStalledHandshakeStalls) {
  ClientTls client = make();
  for (int turns = 0; turns < 1000; ++turns) client.service(), tymist.tick();
  EXPECT_EQ(client.phase(), Phase::handshaking);
  EXPECT_EQ(net.lines.size(), 1U);
}

// L21 fixed: closed, the reason told, and the next call starts over.
TEST_F(ClientTlsTest, AHandshakeWithAnotherProtocolIsRetriedSlowly) {
  ClientTls client = make();
  client.serviceConnect();
  net.lines[0].pipe->back.bytes = "HTTP/1.1 400 Bad Request\r\n\r\n";
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.phase(), Phase::waiting);
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->stage(), Stage::handshake);
  EXPECT_EQ(client.failure()->code(), net::TlsError::notTls);
  EXPECT_THAT(client.failure()->message(), HasSubstr("127.0.0.1:443"));
  net.takeFarEnd();
  EXPECT_GE(client.deadline().value(), 15s);
  tymist.tick(30s);
  connect(client);
}

// L21
TEST_F(ClientTlsTest, TheSingleOperationThrowsTheReason) {
  ClientTls client = make();
  client.connect();
  net.lines[0].pipe->back.fin = true;
  try {
    client.connect();
    FAIL() << "connected";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), net::TlsError::truncated);
  }
  EXPECT_EQ(client.phase(), Phase::waiting);
}

// A refused certificate or name stops a client that is not reconnectable.
TEST_F(ClientTlsTest, AWrongNameStopsAClient) {
  const ClientOptions eager = options();
  ClientTls client(eager, {.context = context, .certedhost = "other.test"});
  client.service();
  answer();
  turn(client);
  EXPECT_EQ(client.phase(), Phase::stopped);
  EXPECT_EQ(client.failure()->code(), net::tlsVerdict(62));
  EXPECT_THAT(client.failure()->message(), HasSubstr("'other.test' and is made for 'good.test'"));
  EXPECT_THAT(client.failure()->message(), HasSubstr("certedhost"));
  for (int turns = 0; turns < 100; ++turns) client.service(), tymist.tick();
  EXPECT_EQ(net.lines.size(), 1U);
  client.reopen();
  EXPECT_EQ(client.phase(), Phase::connecting);
}

// L7
TEST_F(ClientTlsTest, ChecksTheNameGivenOrElseTheHost) {
  EXPECT_EQ(make().certedhost(), "127.0.0.1");
  EXPECT_EQ(make({.certedhost = "good.test."}).certedhost(), "good.test");
  ClientOptions unnamed = options();
  unnamed.host = "";
  ClientTls client(unnamed, {.context = context});
  EXPECT_EQ(client.certedhost(), "");
  connect(client);
  EXPECT_EQ(client.certedhost(), "127.0.0.1");
}

// L22 fixed: TLS 1.3 is connected before the server refuses the missing certificate.
TEST_F(ClientTlsTest, ALateRefusalOfTheClientsCertificateIsTold) {
  net::TlsServerConfig strict = test::serving();
  strict.clients = net::ClientCerts::required;
  strict.trust.ca.text = test::testCertificates().authority.certificate();
  serverContext = net::TlsContext::server(strict);
  ClientTls client = make();
  client.serviceConnect();
  answer();
  turn(client);
  EXPECT_TRUE(client.cutoff());
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(net::alertOf(client.failure()->code()), 116);
  EXPECT_THAT(client.failure()->message(), HasSubstr("certpath"));
}

// L23
TEST_F(ClientTlsTest, ShowsItsCertificateAndLogsPlainBytes) {
  net::TlsServerConfig strict = test::serving();
  strict.clients = net::ClientCerts::required;
  strict.trust.ca.text = test::testCertificates().authority.certificate();
  serverContext = net::TlsContext::server(strict);
  net::TlsClientConfig shown = test::trusting();
  shown.identity = {.key = {.text = test::testCertificates().client.key},
                    .certificate = {.text = test::testCertificates().client.certificate}};
  WireLog log({.samed = true});
  log.reopen();
  ClientOptions logged = options();
  logged.wl = &log;
  ClientTls client(logged, {.context = net::TlsContext::client(shown)});
  connect(client);
  client.tx("plain");
  client.service();
  EXPECT_EQ(atServer(), "plain");
  EXPECT_EQ(server->info().chain.front().subject, "CN=a client");
  EXPECT_EQ(help::textOf(*log.readTx()), "\nTx ('127.0.0.1', 443):\nplain\n");
}

// L24 fixed
TEST_F(ClientTlsTest, ANameThatCannotBeCheckedIsRefused) {
  EXPECT_THROW(make({.certedhost = ".bad"}), std::invalid_argument);
  ClientOptions bad = options();
  bad.host = "bad name";
  EXPECT_THROW(ClientTls(bad, {.context = context}), std::invalid_argument);
}

// L2, L6
TEST_F(ClientTlsTest, RefusesContradictingOptions) {
  EXPECT_THROW(make({.version = TlsVersion::tls13}), std::invalid_argument);
  EXPECT_THROW(make({.certify = Certify::insecureNone}), std::invalid_argument);
  EXPECT_THROW(make({.hostify = Hostify::insecureOff}), std::invalid_argument);
  EXPECT_THROW(make({.cafilepath = "ca.pem"}), std::invalid_argument);
  EXPECT_THROW(make({.context = serverContext}), std::invalid_argument);
  EXPECT_THROW(ClientTls(options(), {.certify = Certify::insecureNone}), std::invalid_argument);
  EXPECT_THROW(ClientTls(options(), {.certify = Certify::insecureNone, .hostify = Hostify::on}),
               std::invalid_argument);
  EXPECT_THROW(ClientTls(options(), {.keypath = "key.pem"}), std::invalid_argument);
  EXPECT_NO_THROW(
      ClientTls(options(), {.certify = Certify::insecureNone, .hostify = Hostify::insecureOff}));
}

// L3, L4, L5: files; an explicit cafilepath is all the trust, the name is checked in any case.
TEST_F(ClientTlsTest, LoadsItsFilesAndTrustsOnlyTheCaGiven) {
  const test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  };
  const auto& made = test::testCertificates();
  const std::string ca = write("ca.pem", made.authority.certificate());
  const std::string both = write("both.pem", made.client.certificate + made.client.key);
  for (const auto version : {std::optional<TlsVersion>(), std::optional(TlsVersion::tls12),
                             std::optional(TlsVersion::tls13)}) {
    ClientTls good(options(), {.version = version, .certpath = both, .cafilepath = ca});
    good.serviceConnect();
    answer();
    turn(good);
    EXPECT_TRUE(good.connected());
    if (version) {
      EXPECT_EQ(good.tlsInfo().version, nameOf(*version));
    }
    ClientTls named(options(), {.version = version, .certedhost = "other.test", .cafilepath = ca});
    named.serviceConnect();
    answer();
    turn(named);
    EXPECT_EQ(named.failure()->code(), net::tlsVerdict(62));
    const std::string stranger = write("stranger.pem", tool::Authority("Stranger").certificate());
    ClientTls distrusting(options(), {.version = version, .cafilepath = stranger});
    distrusting.serviceConnect();
    answer();
    turn(distrusting);
    EXPECT_TRUE(net::verdictOf(distrusting.failure()->code()));
  }
  const std::string missing = (folder.path() / "none.pem").string();
  try {
    ClientTls(options(), {.cafilepath = missing});
    FAIL() << "a missing file was accepted";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), HasSubstr(missing));
  }
}

// A reconnect over TLS: unsent bytes go out on the next connection, the session is resumed.
TEST_F(ClientTlsTest, ReconnectsAndResumesItsSession) {
  ClientOptions eager = options();
  eager.reconnectable = true;
  ClientTls client(eager, {.context = context});
  connect(client);
  turn(client);
  EXPECT_FALSE(client.tlsInfo().resumed);
  server.reset();
  for (int turns = 0; turns < 100 && net.lines.size() < 2; ++turns) client.service(), tymist.tick();
  client.tx("queued");
  answer();
  turn(client);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.epoch(), 2U);
  EXPECT_TRUE(client.tlsInfo().resumed);
  EXPECT_EQ(atServer(), "queued");
}

// drain() over TLS ends with a goodbye from both sides.
TEST_F(ClientTlsTest, DrainsBeforeItCloses) {
  ClientTls client = make();
  connect(client);
  client.tx("last");
  client.drain(1s);
  client.service();
  net::IoResult end = net::IoResult::done();
  EXPECT_EQ(test::receiveAll(*server, end), "last");
  EXPECT_TRUE(end.isEnded());
  (void)server->shutdown(net::Direction::send);
  client.service();
  client.service();
  EXPECT_FALSE(client.opened());
}

// What the stream has taken and not passed on still arrives, whatever ended before.
struct ClientTlsLastWords : ClientTlsTest {
  const std::string words = std::string(40000, 'w');

  // Turns both ends until nothing moves; what the server got, and how its stream ended.
  std::string carry(Client& client, net::IoResult& end) {
    std::string arrived;
    for (int turns = 0; turns < 200; ++turns) {
      client.service();
      arrived += test::receiveAll(*server, end);
    }
    return arrived;
  }
};

TEST_F(ClientTlsLastWords, AfterTheFarSideHasEnded) {
  for (const bool drains : {false, true}) {
    ClientOptions half = options();
    half.halfOpen = true;
    ClientTls client(half, {.context = context});
    connect(client);
    (void)server->shutdown(net::Direction::send);
    client.service();
    ASSERT_TRUE(client.ended());
    net.lines.back().pipe->forth.capacity = 1000;
    client.tx(words);
    client.service();
    if (drains) {
      client.drain(100s);
    } else {
      client.shutdownSend();
    }
    net::IoResult end = net::IoResult::done();
    EXPECT_EQ(carry(client, end), words);
    EXPECT_TRUE(end.isEnded());
    EXPECT_TRUE(client.cutoff() || !client.opened());
    net.lines.clear();
  }
}

TEST_F(ClientTlsLastWords, WithReceivedBytesThatNobodyReads) {
  ClientOptions narrow = options();
  narrow.limits.rxHigh = 100;
  ClientTls client(narrow, {.context = context});
  connect(client);
  (void)server->send(help::bytesOf(std::string(1000, 'r')));
  net.lines.back().pipe->forth.capacity = 1000;
  client.tx(words);
  client.service();
  client.shutdownSend();
  EXPECT_TRUE(client.unsent());
  net::IoResult end = net::IoResult::done();
  EXPECT_EQ(carry(client, end), words);
  EXPECT_FALSE(client.unsent());
}

// Destroyed, it says goodbye as if closed.
TEST_F(ClientTlsTest, SaysGoodbyeWhenItIsDestroyed) {
  {
    ClientTls client = make();
    connect(client);
  }
  net::IoResult end = net::IoResult::done();
  test::receiveAll(*server, end);
  EXPECT_TRUE(end.isEnded()) << end.code().message();
}

}  // namespace
}  // namespace hio::core::tcp
