// Contract A and S: connecting, one step for each call, and what a failed attempt leads to.
#include <gtest/gtest.h>

#include <stdexcept>
#include <system_error>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::blockedOnWrite;
using test::failed;
using test::FakeNet;
using test::lost;
using test::Wire;

// A1, A4, A6
TEST(ClientConnect, IsFalseUntilTheStreamHasConnected) {
  FakeNet net;
  net.next().connects = {blockedOnWrite(), blockedOnWrite()};
  Client client({.host = "10.0.0.1", .port = 7, .net = &net});
  EXPECT_FALSE(client.accept());
  EXPECT_EQ(client.phase(), Phase::connecting);
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.accept());
  EXPECT_TRUE(client.accept());
  EXPECT_EQ(net.wire(0).connectCalls, 3);
  EXPECT_TRUE(client.opened() && client.accepted() && client.connected());
  EXPECT_FALSE(client.cutoff());
  EXPECT_EQ(client.ca(), Address("127.0.0.1", 40000));
  EXPECT_EQ(client.ha(), Address("10.0.0.1", 7));
  EXPECT_EQ(client.epoch(), 1U);
  EXPECT_TRUE(client.accept());
  EXPECT_TRUE(client.connect());
  EXPECT_EQ(net.wire(0).connectCalls, 3);
}

// A2
TEST(ClientConnect, OpensAClosedClientFirst) {
  FakeNet net;
  for (const bool service : {false, true}) {
    Client client({.net = &net});
    EXPECT_TRUE(service ? client.serviceConnect() : client.connect());
    client.close();
    EXPECT_TRUE(service ? client.serviceConnect() : client.connect());
    EXPECT_EQ(client.epoch(), 2U);
  }
}

// A3, A5 [bug]: hio goes on with a descriptor whose connect failed, except after two errors.
TEST(ClientConnect, EachFailureGetsANewSocket) {
  for (const std::errc error :
       {std::errc::connection_refused, std::errc::timed_out, std::errc::network_unreachable,
        std::errc::host_unreachable, std::errc::connection_reset, std::errc::connection_aborted,
        std::errc::address_not_available, std::errc::operation_not_permitted,
        std::errc::permission_denied, std::errc::bad_file_descriptor, std::errc::not_a_socket,
        std::errc::invalid_argument}) {
    FakeNet net;
    net.next().connects = {blockedOnWrite(), failed(error)};
    Client client({.net = &net});
    EXPECT_FALSE(client.connect());
    EXPECT_FALSE(client.connect());
    EXPECT_EQ(net.openedCount(), 2U);
    EXPECT_EQ(net.openNow(), 1);
    EXPECT_TRUE(client.opened());
    ASSERT_TRUE(client.failure());
    EXPECT_EQ(client.failure()->code(), error);
    EXPECT_EQ(client.failure()->stage(), Stage::connect);
    EXPECT_EQ(client.failure()->address(), Address("127.0.0.1", 56000));
    EXPECT_TRUE(client.connect());
    EXPECT_EQ(client.failure(), nullptr);
  }
}

// A7 [bug]: hio's accept() declares a cut-off connection well again.
TEST(ClientConnect, ACutoffStaysUntilReopened) {
  FakeNet net;
  net.next().receives = {IoResult::ended()};
  Client client({.net = &net});
  client.service();
  ASSERT_TRUE(client.cutoff());
  EXPECT_TRUE(client.accept());
  EXPECT_TRUE(client.connect());
  EXPECT_TRUE(client.serviceConnect());  // S1
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.phase(), Phase::cutoff);
  client.reopen();
  EXPECT_FALSE(client.cutoff());
}

// A8, A12 [bug]: a stream that connected to nobody, or to itself, reports a failed attempt.
TEST(ClientConnect, ANotQuiteConnectedStreamIsAFailedAttempt) {
  FakeNet net;
  net.next().connects = {lost(std::errc::not_connected)};
  Client client({.net = &net});
  EXPECT_FALSE(client.connect());
  EXPECT_FALSE(client.accepted());
  EXPECT_EQ(client.failure()->code(), std::errc::not_connected);
}

