// Contract V: the server and its remoters.
#include "hio/core/tcp/serving.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <system_error>

#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::FakeNet;
using test::lost;
using test::sys;
using test::Wire;

struct ServerTest : testing::Test {
  base::Tymist tymist;
  FakeNet net;

  ServerOptions options() { return {.port = 6101, .tymth = tymist.tymen(), .net = &net}; }
  Address from(std::uint16_t port) { return {"127.0.0.1", port}; }
};

// V1
TEST_F(ServerTest, NewOneIsClosedAndKnowsItsAddresses) {
  const Server server(options());
  EXPECT_EQ(server.ha(), Address("", 6101));
  EXPECT_EQ(server.eha(), Address("127.0.0.1", 6101));
  EXPECT_FALSE(server.opened());
  EXPECT_TRUE(server.ixes().empty());
  EXPECT_EQ(server.actualBufSizes().send, 0U);
  EXPECT_EQ(Server({.ha = Address{"::", 7}}).eha(), Address("::1", 7));
  EXPECT_EQ(Server({.host = "localhost"}).eha(), Address("127.0.0.1", 56000));
  EXPECT_EQ(ServerOptions().timeout, Server::Timeout);
}

TEST_F(ServerTest, RefusesOptionsOutOfRangeByName) {
  const auto what = [](ServerOptions bad) {
    try {
      Server server(std::move(bad));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("nothing thrown");
  };
  EXPECT_EQ(what({.port = 65536}), "port is 65536; a port is from 0 to 65535");
  EXPECT_EQ(what({.bs = 0}), "bs is 0; it is at least 1 byte");
  EXPECT_EQ(what({.bl = 0}), "bl is 0; it is at least 1");
  EXPECT_EQ(what({.maxConnections = 0}), "maxConnections is 0; it is at least 1 connection");
  EXPECT_EQ(what({.timeout = 0s, .dropIdle = true}),
            "dropIdle needs a timeout above 0, or every connection is dropped");
  EXPECT_EQ(what({.host = "some.name"}),
            "host is 'some.name'; a server listens on a number, \"localhost\" or \"\"");
}

// V2, V3 [bug]: hio's eha keeps port 0.
TEST_F(ServerTest, OpenBindsAndTellsTheRealPort) {
  ServerOptions any = options();
  any.port = 0;
  Server server(any);
  EXPECT_TRUE(server.open());
  EXPECT_EQ(server.ha(), Address("0.0.0.0", 50000));
  EXPECT_EQ(server.eha(), Address("127.0.0.1", 50000));
  EXPECT_TRUE(server.open());
  EXPECT_EQ(server.ha().port, 50000);
  EXPECT_EQ(net.listenersOpen, 1);
  EXPECT_EQ(server.actualBufSizes().receive, 2U);
}

// V2 [bug]: a failed bind leaves hio's socket open.
TEST_F(ServerTest, AFailedOpenIsFalseWithAReason) {
  net.listenError = sys(std::errc::address_in_use);
  const auto server = openServer(options());
  EXPECT_FALSE(server->opened());
  EXPECT_EQ(server->failure()->message(),
            "listen on 0.0.0.0:6101: Address already in use; "
            "something listens there already: use another port");
  EXPECT_THROW(server->accept(), std::logic_error);
  EXPECT_NO_THROW(server->service());
  net.listenError = {};
  EXPECT_TRUE(server->reopen());
  EXPECT_EQ(server->failure(), nullptr);
}

// The port may be free again.
TEST_F(ServerTest, TriesToListenAgainAtItsPace) {
  net.listenError = sys(std::errc::address_in_use);
  const auto server = openServer(options());
  server->service();
  EXPECT_EQ(server->deadline(), 1s);
  net.listenError = {};
  tymist.tyme(999ms);
  server->service();
  EXPECT_FALSE(server->opened());
  EXPECT_EQ(server->failure()->stage(), Stage::listen);
  tymist.tyme(1s);
  net.knock(1001);
  server->service();
  EXPECT_TRUE(server->opened());
  EXPECT_EQ(server->failure(), nullptr);
  EXPECT_EQ(server->ixes().size(), 1U);
}

TEST_F(ServerTest, AClockSetBackDoesNotKeepItFromListening) {
  tymist.tyme(1h);
  net.listenError = sys(std::errc::address_in_use);
  const auto server = openServer(options());
  server->service();
  net.listenError = {};
  tymist.tyme(0s);
  EXPECT_EQ(server->deadline(), 0s);
  server->service();
  EXPECT_TRUE(server->opened());
}

TEST_F(ServerTest, WithoutATimeItTriesToListenInEachService) {
  ServerOptions unwound = options();
  unwound.tymth = {};
  net.listenError = sys(std::errc::address_in_use);
  const auto server = openServer(unwound);
  server->service();
  EXPECT_FALSE(server->opened());
  net.listenError = {};
  server->service();
  EXPECT_TRUE(server->opened());
}

TEST_F(ServerTest, OneThatIsClosedStaysClosedAndHasNoDeadline) {
  net.listenError = sys(std::errc::address_in_use);
  const auto server = openServer(options());
  server->close();
  net.listenError = {};
  tymist.tick(1h);
  EXPECT_EQ(server->deadline(), std::nullopt);
  server->service();
  EXPECT_FALSE(server->opened());
  EXPECT_EQ(server->deadline(), std::nullopt);
}

// What service() knew is told until something changes.
TEST_F(ServerTest, ItsDeadlineIsTheAnswerOfTheLastService) {
  ServerOptions strict = options();
  strict.dropIdle = true;
  const auto server = openServer(strict);
  EXPECT_EQ(server->deadline(), 0s);
  net.knock(1001);
  server->service();
  EXPECT_EQ(server->deadline(), 1s);
  tymist.tick(5ms);
  EXPECT_EQ(server->deadline(), 1s);
  server->attach(nullptr);
  EXPECT_EQ(server->deadline(), 5ms);
  server->service();
  EXPECT_EQ(server->deadline(), 1s);
  server->wind(tymist.tymen());
  EXPECT_EQ(server->deadline(), 5ms);
  server->service();
  EXPECT_EQ(server->deadline(), 1005ms);
  server->removeIx(from(1001));
  EXPECT_EQ(server->deadline(), 5ms);
  server->service();
  EXPECT_EQ(server->deadline(), std::nullopt);
  tymist.tyme(1ms);
  EXPECT_EQ(server->deadline(), 1ms);
}

// The idle time begins anew when the clock is found to have been set back.
TEST_F(ServerTest, AClockSetBackDoesNotKeepIdleConnections) {
  ServerOptions strict = options();
  strict.dropIdle = true;
  tymist.tyme(1h);
  const auto server = openServer(strict);
  net.knock(1001);
  server->service();
  tymist.tyme(0s);
  server->service();
  EXPECT_EQ(server->deadline(), 1s);
  tymist.tyme(999ms);
  server->service();
  EXPECT_EQ(server->ixes().size(), 1U);
  tymist.tyme(1s);
  server->service();
  EXPECT_TRUE(server->ixes().empty());
}

// V4, V5
TEST_F(ServerTest, AcceptsAllAndServesEach) {
  const auto server = openServer(options());
  Wire& one = net.knock(1001);
  Wire& two = net.knock(1002);
  one.receives = {"one"};
  two.receives = {"two"};
  server->service();
  ASSERT_EQ(server->ixes().size(), 2U);
  EXPECT_EQ(server->ix(from(1001)).rxbs().text(), "one");
  EXPECT_EQ(server->ix(from(1002)).rxbs().text(), "two");
  EXPECT_EQ(server->ix(from(1001)).ca(), from(1001));
  EXPECT_EQ(server->ix(from(1001)).ha(), Address("0.0.0.0", 6101));
  for (const auto& [ca, remoter] : server->ixes()) remoter->tx(remoter->rxbs().view());
  server->service();
  EXPECT_EQ(one.sent, "one");
  EXPECT_EQ(two.sent, "two");
}

TEST_F(ServerTest, AcceptGivesOneConnectionToTheCaller) {
  Acceptor acceptor({.ha = Address{"127.0.0.1", 7}, .net = &net});
  ASSERT_TRUE(acceptor.open());
  EXPECT_FALSE(acceptor.accept());
  net.knock(1001);
  const auto incoming = acceptor.accept();
  ASSERT_TRUE(incoming);
  EXPECT_EQ(incoming->ca, from(1001));
  net.knock(1002);
  net.knock(1003);
  acceptor.serviceAccepts();
  EXPECT_EQ(acceptor.axes().size(), 2U);
  acceptor.close();
  EXPECT_TRUE(acceptor.axes().empty());
}

// V4 [bug], faults 9: hio lets the error of one accept stop the server.
TEST_F(ServerTest, SurvivesAnAcceptThatFails) {
  const auto server = openServer(options());
  net.knocks.push_back({.code = sys(std::errc::too_many_files_open)});
  net.knock(1001);
  EXPECT_NO_THROW(server->service());
  EXPECT_EQ(server->failure()->stage(), Stage::accept);
  EXPECT_EQ(server->failure()->code(), std::errc::too_many_files_open);
  EXPECT_TRUE(server->opened());
  server->service();
  EXPECT_EQ(server->ixes().size(), 1U);
  EXPECT_EQ(server->failure(), nullptr);
  net.knocks.push_back({.code = sys(std::errc::too_many_files_open)});
  EXPECT_THROW(server->accept(), std::system_error);
}

// V4 [bug]: hio raises a TypeError.
TEST_F(ServerTest, ASecondConnectionFromOneAddressReplacesTheFirst) {
  const auto server = openServer(options());
  Wire& first = net.knock(1001);
  server->service();
  net.knock(1001).receives = {"second"};
  server->service();
  EXPECT_FALSE(first.open);
  EXPECT_EQ(server->ixes().size(), 1U);
  EXPECT_EQ(server->ix(from(1001)).rxbs().text(), "second");
}

TEST_F(ServerTest, HoldsNoMoreConnectionsThanItMay) {
  ServerOptions few = options();
  few.maxConnections = 2;
  const auto server = openServer(few);
  for (std::uint16_t port = 1; port <= 4; ++port) net.knock(port);
  server->service();
  EXPECT_EQ(server->ixes().size(), 2U);
  server->removeIx(from(1));
  server->service();
  EXPECT_EQ(server->ixes().size(), 2U);
  EXPECT_EQ(net.knocks.size(), 1U);
  net.knocks.clear();
}

// One bad peer never disturbs the others.
TEST_F(ServerTest, APeerThatIsLostLeavesTheOthersAlone) {
  const auto server = openServer(options());
  net.knock(1001).receives = {lost(std::errc::connection_reset)};
  net.knock(1002).receives = {test::failed(std::errc::bad_file_descriptor)};
  net.knock(1003).receives = {"fine"};
  EXPECT_NO_THROW(server->service());
  EXPECT_EQ(server->ix(from(1001)).failure()->code(), std::errc::connection_reset);
  EXPECT_EQ(server->ix(from(1003)).rxbs().text(), "fine");
  server->service();
  EXPECT_EQ(server->ixes().size(), 1U);
}

// V6
TEST_F(ServerTest, ActsOnOneConnectionByItsAddress) {
  const auto server = openServer(options());
  Wire& wire = net.knock(1001);
  server->serviceConnects();
  wire.receives = {"in"};
  server->serviceReceivesIx(from(1001));
  EXPECT_EQ(server->ix(from(1001)).rxbs().text(), "in");
  EXPECT_TRUE(server->transmitIx("out", from(1001)));
  EXPECT_TRUE(server->transmitIx(help::bytesOf("put"), from(1001)));
  server->serviceSendsAllIx();
  EXPECT_EQ(wire.sent, "output");
  server->shutdownReceiveIx(from(1001));
  server->shutdownSendIx(from(1001));
  server->shutdownIx(from(1001));
  EXPECT_EQ(wire.shutdowns,
            (std::vector{net::Direction::receive, net::Direction::send, net::Direction::both}));
  server->closeIx(from(1001));
  EXPECT_FALSE(wire.open);
  EXPECT_EQ(server->ixes().size(), 1U);
  server->removeIx(from(1001));
  EXPECT_TRUE(server->ixes().empty());
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { server->closeIx(from(1)); }, [&] { server->removeIx(from(1)); },
           [&] { server->removeIx(from(1), false); }, [&] { server->shutdownIx(from(1)); },
           [&] { server->serviceReceivesIx(from(1)); }, [&] { server->transmitIx("", from(1)); }}) {
    try {
      call();
      ADD_FAILURE() << "nothing thrown";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), "Invalid connection address '127.0.0.1:1'");
    }
  }
}

