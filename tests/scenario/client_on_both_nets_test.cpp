// The client against a real far end, on the simulated network and on the kernel's loopback.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>

#include "hio/core/tcp.hpp"
#include "support/arms.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::Peer;

struct ClientOnBothNets : testing::TestWithParam<test::ArmKind> {
  std::unique_ptr<test::Arm> arm = test::makeArm(GetParam());
  base::Tymist& tymist = arm->tymist;
  std::unique_ptr<net::Listener> listener = arm->far().listen({.ip = arm->farIp()}, {}).it;

  ClientOptions to(std::uint16_t port) {
    return {
        .host = arm->farIp().text(), .port = port, .tymth = tymist.tymen(), .net = &arm->near()};
  }
  ClientOptions options() { return to(listener->local().port); }
  std::unique_ptr<Server> serverOn(int port = 0) {
    return openServer(
        {.host = arm->farIp().text(), .port = port, .tymth = tymist.tymen(), .net = &arm->far()});
  }
  Peer peerOf(Client& client) {
    std::unique_ptr<net::Stream> stream;
    EXPECT_TRUE(
        arm->turnUntil([&] { return client.connected(); }, [&] { client.serviceConnect(); }));
    EXPECT_TRUE(arm->turnUntil([&] {
      stream = listener->accept().stream;
      return stream != nullptr;
    }));
    return {*arm, std::move(stream)};
  }
  bool serviceUntil(Client& client, const std::function<bool()>& done) {
    return arm->turnUntil(done, [&] { client.service(); });
  }
};

// A4
TEST_P(ClientOnBothNets, ConnectsInAFewCallsAndKnowsBothAddresses) {
  Client client(options());
  int calls = 1;
  while (!client.serviceConnect() && calls < 3) ++calls;
  EXPECT_TRUE(client.connected());
  EXPECT_LE(calls, 3);
  EXPECT_EQ(client.ha(), Address(listener->local()));
  EXPECT_NE(client.ca().port, 0);
  EXPECT_EQ(client.ca().port, listener->accept().stream->peer().port);
}

// H6
TEST_P(ClientOnBothNets, AnEmptyHostIsThisMachine) {
  const auto home = arm->near().listen({}, {}).it;
  ClientOptions any = to(home->local().port);
  any.host = "";
  Client client(any);
  EXPECT_TRUE(serviceUntil(client, [&] { return client.connected(); }));
  EXPECT_EQ(client.host(), "127.0.0.1");
  EXPECT_EQ(client.ca().host, "127.0.0.1");
}

// B1 to B3
TEST_P(ClientOnBothNets, BuffersAreAtLeastTwiceBsAndLargerDefaultsAreLeftAlone) {
  const auto plain = openClient(options())->actualBufSizes();
  for (const std::size_t bs : {std::size_t(8096), std::size_t(65536)}) {
    ClientOptions sized = options();
    sized.bs = bs;
    const auto client = openClient(sized);
    EXPECT_GE(client->actualBufSizes().send, 2 * bs);
    EXPECT_GE(client->actualBufSizes().receive, 2 * bs);
    EXPECT_GE(client->actualBufSizes().send, plain.send);
    client->close();
    EXPECT_EQ(client->actualBufSizes().send, 0U);
  }
}

// A10
TEST_P(ClientOnBothNets, ConnectsToIpv6) {
  const net::Ip ip = arm->farIp(net::Family::v6);
  const auto v6 = arm->far().listen({.ip = ip}, {}).it;
  ClientOptions options = to(v6 ? v6->local().port : 9);
  options.host = ip.text();
  Client client(options);
  if (!v6) {  // a machine without IPv6: the client must say so
    EXPECT_FALSE(client.connect());
    EXPECT_TRUE(client.failure());
    return;
  }
  EXPECT_TRUE(serviceUntil(client, [&] { return client.connected(); }));
  EXPECT_EQ(client.ha(), Address(ip.text(), v6->local().port));
}

// A3, A4, A11
TEST_P(ClientOnBothNets, RefusedIsARefusal) {
  const std::uint16_t port = listener->local().port;
  listener.reset();
  Client client(to(port));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(client.serviceConnect());
  EXPECT_TRUE(client.opened());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_refused);
}

TEST_P(ClientOnBothNets, MovesMegabytesBothWaysByteForByte) {
  std::string text(8U << 20U, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761U >> 13U);
  const auto server = serverOn();
  Client client(to(server->ha().port));
  ASSERT_TRUE(client.tx(text));
  ASSERT_TRUE(arm->turnUntil([&] { return client.rxbs().size() == text.size(); },
                             [&] {
                               client.service();
                               server->service();
                               for (const auto& [ca, remoter] : server->ixes()) {
                                 remoter->tx(remoter->rxbs().view());
                                 remoter->clearRxbs();
                               }
                             }));
  EXPECT_EQ(client.rxbs().text(), text);
  EXPECT_EQ(client.traffic().sent, text.size());
  EXPECT_EQ(client.traffic().received, text.size());
}

// R5, faults 13, 14
TEST_P(ClientOnBothNets, DataThenResetIsDataThenReset) {
  Client client(options());
  Peer peer = peerOf(client);
  EXPECT_TRUE(peer.send("last words"));
  arm->turn();
  peer.reset();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.cutoff(); }));
  EXPECT_EQ(client.rxbs().text(), "last words");
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_reset);
  // Faults 11: the kernel gives what looks like a clean end next; the first error is kept.
  EXPECT_TRUE(client.receive().value().empty());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_reset);
  EXPECT_FALSE(client.ended());
}

