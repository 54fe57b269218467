// Records that bring little or nothing: how many one call handles, and when there are too many.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::IoResult;
using net::TlsError;

// Both have the counts of stream.cpp.
constexpr std::size_t InOneCall = 64;
constexpr std::size_t Most = 1000;

class TlsFloods : public TlsVersions {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsFloods, eachVersion(), nameOfVersion);

void updateKeys(RawTls& server, std::size_t times) {
  for (std::size_t n = 0; n < times; ++n) {
    ASSERT_EQ(SSL_key_update(server.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(server.ssl()), 1);
  }
  server.flush();
}

// Connected, with nothing left to receive.
void settle(RawPair& tls) {
  tls.connect();
  tls.pipe->back.capacity = std::string::npos;
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
}

TEST(Tls13Floods, OneCallHandlesAFewKeyUpdatesAndSaysThatThereAreMore) {
  RawPair tls(net::TlsVersion::tls13);
  settle(tls);
  updateKeys(*tls.server, 900);
  tls.server->send("at last");
  std::vector<std::byte> room(100);
  std::size_t calls = 1;
  IoResult result = tls.client->receive(room);
  for (; result.isBlocked() && calls < 100; ++calls) {
    ASSERT_TRUE(tls.client->pending().received);
    result = tls.client->receive(room);
  }
  EXPECT_EQ(calls, 900 / InOneCall + 1);
  EXPECT_EQ(help::textOf(std::span(room).first(result.count())), "at last");
  EXPECT_TRUE(tls.client->receive(room).isBlocked());
  EXPECT_FALSE(tls.client->pending().received);
}

TEST(Tls13Floods, KeyUpdatesWithoutDataEndTheConnection) {
  RawPair tls(net::TlsVersion::tls13);
  settle(tls);
  updateKeys(*tls.server, Most + 100);
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.kind(), IoResult::Kind::failed);
  EXPECT_EQ(end.code(), TlsError::protocol);
  EXPECT_NE(tls.client->why().find("1000 records without data"), std::string::npos);
  EXPECT_EQ(tls.client->send(help::bytesOf("words")).code(), TlsError::protocol);
}

// A byte between them makes a connection of it.
TEST(Tls13Floods, KeyUpdatesWithDataBetweenThemDoNot) {
  RawPair tls(net::TlsVersion::tls13);
  settle(tls);
  for (int time = 0; time < 10; ++time) {
    updateKeys(*tls.server, Most - 100);
    tls.server->send("x");
  }
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "xxxxxxxxxx");
  EXPECT_TRUE(end.isBlocked());
}

// Requests to renegotiate are such records of TLS 1.2.
TEST(Tls12Floods, RequestsToRenegotiateEndTheConnection) {
  RawPair tls(net::TlsVersion::tls12);
  settle(tls);
  for (std::size_t n = 0; n < Most + 100; ++n) {
    ASSERT_EQ(SSL_renegotiate(tls.server->ssl()), 1);
    (void)SSL_do_handshake(tls.server->ssl());
    tls.server->flush();
  }
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.code(), TlsError::protocol) << end.code().message();
}

TEST_P(TlsFloods, OneCallHandlesAFewTinyRecords) {
  RawPair tls(GetParam());
  settle(tls);
  for (int n = 0; n < 5000; ++n) tls.server->send("x");
  std::vector<std::byte> room(10000);
  std::size_t arrived = 0;
  while (arrived < 5000) {
    const IoResult result = tls.client->receive(room);
    ASSERT_TRUE(result.isDone()) << result.code().message();
    EXPECT_LE(result.count(), InOneCall);
    arrived += result.count();
    if (arrived < 5000) {
      ASSERT_TRUE(tls.client->pending().received);
    }
  }
  EXPECT_TRUE(tls.client->receive(room).isBlocked());
  EXPECT_FALSE(tls.client->pending().received);
}

// Whatever the bytes are cut into below: the header of a record may come apart from its body.
TEST_P(TlsFloods, RecordsThatComeByteByByteAreWhole) {
  RawPair tls(GetParam());
  cut(*tls.pipe, Pieces::single, 1);
  settle(tls);
  std::string all;
  IoResult end = tls.shook;
  std::string arrived;
  for (int n = 0; n < 20; ++n) {
    tls.server->send("some words");
    all += "some words";
    // Each byte alone, with a call for each.
    std::string bytes;
    bytes.swap(tls.pipe->back.bytes);
    for (const char byte : bytes) {
      tls.pipe->back.bytes += byte;
      arrived += receiveAll(*tls.client, end);
      ASSERT_TRUE(end.isBlocked()) << end.code().message();
      ASSERT_FALSE(tls.client->pending().received);
    }
  }
  EXPECT_EQ(arrived, all);
}

TEST_P(TlsFloods, AHandshakeInCrumbsEnds) {
  const auto context = net::TlsContext::server(serving(GetParam()));
  const auto pipe = std::make_shared<Pipe>();
  pipe->forth.capacity = std::string::npos;
  Pipe::Ends ends = Pipe::ends(pipe);
  const auto server = context->wrap(std::move(ends.far));
  // The beginning of a ClientHello of 60,000 bytes, in records of one.
  std::string body("\x01\x00\xea\x60\x03\x03", 6);
  body.resize(5000, 'x');
  for (const char byte : body) pipe->forth.bytes += std::string("\x16\x03\x01\x00\x01", 5) + byte;
  IoResult result = server->connect();
  std::size_t calls = 1;
  for (; result.isBlocked() && calls < 100; ++calls) {
    ASSERT_TRUE(server->pending().received);
    result = server->connect();
  }
  EXPECT_EQ(result.code(), TlsError::protocol) << result.code().message();
  EXPECT_NE(server->why().find("records without data"), std::string::npos) << server->why();
  EXPECT_EQ(calls, Most / InOneCall + 1);
}

}  // namespace
}  // namespace hio::test
