// Contract R, T, X and W: bytes in and out of one connection, seen through a Client.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using test::blockedOnRead;
using test::blockedOnWrite;
using test::failed;
using test::FakeNet;
using test::lost;
using test::Wire;

struct LinkTest : testing::Test {
  base::Tymist tymist;
  FakeNet net;

  Wire& connect(Client& client) {
    EXPECT_TRUE(client.connect());
    return net.wire(net.openedCount() - 1);
  }
};

constexpr std::errc PeerGone[] = {std::errc::connection_reset,    std::errc::network_reset,
                                  std::errc::network_unreachable, std::errc::host_unreachable,
                                  std::errc::network_down,        std::errc::timed_out,
                                  std::errc::broken_pipe,         std::errc::connection_refused,
                                  std::errc::not_connected,       std::errc::connection_aborted};

// R1
TEST_F(LinkTest, ReceiveTellsNothingDataAndEndApart) {
  Client client({.bs = 4, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {blockedOnRead(), "abcdef", IoResult::ended()};
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_EQ(help::textOf(client.receive().value()), "abcd");
  EXPECT_EQ(help::textOf(client.receive().value()), "ef");
  EXPECT_TRUE(client.rxbs().empty());
  EXPECT_FALSE(client.cutoff());
  // R3
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(client.receive().value().empty());
    EXPECT_TRUE(client.cutoff() && client.ended());
    EXPECT_TRUE(client.accepted() && client.connected() && client.opened());
  }
  EXPECT_EQ(client.failure(), nullptr);
}

// R2
TEST_F(LinkTest, ReceiveFromALostPeerGivesNoBytesAndTheReason) {
  for (const std::errc error : PeerGone) {
    Client client({.net = &net});
    connect(client).receives = {lost(error)};
    EXPECT_TRUE(client.receive().value().empty());
    EXPECT_TRUE(client.cutoff());
    EXPECT_FALSE(client.ended());
    EXPECT_EQ(client.failure()->code(), error);
    EXPECT_EQ(client.failure()->stage(), Stage::receive);
  }
}

TEST_F(LinkTest, ReceiveThrowsWhatIsUnexpectedAndServiceKeepsIt) {
  Client client({.net = &net});
  connect(client).receives = {failed(std::errc::bad_file_descriptor)};
  EXPECT_THROW(client.receive(), std::system_error);
  client.reopen();
  connect(client).receives = {failed(std::errc::bad_file_descriptor)};
  EXPECT_NO_THROW(client.service());
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::bad_file_descriptor);
}

// R4, T1, T2
TEST_F(LinkTest, ReceiveAndSendWithoutAConnectionAreMisuse) {
  Client client({.net = &net});
  EXPECT_THROW(client.receive(), std::logic_error);
  EXPECT_THROW(client.send(""), std::logic_error);
  client.open();
  for (const auto& call : {std::function<void()>([&] { client.receive(); }),
                           std::function<void()>([&] { client.send(""); })}) {
    try {
      call();
      ADD_FAILURE() << "nothing thrown";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::not_connected);
    }
  }
  net.wire(0).connects = {blockedOnWrite()};
  EXPECT_FALSE(client.connect());
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_EQ(client.send("x"), 0U);
}

// R5: what came before a reset is delivered before it.
TEST_F(LinkTest, DataBeforeAResetIsDelivered) {
  Client client({.net = &net});
  connect(client).receives = {"data", lost(std::errc::connection_reset)};
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().text(), "data");
  EXPECT_TRUE(client.cutoff());
}

// R6, R10
TEST_F(LinkTest, ServiceReceivesTakesAllThereIsAndSeesTheEndBehindIt) {
  Client client({.bs = 3, .net = &net});
  client.serviceReceives();
  Wire& wire = connect(client);
  wire.receives = {"abcdefgh", blockedOnRead(), "ij", IoResult::ended()};
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().text(), "abcdefgh");
  EXPECT_FALSE(client.cutoff());
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().text(), "abcdefghij");
  EXPECT_TRUE(client.cutoff());
  const int calls = wire.receiveCalls;
  client.serviceReceives();
  client.serviceReceiveOnce();
  EXPECT_EQ(wire.receiveCalls, calls);
}