TEST_F(ServerTest, RemoveIxCanHandTheLivingConnectionOver) {
  const auto server = openServer(options());
  Wire& wire = net.knock(1001);
  server->service();
  const auto remoter = server->removeIx(from(1001), false);
  EXPECT_TRUE(wire.open);
  wire.receives = {"mine"};
  remoter->service();
  EXPECT_EQ(remoter->rxbs().text(), "mine");
}

// V7 [bug]: hio keeps closed remoters and then stumbles over them.
TEST_F(ServerTest, CloseForgetsAllConnections) {
  const auto server = openServer(options());
  net.knock(1001);
  server->service();
  server->close();
  EXPECT_TRUE(server->ixes().empty());
  EXPECT_EQ(net.openNow(), 0);
  EXPECT_TRUE(server->reopen());
  EXPECT_NO_THROW(server->service());
  net.knock(1002);
  server->service();
  server->closeAllIx();
  EXPECT_NO_THROW(server->serviceReceivesAllIx());
  EXPECT_NO_THROW(server->serviceSendsAllIx());
  EXPECT_THROW(server->ix(from(1002)).receive(), std::logic_error);
}

// V7 [bug]: hio never removes a connection that is cut off.
TEST_F(ServerTest, ACutOffRemoterGoesOnceItIsRead) {
  const auto server = openServer(options());
  net.knock(1001).receives = {"unread", IoResult::ended()};
  server->service();
  ASSERT_TRUE(server->ix(from(1001)).cutoff());
  server->service();
  ASSERT_EQ(server->ixes().size(), 1U);
  server->ix(from(1001)).clearRxbs();
  server->service();
  EXPECT_TRUE(server->ixes().empty());
}

