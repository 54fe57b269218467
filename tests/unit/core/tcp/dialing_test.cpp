// The race between a name's addresses (RFC 8305).
#include "core/tcp/dialing.hpp"

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

std::string targetOf(FakeNet& net, std::size_t n) { return net.wire(n).target.ip.text(); }

TEST(Dial, OpensTheFirstAddressAndSendsNothing) {
  FakeNet net;
  const Dial dial(net, ips({"10.0.0.1", "10.0.0.2"}), 7, {});
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_EQ(net.wire(0).connectCalls, 0);
  EXPECT_TRUE(dial.fresh());
  EXPECT_FALSE(dial.neverOpened());
}

TEST(Dial, TakesTheNextAddressAtOnceWhenOneFails) {
  FakeNet net;
  net.next().connects = {failed(std::errc::network_unreachable)};
  net.next().connects = {blockedOnWrite(), failed(std::errc::connection_refused)};
  Dial dial(net, ips({"::1", "10.0.0.1", "10.0.0.2"}), 7, {});
  EXPECT_TRUE(dial.poll(0s).isBlocked());
  EXPECT_EQ(targetOf(net, 1), "10.0.0.1");
  EXPECT_TRUE(dial.poll(0s).isDone());
  EXPECT_EQ(targetOf(net, 2), "10.0.0.2");
  ASSERT_EQ(dial.tries().size(), 2U);
  EXPECT_EQ(dial.tries()[0].address, Address("::1", 7));
  EXPECT_EQ(dial.tries()[1].code, std::errc::connection_refused);
  EXPECT_EQ(dial.take()->peer().ip.text(), "10.0.0.2");
}

TEST(Dial, FamiliesAlternateInTheResolversOrder) {
  FakeNet net;
  for (int i = 0; i < 5; ++i) net.next().connects = {failed(std::errc::connection_refused)};
  Dial dial(net, ips({"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"}), 7, {});
  const net::IoResult result = dial.poll(std::nullopt);
  std::vector<std::string> order;
  for (std::size_t i = 0; i < 5; ++i) order.push_back(targetOf(net, i));
  EXPECT_EQ(order, (std::vector<std::string>{"::1", "10.0.0.1", "::2", "10.0.0.2", "::3"}));
  EXPECT_EQ(result.code(), std::errc::connection_refused);
  EXPECT_EQ(dial.latest(), nullptr);
}

TEST(Dial, TheNextAddressJoinsASilentOneAndTheFirstToConnectWins) {
  FakeNet net;
  net.next().connects.assign(100, blockedOnWrite());
  net.next().connects = {blockedOnWrite(), blockedOnWrite()};
  Dial dial(net, ips({"10.0.0.1", "10.0.0.2"}), 7, {});
  EXPECT_TRUE(dial.poll(0s).isBlocked());
  EXPECT_EQ(dial.deadline(0s), 250ms);
  EXPECT_TRUE(dial.poll(249ms).isBlocked());
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_TRUE(dial.poll(250ms).isBlocked());
  EXPECT_EQ(net.openNow(), 2);
  // One descriptor cannot tell of two streams: they want to be looked at.
  EXPECT_EQ(dial.deadline(250ms), 260ms);
  EXPECT_TRUE(dial.poll(251ms).isBlocked());
  EXPECT_TRUE(dial.poll(252ms).isDone());
  EXPECT_EQ(net.openNow(), 1);
  EXPECT_EQ(dial.take()->peer().ip.text(), "10.0.0.2");
}

TEST(Dial, WithoutATimeAddressesAreTriedOneAfterTheOther) {
  FakeNet net;
  net.next().connects.assign(50, blockedOnWrite());
  Dial dial(net, ips({"10.0.0.1", "10.0.0.2"}), 7, {});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(dial.poll(std::nullopt).isBlocked());
  EXPECT_EQ(net.openedCount(), 1U);
  EXPECT_TRUE(dial.poll(std::nullopt).isDone());
}

TEST(Dial, AnotherTimeStartsTheWaitAnew) {
  FakeNet net;
  net.next().connects.assign(100, blockedOnWrite());
  Dial dial(net, ips({"10.0.0.1", "10.0.0.2"}), 7, {});
  EXPECT_TRUE(dial.poll(1000s).isBlocked());
  dial.rewind();
  EXPECT_EQ(dial.deadline(5s), 5s);
  EXPECT_TRUE(dial.poll(5s).isBlocked());
  EXPECT_EQ(dial.deadline(5s), 5250ms);
  // A time that was set back does not stretch it.
  EXPECT_TRUE(dial.poll(0s).isBlocked());
  EXPECT_EQ(dial.deadline(0s), 250ms);
}

TEST(Dial, WhatCannotBeOpenedIsPassedOver) {
  FakeNet net;
  net.failOpen(std::errc::address_family_not_supported);
  Dial some(net, ips({"::1", "10.0.0.1"}), 7, {});
  EXPECT_TRUE(some.poll(0s).isDone());
  EXPECT_EQ(some.tries().size(), 1U);
  net.failOpen(std::errc::too_many_files_open);
  net.failOpen(std::errc::too_many_files_open);
  Dial none(net, ips({"::1", "10.0.0.1"}), 7, {});
  EXPECT_TRUE(none.neverOpened());
  const net::IoResult result = none.poll(0s);
  EXPECT_TRUE(result.isError());
  EXPECT_EQ(result.code(), std::errc::too_many_files_open);
}

}  // namespace
}  // namespace hio::core::tcp
