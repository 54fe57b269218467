// Contract C, H, P, B and O: a client before and around its connections.
#include <gtest/gtest.h>

#include <stdexcept>
#include <type_traits>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::FakeNet;

template <class Call>
std::string invalidArgument(Call call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing thrown";
}

// C1, C2
TEST(ClientOptions, DefaultsAreTheSpecifications) {
  const ClientOptions options;
  EXPECT_EQ(options.timeout, Client::Timeout);
  EXPECT_EQ(options.reconnectable, Client::Reconnectable);
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 56000);
  EXPECT_EQ(options.bs, 8096U);
  EXPECT_TRUE(options.ha.empty());
  EXPECT_FALSE(options.tymth);
}

// C3
TEST(Client, NewOneIsClosedAndEmpty) {
  FakeNet net;
  const Client client({.net = &net});
  EXPECT_FALSE(client.opened() || client.accepted() || client.connected() || client.cutoff());
  EXPECT_EQ(client.phase(), Phase::closed);
  EXPECT_TRUE(client.ca().empty());
  EXPECT_TRUE(client.txbs().empty() && client.rxbs().empty());
  EXPECT_EQ(client.wl(), nullptr);
  EXPECT_EQ(client.failure(), nullptr);
  EXPECT_EQ(client.epoch(), 0U);
  EXPECT_EQ(net.openedCount(), 0U);  // C9
}

// C4
TEST(Client, AddressGivenAsHaWinsUnlessItIsEmpty) {
  const Client given({.ha = Address{"10.0.0.1", 7}, .host = "10.0.0.2", .port = 8});
  EXPECT_EQ(given.ha(), Address("10.0.0.1", 7));
  const Client empty({.ha = Address{}, .host = "10.0.0.2", .port = 8});
  EXPECT_EQ(empty.ha(), Address("10.0.0.2", 8));
}

// C5, C9, C10, H1
TEST(Client, ConstructorSettlesNumbersAndLocalhostAndAsksNobody) {
  FakeNet net;
  const Client local({.host = "localhost", .net = &net});
  EXPECT_EQ(local.host(), "127.0.0.1");
  EXPECT_EQ(local.hostname(), "localhost");
  const Client any({.host = "", .net = &net});
  EXPECT_EQ(any.host(), "0.0.0.0");
  EXPECT_EQ(any.hostname(), "");
  const Client name({.host = "no.such.name", .port = 9, .net = &net});
  EXPECT_EQ(name.ha(), Address("no.such.name", 9));
  EXPECT_EQ(net.lookups, 0);
}

// C6
TEST(Client, TymerHasTheTimeoutAndStartsNow) {
  base::Tymist tymist(3s);
  const Client wound({.timeout = 2s, .tymth = tymist.tymen()});
  EXPECT_EQ(wound.tymer().duration(), 2s);
  EXPECT_EQ(wound.tymer().stop(), 5s);
  const Client unwound({.timeout = 2s});
  EXPECT_EQ(unwound.tymer().stop(), 2s);
  const Client odd({.timeout = -1s});
  EXPECT_EQ(odd.tymer().duration(), -1s);
}

// C7
TEST(Client, UsesTheCallersBuffersThemselves) {
  help::Bytearray tx;
  help::Bytearray rx;
  Client client({.txbs = &tx, .rxbs = &rx});
  EXPECT_EQ(&client.txbs(), &tx);
  EXPECT_EQ(&client.rxbs(), &rx);
  client.tx("abc");
  EXPECT_EQ(tx.text(), "abc");
  rx.append("left");
  client.clearRxbs();  // R9
  EXPECT_TRUE(rx.empty());
}