// A9 [bug]: hio raises a NameError in place of the resolver's error.
TEST(ClientConnect, AnUnknownNameIsTheResolversError) {
  FakeNet net;
  Client client({.host = "no.such.name", .port = 7, .net = &net});
  try {
    client.connect();
    ADD_FAILURE() << "nothing thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), net::ResolveError::notFound);
    EXPECT_NE(std::string(error.what()).find("no.such.name:7"), std::string::npos) << error.what();
  }
  // As part of service() the same is kept, and tried again by the next call.
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.failure()->stage(), Stage::resolve);
  net.names["no.such.name"] = {.ips = {*net::Ip::parse("10.0.0.1")}};
  client.reopen();
  EXPECT_TRUE(client.serviceConnect());
}

// A10 [bug]: hio cannot connect to IPv6.
TEST(ClientConnect, TheFamilyFollowsTheAddress) {
  FakeNet net;
  net.next().local = {.ip = *net::Ip::parse("::1"), .port = 5};
  Client client({.host = "::1", .port = 7, .net = &net});
  EXPECT_TRUE(client.connect());
  EXPECT_EQ(net.wire(0).target.ip.family, net::Family::v6);
  EXPECT_EQ(client.ha(), Address("::1", 7));
  EXPECT_EQ(client.ca(), Address("::1", 5));
}

TEST(ClientConnect, ALookupTakesAsManyCallsAsItNeeds) {
  FakeNet net;
  net.names["slow.test"] = {.ips = {*net::Ip::parse("10.0.0.1")}, .blockedPolls = 2};
  Client client({.host = "slow.test", .net = &net});
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.phase(), Phase::resolving);
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_EQ(client.hostname(), "slow.test");
}

// Faults 9: no descriptor to be had.
TEST(ClientConnect, WithoutASocketToBeHadItSaysSoAndTriesAgain) {
  FakeNet net;
  net.failOpen(std::errc::too_many_files_open);
  Client client({.net = &net});
  EXPECT_FALSE(client.open());
  EXPECT_EQ(client.failure()->stage(), Stage::open);
  EXPECT_EQ(client.failure()->code(), std::errc::too_many_files_open);
  net.failOpen(std::errc::too_many_files_open);
  EXPECT_THROW(client.connect(), std::system_error);
  net.failOpen(std::errc::too_many_files_open);
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_TRUE(client.serviceConnect());
}

// S1
TEST(ServiceConnect, MakesOneAttemptForEachCall) {
  FakeNet net;
  net.next().connects = {blockedOnWrite(), blockedOnWrite(), blockedOnWrite()};
  Client client({.net = &net});
  for (int calls = 1; calls <= 3; ++calls) {
    EXPECT_FALSE(client.serviceConnect());
    EXPECT_EQ(net.wire(0).connectCalls, calls);
  }
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_EQ(net.wire(0).connectCalls, 4);
}

// S3
TEST(ServiceConnect, TheTimeoutHoldsWhetherOrNotReconnectable) {
  for (const bool reconnectable : {false, true}) {
    FakeNet net;
    net.next().connects.assign(100, blockedOnWrite());
    base::Tymist tymist;
    Client client(
        {.timeout = 1s, .reconnectable = reconnectable, .tymth = tymist.tymen(), .net = &net});
    tymist.tick(10s);
    EXPECT_FALSE(client.serviceConnect());  // A19: its time begins with its first step
    tymist.tick(999ms);
    EXPECT_FALSE(client.serviceConnect());
    EXPECT_EQ(client.phase(), Phase::connecting);
    tymist.tick(1ms);
    EXPECT_FALSE(client.serviceConnect());
    EXPECT_EQ(client.phase(), Phase::waiting);
    EXPECT_EQ(client.failure()->code(), net::systemError(std::errc::timed_out));  // A13
    tymist.tick(100ms);
    client.serviceConnect();
    EXPECT_TRUE(client.serviceConnect());
  }
}

// B2
TEST(ServiceConnect, ATimeoutNeedsATime) {
  FakeNet net;
  Client client({.timeout = 1s, .net = &net});
  EXPECT_THROW(client.service(), std::logic_error);
  EXPECT_EQ(net.openedCount(), 0U);
}