// R7 [bug]: in hio, a fast sender keeps one call for ever.
TEST_F(LinkTest, OneServiceReceivesABoundedNumberOfBytesInABoundedNumberOfCalls) {
  Client bytes({.bs = 100, .limits = {.rxBudget = 1050}, .net = &net});
  connect(bytes).receives = {std::string(5000, 'x')};
  bytes.serviceReceives();
  EXPECT_EQ(bytes.rxbs().size(), 1050U);
  Client calls({.bs = 1, .net = &net});
  Wire& wire = connect(calls);
  for (int count = 0; count < 5000; ++count) wire.receives.emplace_back("x");
  calls.serviceReceives();
  EXPECT_EQ(wire.receiveCalls, 256);
  // D3: many that bring little for the room they have are as much work.
  Client poor({.net = &net});
  Wire& crumbs = connect(poor);
  for (int count = 0; count < 5000; ++count) crumbs.receives.emplace_back("x");
  poor.serviceReceives();
  EXPECT_EQ(crumbs.receiveCalls, 16);
}

// A12: also after a send that failed.
TEST_F(LinkTest, TheBudgetHoldsWhenASendHasFailed) {
  Client client({.bs = 100, .limits = {.rxBudget = 1000}, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {std::string(5000, 'x'), IoResult::ended()};
  wire.sends = {lost(std::errc::broken_pipe)};
  client.tx("y");
  client.service();
  EXPECT_EQ(client.rxbs().size(), 1000U);
  for (int calls = 0; calls < 5; ++calls) client.service();
  EXPECT_EQ(client.rxbs().size(), 5000U);
  EXPECT_TRUE(client.cutoff());
}

// A18
TEST_F(LinkTest, ReceiveOnceReceivesUpToBs) {
  Client client({.bs = 1000, .net = &net});
  connect(client).receives = {std::string(2500, 'x')};
  client.serviceReceiveOnce();
  EXPECT_EQ(client.rxbs().size(), 1000U);
}

// A busy stream is read in larger and larger pieces, a silent one holds little memory.
TEST_F(LinkTest, WhatIsReadAtOnceFollowsTheStream) {
  Client client({.limits = {.rxBudget = 8U << 20U}, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {std::string(4U << 20U, 'x')};
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().size(), 4U << 20U);
  EXPECT_LT(wire.receiveCalls, 80);
  client.clearRxbs();
  for (int count = 0; count < 20; ++count) client.serviceReceives();
  EXPECT_LE(client.rxbs().capacity(), 4096U);
}

TEST_F(LinkTest, WithoutLimitsMemoryFollowsTheStreamToo) {
  constexpr std::size_t None = std::numeric_limits<std::size_t>::max();
  Client client({.limits = {.rxHigh = None, .rxBudget = None}, .net = &net});
  connect(client).receives = {std::string(1U << 20U, 'x')};
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().size(), 1U << 20U);
  EXPECT_LE(client.rxbs().capacity(), 4U << 20U);
}

TEST_F(LinkTest, AboveTheHighWaterMarkNothingIsRead) {
  Client client({.bs = 100, .limits = {.rxHigh = 250}, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {std::string(1000, 'x')};
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().size(), 250U);
  const int calls = wire.receiveCalls;
  client.service();
  client.serviceReceiveOnce();
  EXPECT_EQ(wire.receiveCalls, calls);
  client.rxbs().consume(10);
  client.serviceReceives();
  EXPECT_EQ(client.rxbs().size(), 250U);
}

// R8
TEST_F(LinkTest, ServiceReceiveOnceReceivesOnce) {
  Client client({.bs = 4, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {"abcdef"};
  client.serviceReceiveOnce();
  EXPECT_EQ(client.rxbs().text(), "abcd");
  EXPECT_EQ(wire.receiveCalls, 1);
}

// Faults 25, 26: every split gives the same bytes.
TEST_F(LinkTest, PiecesOfAnySizeMakeTheSameStream) {
  std::string text;
  for (int i = 0; i < 2048; ++i) text += static_cast<char>('a' + i % 26);
  for (std::size_t split = 0; split <= text.size(); split += 13) {
    FakeNet fake;
    Client client({.bs = 64, .net = &fake});
    client.connect();
    fake.wire(0).receives = {text.substr(0, split) + "", blockedOnRead(), text.substr(split)};
    if (split == 0) fake.wire(0).receives.pop_front();
    fake.wire(0).sends = {IoResult::done(split), blockedOnWrite(), IoResult::done(1)};
    if (split == 0) fake.wire(0).sends.pop_front();
    client.tx(text);
    for (int i = 0; i < 5; ++i) client.service();
    EXPECT_EQ(client.rxbs().text(), text) << "split " << split;
    EXPECT_EQ(fake.wire(0).sent, text) << "split " << split;
  }
}

// T1
TEST_F(LinkTest, SendGivesTheCountTaken) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  wire.sends = {IoResult::done(2), blockedOnWrite()};
  EXPECT_EQ(client.send("abc"), 2U);
  EXPECT_EQ(client.send("c"), 0U);
  EXPECT_EQ(client.send("c"), 1U);
  const int calls = wire.sendCalls;
  EXPECT_EQ(client.send(""), 0U);
  EXPECT_EQ(wire.sendCalls, calls);
  EXPECT_EQ(wire.sent, "abc");
}

// T1, T3, T4 [bug]: EPIPE and its kin are not in hio's list and come out of service() for ever.
TEST_F(LinkTest, ALostPeerMakesSendGiveZeroAndTheReason) {
  for (const std::errc error : PeerGone) {
    Client client({.net = &net});
    connect(client).sends = {lost(error)};
    EXPECT_EQ(client.send("x"), 0U);
    EXPECT_TRUE(client.cutoff());
    EXPECT_EQ(client.failure()->code(), error);
    EXPECT_EQ(client.failure()->stage(), Stage::send);
    client.reopen();
    client.tx("kept");
    connect(client).sends = {lost(error)};
    EXPECT_NO_THROW(client.service());
    EXPECT_TRUE(client.cutoff());
    EXPECT_NO_THROW(client.service());
    EXPECT_EQ(client.txbs().text(), "kept");
  }
}

// T4: what the peer sent before it went is not lost with it.
TEST_F(LinkTest, ALostPeerFoundBySendingLeavesWhatItSent) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  wire.receives = {"last words", IoResult::ended()};
  wire.sends = {lost(std::errc::broken_pipe)};
  client.tx("x");
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.rxbs().text(), "last words");
  EXPECT_EQ(client.failure()->code(), std::errc::broken_pipe);
}

// After the far side's end nothing more can come, whatever the stream's readiness says.
TEST_F(LinkTest, AHalfOpenLinkIsCutOffByASendThatFails) {
  Client client({.halfOpen = true, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {IoResult::ended()};
  client.service();
  ASSERT_TRUE(client.ended());
  wire.sends = {lost(std::errc::broken_pipe)};
  client.tx("x");
  client.service();
  EXPECT_TRUE(client.cutoff());
}

// The same when a receive is blocked for a moment, as by a want of memory.
TEST_F(LinkTest, ALostPeerFoundBySendingIsReadToTheEndThroughAPause) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  wire.receives = {"last ", blockedOnRead(), "words", IoResult::ended()};
  wire.sends = {lost(std::errc::broken_pipe)};
  client.tx("x");
  client.service();
  EXPECT_FALSE(client.cutoff());
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.rxbs().text(), "last words");
}

// A send may fail on a connection that stands, and rxbs be full at that moment.
TEST_F(LinkTest, AFailedSendCutsOffOnceRxbsHasRoomAndNothingComes) {
  Client client({.limits = {.rxHigh = 4}, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {"full"};
  wire.sends = {failed(std::errc::operation_not_permitted)};
  client.tx("x");
  client.service();
  EXPECT_FALSE(client.cutoff());
  client.clearRxbs();
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::operation_not_permitted);
}

// T4, O7: after this side's own shutdownSend
TEST_F(LinkTest, AfterShutdownSendSendIsAnErrorAndServiceKeepsTheBytes) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  client.shutdownSend();
  client.tx("kept");
  try {
    client.send("x");
    ADD_FAILURE() << "nothing thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::broken_pipe);
  }
  wire.receives = {"still"};
  EXPECT_NO_THROW(client.service());
  EXPECT_EQ(wire.sendCalls, 0);
  EXPECT_EQ(client.rxbs().text(), "still");
  EXPECT_FALSE(client.cutoff());
  client.reopen();
  client.service();
  EXPECT_EQ(net.wire(1).sent, "kept");  // T9
}

// O8
TEST_F(LinkTest, AfterShutdownReceiveTheEndIsSeenAndSendWorks) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  client.shutdownReceive();
  wire.receives = {IoResult::ended()};
  EXPECT_TRUE(client.receive().value().empty());
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.send("x"), 1U);
}