TEST_F(ServerTest, ACutOffRemoterThatNobodyReadsGoesAfterTheTimeout) {
  const auto server = openServer(options());
  net.knock(1001).receives = {"unread", IoResult::ended()};
  tymist.tick(5s);
  server->service();
  tymist.tick(999ms);
  server->service();
  EXPECT_EQ(server->ixes().size(), 1U);
  tymist.tick(1ms);
  server->service();
  EXPECT_TRUE(server->ixes().empty());
}

// V7, V8 [bug]: hio enforces no timeout, and each message pushes it one duration further.
TEST_F(ServerTest, IdleConnectionsAreDroppedWhenAskedAndTrafficCountsFromNow) {
  ServerOptions strict = options();
  strict.dropIdle = true;
  const auto server = openServer(strict);
  Wire& wire = net.knock(1001);
  server->service();
  tymist.tick(900ms);
  wire.receives = {"a", test::blockedOnRead(), "b"};
  server->service();
  server->service();
  EXPECT_EQ(server->ix(from(1001)).tymer().stop(), 1900ms);
  tymist.tick(900ms);
  server->transmitIx("out", from(1001));
  server->service();
  EXPECT_EQ(server->ix(from(1001)).tymer().stop(), 2800ms);
  tymist.tick(1s);
  server->service();
  EXPECT_TRUE(server->ixes().empty());
  EXPECT_FALSE(wire.open);
}

