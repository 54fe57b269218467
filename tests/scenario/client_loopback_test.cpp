// The client on the kernel's own loopback: what fakes cannot show.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "hio/core/tcp.hpp"
#include "support/allocations.hpp"
#include "support/loopback.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::closedPort;
using test::RawListener;
using test::RawPeer;
using test::turnUntil;

struct ClientLoopback : testing::Test {
  base::Tymist tymist{0s, 1ms};
  RawListener listener;

  ClientOptions to(std::uint16_t port) { return {.port = port, .tymth = tymist.tymen()}; }
  ClientOptions options() { return to(listener.port()); }
  int peerOf(Client& client) {
    EXPECT_TRUE(turnUntil([&] { return client.connected(); }, [&] { client.serviceConnect(); }));
    return listener.accept();
  }
  bool serviceUntil(Client& client, const std::function<bool()>& done) {
    return turnUntil(done, [&] { client.service(), tymist.tick(); });
  }
};

int optionOf(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

// A4
TEST_F(ClientLoopback, ConnectsInAFewCallsAndKnowsBothAddresses) {
  Client client(options());
  int calls = 1;
  while (!client.serviceConnect() && calls < 3) ++calls;
  EXPECT_TRUE(client.connected());
  EXPECT_LE(calls, 3);
  EXPECT_EQ(client.ha(), Address("127.0.0.1", listener.port()));
  EXPECT_EQ(client.ca().host, "127.0.0.1");
  EXPECT_NE(client.ca().port, 0);
}

// H6
TEST_F(ClientLoopback, AnEmptyHostIsThisMachine) {
  ClientOptions any = options();
  any.host = "";
  Client client(any);
  const RawPeer peer(peerOf(client));
  EXPECT_EQ(client.host(), "127.0.0.1");
}

// T10, O1, faults §5: nonblocking, close-on-exec and without delay, from the first moment.
TEST_F(ClientLoopback, ItsDescriptorsAreNonblockingCloseOnExecAndWithoutDelay) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  Client client(to(server->ha().port));
  ASSERT_TRUE(turnUntil([&] { return server->ixes().size() == 1; },
                        [&] { client.service(), server->service(); }));
  for (const int fd : {client.fd(), server->ixes().begin()->second->fd(), server->fd()}) {
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
  }
  EXPECT_EQ(optionOf(client.fd(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(optionOf(server->ixes().begin()->second->fd(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(optionOf(client.fd(), SOL_SOCKET, SO_KEEPALIVE), 0);
  ClientOptions other = to(server->ha().port);
  other.noDelay = false;
  other.keepAlive = true;
  const auto lazy = openClient(other);
  EXPECT_EQ(optionOf(lazy->fd(), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(optionOf(lazy->fd(), SOL_SOCKET, SO_KEEPALIVE), 1);
}

// B1 to B3
TEST_F(ClientLoopback, BuffersAreAtLeastTwiceBsAndLargerDefaultsAreLeftAlone) {
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
TEST_F(ClientLoopback, ConnectsToIpv6) {
  std::optional<RawListener> v6;
  try {
    v6.emplace(8, true);
  } catch (const std::system_error& error) {
    // A machine without IPv6: the client must say so.
    Client client({.host = "::1", .port = 9});
    EXPECT_FALSE(client.connect());
    EXPECT_TRUE(client.failure());
    return;
  }
  Client client({.host = "::1", .port = v6->port()});
  EXPECT_TRUE(turnUntil([&] { return client.connected(); }, [&] { client.serviceConnect(); }));
  EXPECT_EQ(client.ha(), Address("::1", v6->port()));
}

// A3, A4, A11: refused again and again, a new descriptor each time and none left over.
TEST_F(ClientLoopback, RefusedIsARefusalHoweverOften) {
  const std::uint16_t port = closedPort();
  const std::size_t before = test::openDescriptors();
  {
    Client client(to(port));
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(client.serviceConnect());
    EXPECT_TRUE(client.opened());
    EXPECT_EQ(client.failure()->code(), std::errc::connection_refused);
    EXPECT_EQ(test::openDescriptors(), before + 1);
    Client zero(to(0));
    EXPECT_TRUE(turnUntil([&] { return zero.failure() != nullptr; }, [&] { zero.service(); }));
  }
  EXPECT_EQ(test::openDescriptors(), before);
}

// The library's own promise: 100,000 cycles leave neither descriptors nor memory behind.
TEST_F(ClientLoopback, AHundredThousandFailedCyclesLeaveNothingBehind) {
  Client client(to(closedPort()));
  const auto cycle = [&client] {
    client.open();
    client.serviceConnect();
    client.serviceConnect();
    client.close();
  };
  for (int i = 0; i < 10; ++i) cycle();
  const std::size_t descriptors = test::openDescriptors();
  const std::uint64_t memory = test::allocations().live();
  for (int i = 0; i < 100'000; ++i) cycle();
  EXPECT_EQ(test::openDescriptors(), descriptors);
  EXPECT_EQ(test::allocations().live(), memory);
}

// A12 [bug]: with no listener on a port of the ephemeral range, the kernel sooner or later picks
// that very port as the source.
TEST_F(ClientLoopback, NeverConnectsToItself) {
  // A socket bound to its target shows the case at once: the kernel connects it to itself.
  const std::uint16_t port = [] {
    const RawListener brief;
    return brief.port();
  }();
  Client client(to(port));
  client.open();
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  self.sin_port = htons(port);
  ASSERT_EQ(::bind(client.fd(), reinterpret_cast<sockaddr*>(&self), sizeof self), 0);
  ASSERT_TRUE(turnUntil([&] { return client.failure() != nullptr || client.connected(); },
                        [&] { client.serviceConnect(); }));
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_refused);
}

TEST_F(ClientLoopback, MovesMegabytesBothWaysByteForByte) {
  std::string text(8U << 20U, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761U >> 13U);
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  Client client(to(server->ha().port));
  ASSERT_TRUE(client.tx(text));
  ASSERT_TRUE(turnUntil([&] { return client.rxbs().size() == text.size(); },
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
TEST_F(ClientLoopback, DataThenResetIsDataThenReset) {
  Client client(options());
  RawPeer peer(peerOf(client));
  peer.send("last words");
  std::array<char, 16> probe{};
  ASSERT_TRUE(turnUntil(
      [&] { return ::recv(client.fd(), probe.data(), probe.size(), MSG_PEEK) == 10; }, [] {}));
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
TEST_F(ClientLoopback, SendingToAPeerThatIsGoneIsACutoffWithoutASignal) {
  ASSERT_NE(std::signal(SIGPIPE, SIG_DFL), SIG_ERR);
  Client client(options());
  RawPeer peer(peerOf(client));
  client.tx("one");
  client.serviceSends();
  peer.close();  // with "one" unread: a reset
  ASSERT_TRUE(turnUntil([&] { return client.cutoff(); },
                        [&] {
                          client.tx("more");
                          EXPECT_NO_THROW(client.service());
                        }));
  ASSERT_TRUE(client.failure());
  for (int i = 0; i < 10; ++i) EXPECT_NO_THROW(client.service());
  EXPECT_EQ(client.send("again"), 0U);
}

// O7, faults 17
TEST_F(ClientLoopback, HalfClosedHereItStillReceives) {
  Client client(options());
  RawPeer peer(peerOf(client));
  client.tx("question");
  client.serviceSends();
  client.shutdownSend();
  EXPECT_EQ(peer.receiveAll(), "question");
  peer.send("answer");
  peer.close();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.cutoff(); }));
  EXPECT_EQ(client.rxbs().text(), "answer");
  EXPECT_EQ(client.failure(), nullptr);
}

// Faults 16
TEST_F(ClientLoopback, HalfClosedThereItStillSendsWhenAskedTo) {
  ClientOptions half = options();
  half.halfOpen = true;
  Client client(half);
  const RawPeer peer(peerOf(client));
  peer.shutdownSend();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.ended(); }));
  client.tx("still talking");
  client.service();
  EXPECT_EQ(peer.receive(13), "still talking");
  client.shutdownSend();
  EXPECT_TRUE(client.cutoff());
}

TEST_F(ClientLoopback, DrainDeliversEverythingBeforeItCloses) {
  const std::string text(4U << 20U, 'd');
  Client client(options());
  const int fd = peerOf(client);
  auto all = std::async(std::launch::async, [fd] { return RawPeer(fd).receiveAll(); });
  client.tx(text);
  client.drain(1h);
  ASSERT_TRUE(serviceUntil(client, [&] { return client.phase() == Phase::stopped; }));
  EXPECT_EQ(all.get(), text);
  EXPECT_EQ(client.failure(), nullptr);
}

// S7, faults 40: a server that is restarted in mid stream.
TEST_F(ClientLoopback, ComesBackToAServerThatWasRestarted) {
  auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  const std::uint16_t port = server->ha().port;
  ClientOptions again = to(port);
  again.reconnectable = true;
  again.timeout = 1s;
  Client client(again);
  const auto both = [&] { client.service(), server->service(), tymist.tick(10ms); };
  ASSERT_TRUE(turnUntil([&] { return server->ixes().size() == 1; }, both));
  server->close();
  ASSERT_TRUE(serviceUntil(client, [&] { return client.failure() != nullptr; }));
  client.tx("for the next one");
  server = openServer({.host = "127.0.0.1", .port = port, .tymth = tymist.tymen()});
  ASSERT_TRUE(server->opened());
  ASSERT_TRUE(turnUntil(
      [&] {
        return server->ixes().size() == 1 &&
               server->ixes().begin()->second->rxbs().text() == "for the next one";
      },
      both));
  EXPECT_EQ(client.epoch(), 2U);
}

// Faults 9
TEST_F(ClientLoopback, SurvivesAShortageOfDescriptors) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next = ::dup(server->fd());  // the number of the next descriptor
  ::close(next);
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = old.rlim_max};
  Client client(to(server->ha().port));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  EXPECT_NO_THROW(client.service());
  const bool failed =
      client.failure() && client.failure()->code() == std::errc::too_many_files_open;
  // Room for the client, and none for the server's end of it.
  const rlimit one{.rlim_cur = tight.rlim_cur + 1, .rlim_max = old.rlim_max};
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &one), 0);
  const bool connected = turnUntil([&] { return client.connected(); },
                                   [&] { client.serviceConnect(), tymist.tick(10ms); });
  EXPECT_NO_THROW(server->service());
  const bool starved = server->failure() && server->opened();
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(failed);
  EXPECT_TRUE(connected);
  EXPECT_TRUE(starved);
  EXPECT_TRUE(turnUntil([&] { return server->ixes().size() == 1; }, [&] { server->service(); }));
}

// Faults 11: reset while still in the listener's queue.
TEST_F(ClientLoopback, AServerPassesOverAConnectionThatWasGivenUp) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  {
    Client brief(to(server->ha().port));
    ASSERT_TRUE(turnUntil([&] { return brief.connected(); }, [&] { brief.serviceConnect(); }));
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(brief.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }
  Client client(to(server->ha().port));
  client.tx("fine");
  EXPECT_TRUE(turnUntil(
      [&] {
        for (const auto& [ca, remoter] : server->ixes()) {
          if (remoter->rxbs().text() == "fine") return true;
        }
        return false;
      },
      [&] {
        client.service();
        EXPECT_NO_THROW(server->service());
      }));
}

// W2: hio's own test of the wire log, 357 bytes.
TEST_F(ClientLoopback, TheSharedWireLogIsThatOfTheOriginal) {
  WireLog log({.samed = true, .reopen = true});
  const auto server = openServer({.host = "", .port = 0, .wl = &log, .tymth = tymist.tymen()});
  ClientOptions logged = to(server->ha().port);
  logged.wl = &log;
  const auto client = openClient(logged);
  const auto turn = [&] { client->service(), server->service(); };
  ASSERT_TRUE(turnUntil([&] { return server->ixes().size() == 1 && client->connected(); }, turn));
  Remoter& remoter = *server->ixes().begin()->second;
  EXPECT_EQ(remoter.ca(), client->ca());
  client->tx("Beta sends to Server first");
  ASSERT_TRUE(turnUntil([&] { return remoter.rxbs().size() == 26; }, turn));
  client->tx("Beta sends to Server second");
  client->tx("Beta sends to Server third");
  ASSERT_TRUE(turnUntil([&] { return remoter.rxbs().size() == 26 + 27 + 26; }, turn));
  remoter.tx("Server sends to Beta");
  ASSERT_TRUE(turnUntil([&] { return client->rxbs().size() == 20; }, turn));
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

}  // namespace
}  // namespace hio::core::tcp