// T5
TEST_F(LinkTest, ACutoffStopsTheServicesAndKeepsTheQueue) {
  Client client({.net = &net});
  Wire& wire = connect(client);
  wire.receives = {IoResult::ended()};
  client.serviceReceives();
  client.tx("queued");
  client.service();
  EXPECT_EQ(client.txbs().text(), "queued");
  EXPECT_EQ(wire.sendCalls, 0);
  EXPECT_EQ(client.send("direct"), 6U);
}

// T6
TEST_F(LinkTest, TxCopiesInAnyStateAndSaysWhetherItTookTheBytes) {
  Client client({.limits = {.txLimit = 6}, .net = &net});
  std::string text = "abc";
  EXPECT_TRUE(client.tx(text));
  text = "xyz";
  EXPECT_EQ(client.txbs().text(), "abc");
  EXPECT_FALSE(client.tx("defg"));
  EXPECT_TRUE(client.tx("def"));
  EXPECT_FALSE(client.tx("g"));
  EXPECT_TRUE(client.tx(""));
  EXPECT_EQ(client.txbs().text(), "abcdef");
  client.txbs().append("past the limit by hand");
  EXPECT_FALSE(client.tx("g"));
}

// T7
TEST_F(LinkTest, ServiceSendsMakesOneSendAndDropsWhatWasTaken) {
  Client client({.net = &net});
  client.tx("abc");
  client.tx("def");
  client.serviceSends();
  EXPECT_EQ(client.txbs().size(), 6U);
  Wire& wire = connect(client);
  wire.sends = {IoResult::done(4)};
  client.serviceSends();
  EXPECT_EQ(wire.sendCalls, 1);
  EXPECT_EQ(client.txbs().text(), "ef");
  client.serviceSends();
  client.serviceSends();
  EXPECT_EQ(wire.sendCalls, 2);
  EXPECT_EQ(wire.sent, "abcdef");
}