// C11 and "bad input": the field and its value are named.
TEST(Client, RefusesValuesOutOfRange) {
  EXPECT_EQ(invalidArgument([] { Client client({.bs = 0}); }), "bs is 0; it is at least 1 byte");
  EXPECT_EQ(invalidArgument([] { Client client({.port = 65536}); }),
            "port is 65536; a port is from 0 to 65535");
  EXPECT_EQ(invalidArgument([] { Client client({.port = -1}); }),
            "port is -1; a port is from 0 to 65535");
  EXPECT_EQ(invalidArgument([] { Client client({.limits = {.rxHigh = 0}}); }),
            "limits.rxHigh is 0; it is at least 1 byte");
  EXPECT_EQ(invalidArgument([] { Client client({.limits = {.txLimit = 0}}); }),
            "limits.txLimit is 0; it is at least 1 byte");
  EXPECT_EQ(invalidArgument([] { Client client({.limits = {.rxBudget = 0}}); }),
            "limits.rxBudget is 0; it is at least 1 byte");
  EXPECT_EQ(invalidArgument([] { Client client({.retry = {.firstPause = -1ns}}); }),
            "retry.firstPause is -1 ns; it must not be negative");
  EXPECT_EQ(invalidArgument([] { Client client({.retry = {.firstPause = 2ns, .maxPause = 1ns}}); }),
            "retry.maxPause is 1 ns; it must not be less than retry.firstPause");
  EXPECT_EQ(invalidArgument([] { Client client({.retry = {.retryable = nullptr}}); }),
            "retry.retryable is null");
  Client client;
  EXPECT_EQ(invalidArgument([&] { client.port(70000); }),
            "port is 70000; a port is from 0 to 65535");
  EXPECT_EQ(invalidArgument([&] { client.reinitHostPort({.port = 70000}); }),
            "port is 70000; a port is from 0 to 65535");
  EXPECT_EQ(client.port(), 56000);
}

// H4
TEST(Client, ReinitHostPortSetsBothAndTouchesNothingElse) {
  FakeNet net;
  Client client({.host = "10.0.0.1", .port = 1, .net = &net});
  client.tx("kept");
  ASSERT_TRUE(client.connect());
  client.reinitHostPort({.ha = Address{"10.0.0.9", 9}, .hostname = "10.0.0.8", .port = 8});
  EXPECT_EQ(client.ha(), Address("10.0.0.9", 9));
  EXPECT_EQ(client.hostname(), "10.0.0.9");
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.txbs().text(), "kept");
  client.reinitHostPort({.hostname = "", .port = 8});
  EXPECT_EQ(client.ha(), Address("0.0.0.0", 8));
  EXPECT_EQ(client.hostname(), "");
  client.reinitHostPort();
  EXPECT_EQ(client.ha(), Address("127.0.0.1", 56000));
}

// H5, H6, A6
TEST(Client, HostAndPortReplaceTheirHalfAndTheNextAttemptUsesThem) {
  FakeNet net;
  net.names["peer.test"] = {.ips = {*net::Ip::parse("10.1.1.1")}};
  Client client({.host = "10.0.0.1", .port = 1, .net = &net});
  client.host("peer.test");
  client.port(80);
  EXPECT_EQ(client.ha(), Address("peer.test", 80));
  EXPECT_EQ(client.hostname(), "10.0.0.1");
  EXPECT_TRUE(client.connect());
  EXPECT_EQ(net.wire(0).target.port, 80);
  EXPECT_EQ(client.ha(), Address("10.1.1.1", 80));
  client.close();
  EXPECT_EQ(client.ha(), Address("10.1.1.1", 80));
  // The name is resolved anew for the next connection: its address may have changed.
  net.names["peer.test"] = {.ips = {*net::Ip::parse("10.1.1.2")}};
  EXPECT_TRUE(client.connect());
  EXPECT_EQ(client.ha(), Address("10.1.1.2", 80));
  EXPECT_EQ(net.lookups, 2);
}

// P2
TEST(Client, WindReplacesTheTimeOfItsTymerToo) {
  base::Tymist one(1s);
  base::Tymist two(100s);
  Client client({.timeout = 5s, .tymth = one.tymen()});
  client.wind(two.tymen());
  EXPECT_EQ(client.tyme(), 100s);
  EXPECT_EQ(client.tymer().stop(), 105s);
  EXPECT_EQ(client.tymer().duration(), 5s);
  EXPECT_THROW(client.wind(base::Tymth()), std::invalid_argument);
  EXPECT_EQ(client.tyme(), 100s);
}

// P4
TEST(Client, TymeOfAnUnwoundOneIsALogicError) {
  const Client client;
  EXPECT_FALSE(client.tymth());
  EXPECT_THROW((void)client.tyme(), std::logic_error);
}

// B1, B2: the wanted size reaches the seam; the kernel's part is tested on real sockets.
TEST(Client, BufferSizesAreZeroWithoutASocketAndBsIsWanted) {
  FakeNet net;
  Client client({.bs = 70000, .net = &net});
  EXPECT_EQ(client.actualBufSizes().send, 0U);
  client.open();
  EXPECT_EQ(client.actualBufSizes().send, 16384U);
  EXPECT_EQ(client.actualBufSizes().receive, 131072U);
  EXPECT_EQ(net.lastOptions.buffers.send, 70000U);
  EXPECT_TRUE(net.lastOptions.noDelay);  // T10
  EXPECT_TRUE(client.connect());
  EXPECT_EQ(client.actualBufSizes().send, 16384U);
}