TEST_F(ServerTest, WithoutBeingAskedIdleConnectionsStay) {
  const auto server = openServer(options());
  net.knock(1001);
  server->service();
  tymist.tick(100h);
  server->service();
  EXPECT_EQ(server->ixes().size(), 1U);
}

TEST_F(ServerTest, WindReachesTheRemoters) {
  const auto server = openServer(options());
  net.knock(1001);
  server->service();
  base::Tymist other(70s);
  server->wind(other.tymen());
  EXPECT_EQ(server->tyme(), 70s);
  EXPECT_EQ(server->ix(from(1001)).tyme(), 70s);
  EXPECT_EQ(server->ix(from(1001)).tymer().stop(), 71s);
}

// V8
TEST_F(ServerTest, ARemoterCanBeMadeByHand) {
  EXPECT_THROW(Remoter(RemoterOptions{}), std::invalid_argument);
  Acceptor acceptor({.net = &net});
  acceptor.open();
  net.knock(1001).receives = {"a"};
  auto incoming = acceptor.accept();
  Remoter remoter({.ha = acceptor.ha(),
                   .ca = incoming->ca,
                   .cs = std::move(incoming->cs),
                   .timeout = 1s,
                   .refreshable = false,
                   .tymth = tymist.tymen()});
  EXPECT_EQ(remoter.tymer().duration(), 1s);
  tymist.tick(500ms);
  remoter.service();
  EXPECT_EQ(remoter.tymer().stop(), 1s);
  remoter.refresh();
  EXPECT_EQ(remoter.tymer().stop(), 1500ms);
  EXPECT_TRUE(remoter.opened());
  remoter.close();
  EXPECT_FALSE(remoter.opened());
  EXPECT_NO_THROW(remoter.service());
}

TEST_F(ServerTest, AnUnwoundServerWorks) {
  ServerOptions unwound = options();
  unwound.tymth = {};
  const auto server = openServer(unwound);
  net.knock(1001).receives = {"x", IoResult::ended()};
  server->service();
  server->service();
  // Closed, but there for one more round to be read.
  EXPECT_EQ(server->ixes().size(), 1U);
  EXPECT_EQ(server->ix(from(1001)).rxbs().text(), "x");
  EXPECT_EQ(net.openNow(), 0);
  server->service();
  EXPECT_TRUE(server->ixes().empty());
}

// V8
TEST_F(ServerTest, TheWireLogNamesTheFarSide) {
  WireLog log({.reopen = true});
  ServerOptions logged = options();
  logged.wl = &log;
  const auto server = openServer(logged);
  EXPECT_EQ(server->wl(), &log);
  net.knock(1001).receives = {"x"};
  server->service();
  EXPECT_EQ(help::textOf(log.readRx().value()), "\nRx ('127.0.0.1', 1001):\nx\n");
}

}  // namespace
}  // namespace hio::core::tcp