// T3, T4 [bug], faults 18: what raises EPIPE out of hio's service(), for ever; and no signal.
TEST_P(ClientOnBothNets, SendingToAPeerThatIsGoneIsACutoffWithoutASignal) {
  ASSERT_NE(std::signal(SIGPIPE, SIG_DFL), SIG_ERR);
  Client client(options());
  Peer peer = peerOf(client);
  client.tx("one");
  client.serviceSends();
  arm->turn();
  peer.close();  // with "one" unread: a reset
  ASSERT_TRUE(arm->turnUntil([&] { return client.cutoff(); },
                             [&] {
                               client.tx("more");
                               EXPECT_NO_THROW(client.service());
                             }));
  ASSERT_TRUE(client.failure());
  for (int i = 0; i < 10; ++i) EXPECT_NO_THROW(client.service());
  EXPECT_EQ(client.send("again"), 0U);
}

// O7, faults 17
TEST_P(ClientOnBothNets, HalfClosedHereItStillReceives) {
  Client client(options());
  Peer peer = peerOf(client);
  client.tx("question");
  client.serviceSends();
  client.shutdownSend();
  EXPECT_TRUE(peer.takesAll());
  EXPECT_EQ(peer.taken(), "question");
  EXPECT_TRUE(peer.send("answer"));
  peer.close();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.cutoff(); }));
  EXPECT_EQ(client.rxbs().text(), "answer");
  EXPECT_EQ(client.failure(), nullptr);
}

// Faults 16
TEST_P(ClientOnBothNets, HalfClosedThereItStillSendsWhenAskedTo) {
  ClientOptions half = options();
  half.halfOpen = true;
  Client client(half);
  Peer peer = peerOf(client);
  peer.shutdownSend();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.ended(); }));
  client.tx("still talking");
  client.service();
  EXPECT_TRUE(peer.takes(13));
  EXPECT_EQ(peer.taken(), "still talking");
  client.shutdownSend();
  EXPECT_TRUE(client.cutoff());
}

TEST_P(ClientOnBothNets, DrainDeliversEverythingBeforeItCloses) {
  const std::string text(4U << 20U, 'd');
  Client client(options());
  Peer peer = peerOf(client);
  client.tx(text);
  client.drain(1h);
  ASSERT_TRUE(serviceUntil(client, [&] {
    if (peer.take()) peer.shutdownSend();
    return client.phase() == Phase::stopped;
  }));
  EXPECT_EQ(peer.taken(), text);
  EXPECT_EQ(client.failure(), nullptr);
}

// S7, faults 40: a server that is restarted in mid stream.
TEST_P(ClientOnBothNets, ComesBackToAServerThatWasRestarted) {
  auto server = serverOn();
  const std::uint16_t port = server->ha().port;
  ClientOptions again = to(port);
  again.reconnectable = true;
  again.timeout = 1s;
  Client client(again);
  const auto both = [&] { client.service(), server->service(), tymist.tick(10ms); };
  ASSERT_TRUE(arm->turnUntil([&] { return server->ixes().size() == 1; }, both));
  server->close();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.failure() != nullptr; }));
  client.tx("for the next one");
  server = serverOn(port);
  ASSERT_TRUE(server->opened());
  ASSERT_TRUE(arm->turnUntil(
      [&] {
        return server->ixes().size() == 1 &&
               server->ixes().begin()->second->rxbs().text() == "for the next one";
      },
      both));
  EXPECT_EQ(client.epoch(), 2U);
}

// W2: hio's own test of the wire log.
TEST_P(ClientOnBothNets, TheSharedWireLogIsThatOfTheOriginal) {
  WireLog log({.samed = true, .reopen = true});
  const auto server =
      openServer({.host = "", .port = 0, .wl = &log, .tymth = tymist.tymen(), .net = &arm->far()});
  ClientOptions logged = to(server->ha().port);
  logged.wl = &log;
  const auto client = openClient(logged);
  const auto turn = [&] { client->service(), server->service(); };
  ASSERT_TRUE(
      arm->turnUntil([&] { return server->ixes().size() == 1 && client->connected(); }, turn));
  Remoter& remoter = *server->ixes().begin()->second;
  EXPECT_EQ(remoter.ca(), client->ca());
  client->tx("Beta sends to Server first");
  ASSERT_TRUE(arm->turnUntil([&] { return remoter.rxbs().size() == 26; }, turn));
  client->tx("Beta sends to Server second");
  client->tx("Beta sends to Server third");
  ASSERT_TRUE(arm->turnUntil([&] { return remoter.rxbs().size() == 26 + 27 + 26; }, turn));
  remoter.tx("Server sends to Beta");
  ASSERT_TRUE(arm->turnUntil([&] { return client->rxbs().size() == 20; }, turn));
  const auto entry = [](const char* direction, const Address& who, const char* data) {
    return "\n" + std::string(direction) + ' ' + who.duple() + ":\n" + data + "\n";
  };
  const Address far = client->ha();
  const Address near = client->ca();
  const char* const both = "Beta sends to Server secondBeta sends to Server third";
  EXPECT_EQ(help::textOf(log.readRx().value()),
            entry("Tx", far, "Beta sends to Server first") +
                entry("Rx", near, "Beta sends to Server first") + entry("Tx", far, both) +
                entry("Rx", near, both) + entry("Tx", near, "Server sends to Beta") +
                entry("Rx", far, "Server sends to Beta"));
  EXPECT_EQ(log.readRx(), log.readTx());
}

INSTANTIATE_TEST_SUITE_P(Nets, ClientOnBothNets,
                         testing::Values(test::ArmKind::simulator, test::ArmKind::loopback),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace hio::core::tcp