// O1
TEST(Client, OpenMakesASocketAndConnectsNothing) {
  FakeNet net;
  Client client({.net = &net});
  EXPECT_TRUE(client.open());
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.accepted() || client.connected() || client.cutoff());
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_EQ(net.wire(0).connectCalls, 0);
}

// O2 [bug]: hio leaves the old descriptor to the garbage collector.
TEST(Client, OpenWhileOpenClosesTheOldSocket) {
  FakeNet net;
  Client client({.net = &net});
  client.open();
  client.open();
  EXPECT_EQ(net.openedCount(), 2U);
  EXPECT_EQ(net.openNow(), 1);
}

// O3
TEST(Client, ReopenGivesAFreshSocketInAnyState) {
  FakeNet net;
  net.next().receives = {net::IoResult::ended()};
  Client client({.net = &net});
  client.connect();
  client.serviceReceives();
  client.tx("kept");
  ASSERT_TRUE(client.cutoff());
  EXPECT_TRUE(client.reopen());
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.cutoff() || client.connected());
  EXPECT_EQ(client.txbs().text(), "kept");
  EXPECT_EQ(client.ca(), Address("127.0.0.1", 40000));
  EXPECT_EQ(net.openNow(), 1);
}

// O4
TEST(Client, ShutdownIsANoOpWithoutAConnectionAndChangesNoFlag) {
  FakeNet net;
  Client client({.net = &net});
  client.shutdown();
  client.open();
  client.shutdownSend();
  client.connect();
  client.shutdownReceive();
  client.shutdownSend();
  client.shutdown();
  EXPECT_EQ(net.wire(0).shutdowns,
            (std::vector{net::Direction::receive, net::Direction::send, net::Direction::both}));
  EXPECT_TRUE(client.opened() && client.accepted() && client.connected());
  EXPECT_FALSE(client.cutoff());
}

// O5
TEST(Client, CloseKeepsCutoffAddressesAndBuffers) {
  FakeNet net;
  net.next().receives = {"data", net::IoResult::ended()};
  Client client({.net = &net});
  client.connect();
  client.serviceReceives();
  client.tx("more");
  client.close();
  EXPECT_FALSE(client.opened() || client.accepted() || client.connected());
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.rxbs().text(), "data");
  EXPECT_EQ(client.txbs().text(), "more");
  EXPECT_EQ(client.ca(), Address("127.0.0.1", 40000));
  EXPECT_EQ(net.wire(0).shutdowns, std::vector{net::Direction::both});
  client.close();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(net.openNow(), 0);
}

// O6 [bug]: hio's refresh pushes the stop one duration further each time.
TEST(Client, RefreshStartsTheTymerFromNow) {
  base::Tymist tymist;
  Client client({.timeout = 1s, .tymth = tymist.tymen()});
  tymist.tick(250ms);
  client.refresh();
  client.refresh();
  EXPECT_EQ(client.tymer().stop(), 1250ms);
  Client unwound({.timeout = 1s});
  EXPECT_THROW(unwound.refresh(), std::logic_error);
}

// N1, N2
TEST(OpenClient, GivesAnOpenedClientAndClosesItAtTheEndOfTheScope) {
  FakeNet net;
  try {
    const auto client = openClient({.net = &net});
    EXPECT_TRUE(client->opened());
    EXPECT_FALSE(client->connected());
    throw std::runtime_error("passes");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "passes");
  }
  EXPECT_EQ(net.openNow(), 0);
  EXPECT_EQ(invalidArgument([] { openClient({.bs = 0}); }), "bs is 0; it is at least 1 byte");
}

TEST(Client, IsATymeeAndMayNotBeCopiedOrMoved) {
  static_assert(std::is_base_of_v<base::Tymee, Client>);
  static_assert(!std::is_copy_constructible_v<Client> && !std::is_move_constructible_v<Client>);
}

TEST(Phase, EachHasAName) {
  EXPECT_EQ(nameOf(Phase::closed), "closed");
  EXPECT_EQ(nameOf(Phase::handshaking), "handshaking");
  EXPECT_EQ(nameOf(Phase::stopped), "stopped");
}

}  // namespace
}  // namespace hio::core::tcp