// B1: with a time a server that is down is not stormed; without one each call is an attempt.
TEST(ServiceConnect, ARefusedClientPausesIfItHasATime) {
  for (const bool wound : {false, true}) {
    FakeNet net;
    for (int i = 0; i < 99; ++i) net.next().connects = {failed(std::errc::connection_refused)};
    base::Tymist tymist;
    Client client({.tymth = wound ? tymist.tymen() : base::Tymth(), .net = &net});
    for (int calls = 0; calls < 50; ++calls) client.service();
    EXPECT_EQ(client.phase(), wound ? Phase::waiting : Phase::connecting);
    EXPECT_EQ(net.openedCount(), wound ? 1U : 51U);
    for (int calls = 0; calls < 500 && !client.connected(); ++calls, tymist.tick(1min)) {
      client.service();
    }
    EXPECT_TRUE(client.connected());
  }
}

// B4
TEST(ServiceConnect, StopKeepsItClosedUntilItIsOpened) {
  FakeNet net;
  base::Tymist tymist;
  for (const bool connects : {false, true}) {
    Client client({.reconnectable = true, .tymth = tymist.tymen(), .net = &net});
    if (connects) {
      EXPECT_TRUE(client.connect());
    }
    client.stop();
    const std::size_t opened = net.openedCount();
    for (int calls = 0; calls < 9; ++calls, tymist.tick(1h)) client.service();
    EXPECT_EQ(client.phase(), Phase::stopped);
    EXPECT_EQ(client.deadline(), std::nullopt);
    EXPECT_EQ(net.openedCount(), opened);
    EXPECT_TRUE(client.connect());
  }
}

// B14
TEST(ServiceConnect, ARejectedConnectionIsAFailedAttempt) {
  FakeNet net;
  base::Tymist tymist;
  Client client({.tymth = tymist.tymen(), .net = &net});
  EXPECT_FALSE(client.reject(std::make_error_code(std::errc::device_or_resource_busy)));
  ASSERT_TRUE(client.connect());
  client.tx("kept");
  EXPECT_TRUE(client.reject(std::make_error_code(std::errc::device_or_resource_busy), "LOADING"));
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_EQ(client.failure()->stage(), Stage::use);
  EXPECT_EQ(client.failure()->attempt(), 1U);
  EXPECT_NE(client.failure()->message().find("LOADING"), std::string::npos);
  EXPECT_EQ(net.openNow(), 0);
  tymist.tick(100ms);
  client.service();
  EXPECT_EQ(client.epoch(), 2U);
  EXPECT_EQ(net.wire(1).sent, "kept");
}

// D9
TEST(ServiceConnect, AClassifierThatThrowsStopsTheClientAndIsTold) {
  FakeNet net;
  net.next().connects = {failed(std::errc::connection_refused)};
  base::Tymist tymist;
  Client client({.tymth = tymist.tymen(),
                 .retry = {.retryable = [](const Failure&) -> bool {
                   throw std::runtime_error("out of ideas");
                 }},
                 .net = &net});
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
  EXPECT_NE(client.failure()->detail().find("out of ideas"), std::string::npos);
}

// S2, S4: pauses off, so that the times are hio's own.
TEST(ServiceConnect, AnAttemptThatTakesTooLongIsReplacedAtTheTick) {
  FakeNet net;
  for (int i = 0; i < 3; ++i) net.next().connects.assign(100, blockedOnWrite());
  base::Tymist tymist(0s, 62500us);
  Client client({.timeout = 250ms,
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .retry = {.firstPause = 0s},
                 .net = &net});
  std::vector<base::Tyme> reopened;
  while (tymist.tyme() < 900ms) {
    const std::size_t before = net.openedCount();
    EXPECT_FALSE(client.serviceConnect());
    if (before > 0 && net.openedCount() > before) reopened.push_back(tymist.tyme());
    tymist.tick();
  }
  EXPECT_EQ(reopened, (std::vector<base::Tyme>{250ms, 562500us, 875ms}));
  EXPECT_EQ(client.failure()->code(), std::errc::timed_out);
  EXPECT_EQ(client.failure()->attempt(), 3U);
  EXPECT_TRUE(client.serviceConnect());
}

