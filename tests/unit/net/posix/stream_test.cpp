// The kernel's streams at their seam, on loopback.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "hio/net/net.hpp"
#include "support/loopback.hpp"

namespace hio::net {
namespace {

using test::RawListener;
using test::RawPeer;
using test::turnUntil;

struct SocketStreamTest : testing::Test {
  RawListener listener;
  std::unique_ptr<Stream> stream = systemNet().open(target(), {}).it;

  Endpoint target() const { return {.ip = *Ip::parse("127.0.0.1"), .port = listener.port()}; }
  int connected() {
    IoResult result = stream->connect();
    EXPECT_TRUE(turnUntil([&] { return result.isDone(); }, [&] { result = stream->connect(); }));
    return listener.accept();
  }
};

TEST_F(SocketStreamTest, KnowsItsEndsOnceItIsConnected) {
  EXPECT_EQ(stream->peer(), Endpoint{});
  const RawPeer peer(connected());
  EXPECT_EQ(stream->peer(), target());
  EXPECT_EQ(stream->local().ip, target().ip);
  EXPECT_TRUE(stream->connect().isDone());
}

TEST_F(SocketStreamTest, SendsPiecesInOrder) {
  const RawPeer peer(connected());
  std::vector<std::span<const std::byte>> pieces;
  EXPECT_EQ(stream->send(pieces).count(), 0U);
  for (const char* const text : {"one ", "", "two ", "three"})
    pieces.push_back(help::bytesOf(text));
  EXPECT_EQ(stream->send(pieces).count(), 13U);
  EXPECT_EQ(peer.receive(13), "one two three");
  // More pieces than one call takes: it says how many bytes it took.
  pieces.assign(100, help::bytesOf("x"));
  const std::size_t count = stream->send(pieces).count();
  EXPECT_GE(count, 1U);
  EXPECT_EQ(peer.receive(count), std::string(count, 'x'));
}

TEST_F(SocketStreamTest, NothingToMoveIsDoneAtOnce) {
  const RawPeer peer(connected());
  EXPECT_TRUE(stream->receive({}).isDone());
  EXPECT_TRUE(stream->send(std::span<const std::byte>()).isDone());
  std::array<std::byte, 8> room{};
  const IoResult nothing = stream->receive(room);
  EXPECT_TRUE(nothing.isBlocked());
  EXPECT_EQ(nothing.on(), IoResult::On::read);
}

TEST_F(SocketStreamTest, AFullPipeBlocksOnWrite) {
  const RawPeer peer(connected());
  const std::string megabyte(1U << 20U, 'x');
  IoResult result = IoResult::done();
  for (int i = 0; i < 1000 && result.isDone(); ++i) result = stream->send(help::bytesOf(megabyte));
  EXPECT_TRUE(result.isBlocked());
  EXPECT_EQ(result.on(), IoResult::On::write);
}

// Faults 11, 13: told once by the kernel, told each time by the stream.
TEST_F(SocketStreamTest, TheFirstErrorIsKept) {
  RawPeer peer(connected());
  peer.reset();
  std::array<std::byte, 8> room{};
  IoResult result = stream->receive(room);
  EXPECT_TRUE(
      turnUntil([&] { return !result.isBlocked(); }, [&] { result = stream->receive(room); }));
  const std::vector<std::span<const std::byte>> pieces(1, help::bytesOf("x"));
  for (const IoResult& again :
       {result, stream->receive(room), stream->send(help::bytesOf("x")), stream->send(pieces)}) {
    EXPECT_EQ(again.kind(), IoResult::Kind::lost);
    EXPECT_EQ(again.code(), std::errc::connection_reset);
  }
}

TEST_F(SocketStreamTest, AFailedAttemptStaysFailed) {
  const Endpoint nobody{.ip = *Ip::parse("127.0.0.1"), .port = test::closedPort()};
  const auto refused = systemNet().open(nobody, {}).it;
  IoResult result = refused->connect();
  EXPECT_TRUE(turnUntil([&] { return result.isError(); }, [&] { result = refused->connect(); }));
  EXPECT_EQ(refused->connect().code(), std::errc::connection_refused);
  EXPECT_TRUE(refused->shutdown(Direction::both).isError());
  listener.close();
}

TEST(SystemNet, CannotListenWhereItIsNot) {
  const auto foreign =
      systemNet().listen({.ip = *Ip::parse("192.0.2.1"), .port = 0}, ListenOptions{});
  EXPECT_EQ(foreign.it, nullptr);
  EXPECT_EQ(foreign.code, std::errc::address_not_available);
  EXPECT_NE(systemNet().seed(), systemNet().seed());
}

}  // namespace
}  // namespace hio::net