// T9
TEST_F(LinkTest, UnsentBytesGoOutOnTheNextConnection) {
  Client client({.net = &net});
  connect(client).sends = {IoResult::done(2), blockedOnWrite()};
  client.tx("abcdef");
  client.serviceSends();
  client.close();
  client.service();
  EXPECT_EQ(net.wire(0).sent, "ab");
  EXPECT_EQ(net.wire(1).sent, "cdef");
}

// X1, X2
TEST_F(LinkTest, ServiceConnectsSendsAndReceivesInOneCall) {
  Client client({.net = &net});
  net.next().receives = {"answer"};
  client.tx("question");
  client.service();
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(net.wire(0).sent, "question");
  EXPECT_EQ(client.rxbs().text(), "answer");
}

// Faults 28: a stream that claims more than there is must not be believed.
TEST_F(LinkTest, AnImpossibleCountIsAnError) {
  Client client({.net = &net});
  connect(client).sends = {IoResult::done(99)};
  client.tx("abc");
  client.service();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure()->code(), std::errc::protocol_error);
}

// Faults 16: the far side has finished sending and still reads.
TEST_F(LinkTest, HalfOpenGoesOnSendingUntilThisSideEndsToo) {
  Client client({.halfOpen = true, .net = &net});
  Wire& wire = connect(client);
  wire.receives = {"all", IoResult::ended()};
  client.service();
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(client.cutoff());
  client.tx("rest");
  client.service();
  EXPECT_EQ(wire.sent, "rest");
  client.shutdownSend();
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.failure(), nullptr);
  client.reopen();
  EXPECT_FALSE(client.ended());
}