// S2: the attempt comes before the look at the time.
TEST(ServiceConnect, AnAttemptThatSucceedsAtItsLastMomentHasSucceeded) {
  FakeNet net;
  net.next().connects = {blockedOnWrite()};
  base::Tymist tymist;
  Client client({.timeout = 1s, .reconnectable = true, .tymth = tymist.tymen(), .net = &net});
  EXPECT_FALSE(client.serviceConnect());
  tymist.tick(1s);
  EXPECT_TRUE(client.serviceConnect());
}

// S5
TEST(ServiceConnect, AReconnectableClientWithoutATimeIsALogicErrorFromTheFirstCall) {
  FakeNet net;
  Client client({.timeout = 1s, .reconnectable = true, .net = &net});
  EXPECT_THROW(client.serviceConnect(), std::logic_error);
  EXPECT_THROW(client.service(), std::logic_error);
  base::Tymist tymist;
  client.wind(tymist.tymen());
  EXPECT_TRUE(client.serviceConnect());
}

// S6 [bug]: in hio, a timer that has run for long throws away every attempt for many calls.
TEST(ServiceConnect, AnAttemptHasItsWholeTimeHoweverOldTheClientIs) {
  FakeNet net;
  net.next().connects = {blockedOnWrite()};
  base::Tymist tymist;
  Client client({.timeout = 200ms, .reconnectable = true, .tymth = tymist.tymen(), .net = &net});
  tymist.tick(10s);
  EXPECT_FALSE(client.serviceConnect());
  tymist.tick(100ms);
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_EQ(net.openedCount(), 1U);
}

// S8
TEST(ServiceConnect, TheTymerRunsOnWhileConnected) {
  FakeNet net;
  base::Tymist tymist;
  Client client({.timeout = 200ms, .reconnectable = true, .tymth = tymist.tymen(), .net = &net});
  EXPECT_TRUE(client.serviceConnect());
  tymist.tick(10s);
  EXPECT_TRUE(client.serviceConnect());
  EXPECT_TRUE(client.tymer().expired());
  EXPECT_EQ(client.epoch(), 1U);
}

// A slow lookup and a slow connect share one timeout.
TEST(ServiceConnect, TheTimeoutBoundsTheLookupToo) {
  FakeNet net;
  net.names["slow.test"] = {.ips = {}, .blockedPolls = 1000};
  base::Tymist tymist;
  Client client({.timeout = 1s,
                 .host = "slow.test",
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .net = &net});
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.deadline(), 10ms);  // to look again
  tymist.tick(1s);
  EXPECT_FALSE(client.serviceConnect());
  EXPECT_EQ(client.phase(), Phase::waiting);
  EXPECT_EQ(client.failure()->stage(), Stage::resolve);
  EXPECT_EQ(client.failure()->code(), std::errc::timed_out);
  EXPECT_NE(client.failure()->message().find("after 1 s"), std::string::npos);
}

TEST(ClientDeadline, TellsWhenServiceHasSomethingToDo) {
  FakeNet net;
  net.next().connects = {blockedOnWrite()};
  base::Tymist tymist(5s);
  Client client({.timeout = 1s, .reconnectable = true, .tymth = tymist.tymen(), .net = &net});
  EXPECT_EQ(client.deadline(), 5s);  // B17: service() opens a closed one
  client.open();
  EXPECT_EQ(client.deadline(), 5s);
  client.serviceConnect();
  EXPECT_EQ(client.deadline(), 6s);
  client.serviceConnect();
  EXPECT_EQ(client.deadline(), std::nullopt);
  client.tx("x");
  EXPECT_EQ(client.deadline(), 5s);
  client.service();
  EXPECT_EQ(client.deadline(), std::nullopt);
  net.wire(0).receives = {IoResult::ended()};
  client.serviceReceives();
  EXPECT_EQ(client.deadline(), 5s);
  EXPECT_EQ(Client().deadline(), std::nullopt);
}

}  // namespace
}  // namespace hio::core::tcp
