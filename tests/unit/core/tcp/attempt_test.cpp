// One attempt: the lookup and the race between a name's addresses (RFC 8305).
#include "core/tcp/attempt.hpp"

#include <gtest/gtest.h>

#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::blockedOnWrite;
using test::failed;
using test::FakeNet;

std::vector<net::Ip> ips(std::initializer_list<const char*> texts) {
  std::vector<net::Ip> found;
  for (const char* text : texts) found.push_back(*net::Ip::parse(text));
  return found;
}

// Answers the lookup at once.
Attempt attemptAt(FakeNet& net, std::initializer_list<const char*> texts) {
  net.names["many.test"] = {.ips = ips(texts)};
  return {net, Address("many.test", 7), {}, {}};
}

std::string targetOf(FakeNet& net, std::size_t n) { return net.wire(n).target.ip.text(); }

TEST(Attempt, OpensAnAddressAtOnceAndSendsNothing) {
  FakeNet net;
  const Attempt attempt(net, Address("10.0.0.1", 7), {}, {});
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_EQ(net.wire(0).connectCalls, 0);
  EXPECT_TRUE(attempt.fresh());
  EXPECT_FALSE(attempt.neverOpened());
}

TEST(Attempt, TakesTheNextAddressAtOnceWhenOneFails) {
  FakeNet net;
  net.next().connects = {failed(std::errc::network_unreachable)};
  net.next().connects = {blockedOnWrite(), failed(std::errc::connection_refused)};
  Attempt attempt = attemptAt(net, {"::1", "10.0.0.1", "10.0.0.2"});
  EXPECT_TRUE(attempt.advance(0s).isBlocked());
  EXPECT_EQ(targetOf(net, 1), "10.0.0.1");
  EXPECT_TRUE(attempt.advance(0s).isDone());
  EXPECT_EQ(targetOf(net, 2), "10.0.0.2");
  ASSERT_EQ(attempt.tries().size(), 2U);
  EXPECT_EQ(attempt.tries()[0].address, Address("::1", 7));
  EXPECT_EQ(attempt.tries()[1].code, std::errc::connection_refused);
  EXPECT_EQ(attempt.take()->peer().ip.text(), "10.0.0.2");
}

TEST(Attempt, FamiliesAlternateInTheResolversOrder) {
  FakeNet net;
  for (int i = 0; i < 5; ++i) net.next().connects = {failed(std::errc::connection_refused)};
  Attempt attempt = attemptAt(net, {"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"});
  const net::IoResult result = attempt.advance(std::nullopt);
  std::vector<std::string> order;
  for (std::size_t i = 0; i < 5; ++i) order.push_back(targetOf(net, i));
  EXPECT_EQ(order, (std::vector<std::string>{"::1", "10.0.0.1", "::2", "10.0.0.2", "::3"}));
  EXPECT_EQ(result.code(), std::errc::connection_refused);
  EXPECT_EQ(attempt.latest(), nullptr);
}

TEST(Attempt, TheNextAddressJoinsASilentOneAndTheFirstToConnectWins) {
  FakeNet net;
  net.next().connects.assign(100, blockedOnWrite());
  net.next().connects = {blockedOnWrite(), blockedOnWrite()};
  Attempt attempt = attemptAt(net, {"10.0.0.1", "10.0.0.2"});
  EXPECT_TRUE(attempt.advance(0s).isBlocked());
  EXPECT_EQ(attempt.due(), 250ms);
  EXPECT_TRUE(attempt.advance(249ms).isBlocked());
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_TRUE(attempt.advance(250ms).isBlocked());
  EXPECT_EQ(net.openNow(), 2);
  // Streams that notify nobody have to be asked now and then.
  EXPECT_EQ(attempt.due(), base::Forever);
  EXPECT_FALSE(attempt.notifies());
  EXPECT_TRUE(attempt.advance(251ms).isBlocked());
  EXPECT_TRUE(attempt.advance(252ms).isDone());
  EXPECT_EQ(net.openNow(), 1);
  EXPECT_EQ(attempt.take()->peer().ip.text(), "10.0.0.2");
}

TEST(Attempt, WithoutATimeAddressesAreTriedOneAfterTheOther) {
  FakeNet net;
  net.next().connects.assign(50, blockedOnWrite());
  Attempt attempt = attemptAt(net, {"10.0.0.1", "10.0.0.2"});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(attempt.advance(std::nullopt).isBlocked());
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_TRUE(attempt.advance(std::nullopt).isDone());
}

TEST(Attempt, AnotherTimeStartsTheWaitAnew) {
  FakeNet net;
  net.next().connects.assign(100, blockedOnWrite());
  Attempt attempt = attemptAt(net, {"10.0.0.1", "10.0.0.2"});
  EXPECT_TRUE(attempt.advance(1000s).isBlocked());
  attempt.rewind();
  EXPECT_EQ(attempt.due(), base::Tyme::min());
  EXPECT_TRUE(attempt.advance(5s).isBlocked());
  EXPECT_EQ(attempt.due(), 5250ms);
  // A time that was set back does not stretch it.
  EXPECT_TRUE(attempt.advance(0s).isBlocked());
  EXPECT_EQ(attempt.due(), 250ms);
}

TEST(Attempt, WhatCannotBeOpenedIsPassedOver) {
  FakeNet net;
  net.failOpen(std::errc::address_family_not_supported);
  Attempt some = attemptAt(net, {"::1", "10.0.0.1"});
  EXPECT_TRUE(some.advance(0s).isDone());
  EXPECT_EQ(some.tries().size(), 1U);
  net.failOpen(std::errc::too_many_files_open);
  net.failOpen(std::errc::too_many_files_open);
  Attempt none = attemptAt(net, {"::1", "10.0.0.1"});
  const net::IoResult result = none.advance(0s);
  EXPECT_TRUE(none.neverOpened());
  EXPECT_EQ(none.stage(), Stage::open);
  EXPECT_TRUE(result.isError());
  EXPECT_EQ(result.code(), std::errc::too_many_files_open);
}

}  // namespace
}  // namespace hio::core::tcp