TEST_F(LinkTest, HalfOpenTheOtherWayRound) {
  Client client({.halfOpen = true, .net = &net});
  Wire& wire = connect(client);
  client.shutdownSend();
  EXPECT_FALSE(client.cutoff());
  wire.receives = {"all", IoResult::ended()};
  client.service();
  EXPECT_TRUE(client.cutoff());
}

TEST_F(LinkTest, DrainSendsTheRestThenEndsAndCloses) {
  Client client({.tymth = tymist.tymen(), .net = &net});
  Wire& wire = connect(client);
  wire.sends = {IoResult::done(2)};
  client.tx("abcd");
  client.drain(1s);
  EXPECT_FALSE(client.tx("more"));
  EXPECT_EQ(client.deadline(), 0s);
  client.service();
  EXPECT_TRUE(client.connected());
  EXPECT_TRUE(wire.shutdowns.empty());
  client.service();
  EXPECT_EQ(wire.sent, "abcd");
  EXPECT_EQ(wire.shutdowns.front(), net::Direction::send);
  EXPECT_TRUE(client.connected());
  wire.receives = {"bye", IoResult::ended()};
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
  EXPECT_EQ(client.rxbs().text(), "bye");
  client.service();
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_TRUE(client.open());
  EXPECT_TRUE(client.tx("again"));
}

TEST_F(LinkTest, DrainGivesUpAtItsLimit) {
  Client client({.reconnectable = true, .tymth = tymist.tymen(), .net = &net});
  connect(client).sends.assign(100, blockedOnWrite());
  client.tx("stuck");
  client.drain(1s);
  client.service();
  EXPECT_TRUE(client.connected());
  tymist.tick(1s);
  client.service();
  EXPECT_EQ(client.phase(), Phase::stopped);
  EXPECT_EQ(client.txbs().text(), "stuck");
  Client unwound({.net = &net});
  EXPECT_THROW(unwound.drain(1s), std::logic_error);
}

// W1, W2
TEST_F(LinkTest, WireLogHoldsWhatWasMovedAndWithWhom) {
  WireLog log({.samed = true, .reopen = true});
  Client client({.host = "127.0.0.1", .port = 61010, .wl = &log, .net = &net});
  Wire& wire = connect(client);
  wire.sends = {IoResult::done(3), blockedOnWrite()};
  wire.receives = {"answer", blockedOnRead(), IoResult::ended()};
  client.tx("question");
  for (int i = 0; i < 4; ++i) client.service();
  EXPECT_EQ(help::textOf(log.readRx().value()),
            "\nTx ('127.0.0.1', 61010):\nque\n"
            "\nRx ('127.0.0.1', 61010):\nanswer\n");
}

// W3 [bug]: hio loses received bytes when the log is closed.
TEST_F(LinkTest, AClosedWireLogDisturbsNothing) {
  WireLog log({.reopen = true});
  Client client({.wl = &log, .net = &net});
  connect(client).receives = {"data"};
  log.close();
  client.tx("x");
  client.service();
  EXPECT_EQ(client.rxbs().text(), "data");
  EXPECT_EQ(net.wire(0).sent, "x");
}

}  // namespace
}  // namespace hio::core::tcp
