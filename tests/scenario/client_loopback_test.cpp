// The client on the kernel's own loopback: what only the kernel has, such as descriptors. What any
// network has is in client_on_both_nets_test.cpp.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hio/core/tcp.hpp"
#include "support/allocations.hpp"
#include "support/descriptor_of.hpp"
#include "support/loopback.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::closedPort;
using test::RawListener;
using test::turnUntil;

struct ClientLoopback : testing::Test {
  base::Tymist tymist{0s, 1ms};

  ClientOptions to(std::uint16_t port) { return {.port = port, .tymth = tymist.tymen()}; }
};

int optionOf(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

// T10, O1, faults §5: nonblocking, close-on-exec and without delay, from the first moment.
TEST_F(ClientLoopback, ItsDescriptorsAreNonblockingCloseOnExecAndWithoutDelay) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  Client client(to(server->ha().port));
  ASSERT_TRUE(turnUntil([&] { return client.connected() && server->ixes().size() == 1; },
                        [&] { client.service(), server->service(); }));
  const auto listener = net::systemNet().listen({.ip = *net::Ip::parse("127.0.0.1")}, {}).it;
  ASSERT_TRUE(listener);
  for (const int fd : {test::descriptorOf(client),
                       test::descriptorOf(*server->ixes().begin()->second), listener->fd()}) {
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
  }
  EXPECT_EQ(optionOf(test::descriptorOf(client), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(optionOf(test::descriptorOf(*server->ixes().begin()->second), IPPROTO_TCP, TCP_NODELAY),
            1);
  EXPECT_EQ(optionOf(test::descriptorOf(client), SOL_SOCKET, SO_KEEPALIVE), 0);
  ClientOptions other = to(server->ha().port);
  other.noDelay = false;
  other.keepAlive = true;
  const auto lazy = openClient(other);
  ASSERT_TRUE(turnUntil([&] { return lazy->connected(); }, [&] { lazy->service(); }));
  EXPECT_EQ(optionOf(test::descriptorOf(*lazy), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(optionOf(test::descriptorOf(*lazy), SOL_SOCKET, SO_KEEPALIVE), 1);
}

// A3, A4, A11: refused again and again, a new descriptor each time and none left over.
TEST_F(ClientLoopback, RefusedIsARefusalHoweverOften) {
  const std::uint16_t port = closedPort();
  const std::size_t before = test::openDescriptors();
  {
    Client client({.port = port});  // without a time there are no pauses
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
  const int next = ::dup(0);  // the number that the client's socket will get
  ::close(next);
  client.open();
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  self.sin_port = htons(port);
  ASSERT_EQ(::bind(next, reinterpret_cast<sockaddr*>(&self), sizeof self), 0);
  ASSERT_TRUE(turnUntil([&] { return client.failure() != nullptr || client.connected(); },
                        [&] { client.serviceConnect(); }));
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(client.failure()->code(), std::errc::connection_refused);
}

// Faults 9
TEST_F(ClientLoopback, SurvivesAShortageOfDescriptors) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  Client client(to(server->ha().port));
  {
    const test::DescriptorShortage none;
    EXPECT_NO_THROW(client.service());
    EXPECT_TRUE(client.failure() && client.failure()->code() == std::errc::too_many_files_open);
    none.spare(1);  // for the client, and none for the server's end of it
    EXPECT_TRUE(turnUntil([&] { return client.connected(); },
                          [&] { client.serviceConnect(), tymist.tick(10ms); }));
    EXPECT_NO_THROW(server->service());
    EXPECT_TRUE(server->failure() && server->opened());
  }
  EXPECT_TRUE(turnUntil([&] { return server->ixes().size() == 1; }, [&] { server->service(); }));
}

// Faults 11: reset while still in the listener's queue.
TEST_F(ClientLoopback, AServerPassesOverAConnectionThatWasGivenUp) {
  const auto server = openServer({.host = "127.0.0.1", .port = 0, .tymth = tymist.tymen()});
  {
    Client brief(to(server->ha().port));
    ASSERT_TRUE(turnUntil([&] { return brief.connected(); }, [&] { brief.serviceConnect(); }));
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(test::descriptorOf(brief), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
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

}  // namespace
}  // namespace hio::core::tcp
