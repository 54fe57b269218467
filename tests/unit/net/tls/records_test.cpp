// What a far side may put between, before and instead of the bytes of the application (faults.md,
// 3).
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <span>
#include <string>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::IoResult;
using net::TlsError;

class TlsRecords : public TlsWays {};
INSTANTIATE_TEST_SUITE_P(Ways, TlsRecords, everyWay(), nameOfWay);
// What only one version has.
class Tls12Records : public TlsWays {};
INSTANTIATE_TEST_SUITE_P(Ways, Tls12Records, everyWayOf(net::TlsVersion::tls12), nameOfWay);
class Tls13Records : public TlsWays {};
INSTANTIATE_TEST_SUITE_P(Ways, Tls13Records, everyWayOf(net::TlsVersion::tls13), nameOfWay);

constexpr std::span<const std::byte> Nothing{};

// ---- messages of TLS itself ---------------------------------------------------------------------

TEST_P(Tls13Records, KeyUpdatesAndTicketsAreNoData) {
  for (const int times : {1, 100}) {
    for (const bool asks : {false, true}) {
      for (const bool tickets : {false, true}) {
        RawPair tls = rawPair();
        tls.connect();
        IoResult end = tls.shook;
        EXPECT_EQ(receiveAll(*tls.client, end), "");  // the first tickets
        for (int n = 0; n < times; ++n) {
          const int kind = asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
          ASSERT_EQ(SSL_key_update(tls.server->ssl(), kind), 1);
          ASSERT_EQ(SSL_do_handshake(tls.server->ssl()), 1);
          if (tickets) {
            ASSERT_EQ(SSL_new_session_ticket(tls.server->ssl()), 1);
            ASSERT_EQ(SSL_do_handshake(tls.server->ssl()), 1);
          }
          tls.server->flush();
        }
        ASSERT_FALSE(tls.pipe->back.bytes.empty());
        const std::uint64_t before = tls.pipe->forth.passed;
        EXPECT_EQ(receiveAll(*tls.client, end), "");
        EXPECT_TRUE(end.isBlocked()) << end.code().message();
        EXPECT_TRUE(tls.pipe->back.bytes.empty());
        // The answer goes out although the application has nothing to send.
        EXPECT_EQ(tls.pipe->forth.passed > before, asks);
        EXPECT_FALSE(tls.client->pending().flush);

        tls.server->send("from the server");
        EXPECT_EQ(receiveAll(*tls.client, end), "from the server");
        ASSERT_TRUE(tls.client->send(help::bytesOf("from the client")).isDone());
        EXPECT_EQ(tls.server->turn(), "from the client");
        EXPECT_EQ(tls.server->reason(), 0);
      }
    }
  }
}

// The answer finds the pipe full: it is held, told of, and goes out later.
TEST_P(Tls13Records, AnAnswerThatFindsNoRoomGoesOutLater) {
  RawPair tls = rawPair();
  tls.connect();
  tls.pipe->forth.capacity = 0;
  ASSERT_EQ(SSL_key_update(tls.server->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(tls.server->ssl()), 1);
  tls.server->send("with new keys");
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "with new keys");
  EXPECT_TRUE(end.isBlocked());
  EXPECT_TRUE(tls.client->pending().flush);
  EXPECT_TRUE(tls.client->send(help::bytesOf("words")).isBlocked());
  EXPECT_TRUE(tls.client->send(Nothing).isBlocked());
  tls.pipe->forth.capacity = 100000;
  EXPECT_TRUE(tls.client->send(Nothing).isDone());  // a send of nothing passes it on
  EXPECT_FALSE(tls.client->pending().flush);
  EXPECT_EQ(tls.client->send(help::bytesOf("words")).count(), 5U);
  EXPECT_EQ(tls.server->turn(), "words");
}

TEST_P(Tls12Records, ARenegotiationIsRefusedAndTheStreamGoesOn) {
  RawPair tls = rawPair();
  tls.connect();
  ASSERT_EQ(SSL_renegotiate(tls.server->ssl()), 1);
  (void)SSL_do_handshake(tls.server->ssl());  // asks for it
  tls.server->flush();
  ASSERT_FALSE(tls.pipe->back.bytes.empty());
  const std::uint64_t before = tls.pipe->forth.passed;
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_TRUE(end.isBlocked()) << end.code().message();
  // One alert, far shorter than a ClientHello.
  EXPECT_GT(tls.pipe->forth.passed, before);
  EXPECT_LT(tls.pipe->forth.passed, before + 60);
  ASSERT_TRUE(tls.client->send(help::bytesOf("going on")).isDone());
  // OpenSSL's own server does not go on after the refusal, but has understood it.
  (void)tls.server->turn();
  EXPECT_EQ(tls.server->reason(), SSL_R_NO_RENEGOTIATION);
}

// A client that asks for one is refused as well.
TEST_P(Tls12Records, AServerDoesNotRenegotiateEither) {
  const auto context = net::TlsContext::server(serving(version()));
  const auto pipe = std::make_shared<Pipe>();
  cut(*pipe, pieces(), 1);
  Pipe::Ends ends = Pipe::ends(pipe);
  RawTls client(std::move(ends.near), RawTls::Side::client, version());
  const auto server = context->wrap(std::move(ends.far));
  for (int turn = 0; turn < 10; ++turn) {
    (void)client.turn();
    (void)server->connect();
  }
  ASSERT_TRUE(server->connect().isDone());
  const std::uint64_t before = pipe->back.passed;
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  (void)SSL_do_handshake(client.ssl());
  client.flush();
  IoResult end = IoResult::done();
  EXPECT_EQ(receiveAll(*server, end), "");
  EXPECT_TRUE(end.isBlocked()) << end.code().message();
  EXPECT_LT(pipe->back.passed, before + 60);
  (void)client.turn();
  EXPECT_EQ(client.reason(), SSL_R_NO_RENEGOTIATION);
}

// ---- much of it ---------------------------------------------------------------------------------

TEST_P(TlsRecords, SixtyFourKilobytesComeInOneReceive) {
  TlsPair tls = pair();
  tls.connect();
  const std::string text = pattern(65536);
  for (std::size_t sent = 0; sent < text.size();) {
    const IoResult result = tls.server->send(help::bytesOf(text).subspan(sent));
    ASSERT_TRUE(result.isDone());
    sent += result.count();
  }
  std::vector<std::byte> room(text.size());
  const IoResult result = tls.client->receive(room);
  EXPECT_EQ(result.count(), text.size());
  EXPECT_EQ(help::textOf(room), text);
}

// While receive() has not come to an end nobody may wait for the descriptor: held() says so.
TEST_P(TlsRecords, WhatLiesInsideIsToldOf) {
  TlsPair tls = pair();
  tls.connect();
  const std::string text = pattern(20000);
  ASSERT_EQ(tls.server->send(help::bytesOf(text)).count(), text.size());
  std::string arrived;
  std::byte room[7]{};
  while (arrived.size() < text.size()) {
    ASSERT_TRUE(arrived.empty() || tls.client->pending().received) << arrived.size();
    const IoResult result = tls.client->receive(room);
    ASSERT_TRUE(result.isDone()) << arrived.size();
    arrived += help::textOf(std::span(room).first(result.count()));
  }
  EXPECT_EQ(arrived, text);
  EXPECT_TRUE(tls.client->receive(room).isBlocked());
  EXPECT_FALSE(tls.client->pending().received);
}

// A full pipe takes no promise from the caller: the next send may be of fewer bytes, of more, of
// others, from elsewhere.
TEST_P(TlsRecords, AfterAFullPipeTheCallerMaySendAnythingElse) {
  TlsPair tls = pair();
  tls.connect();
  tls.pipe->forth.capacity = 1000;
  std::string expected;
  std::string arrived;
  IoResult end = tls.clientShook;
  char mark = 'a';
  for (const std::size_t size : {30000U, 5U, 100000U, 1U, 17000U, 2U}) {
    for (bool taken = false; !taken;) {
      // Another buffer each time, with other bytes.
      const std::string offer(size + (mark % 2 == 0 ? 1 : 0), mark);
      ++mark;
      const IoResult result = tls.client->send(help::bytesOf(offer));
      ASSERT_FALSE(result.isError()) << result.code().message();
      expected += offer.substr(0, result.count());
      taken = result.count() > 0;
      arrived += receiveAll(*tls.server, end);
      ASSERT_TRUE(end.isBlocked()) << end.code().message();
      if (mark > 'y') mark = 'a';
    }
  }
  while (tls.client->pending().flush) {
    ASSERT_FALSE(tls.client->send(Nothing).isError());
    arrived += receiveAll(*tls.server, end);
  }
  EXPECT_EQ(arrived.size(), expected.size());
  EXPECT_EQ(arrived, expected);
}

// What is staged is bounded, however much is offered.
TEST_P(TlsRecords, AFullPipeHoldsTheSenderBack) {
  TlsPair tls = pair();
  tls.connect();
  tls.pipe->forth.capacity = 0;
  const std::string text = pattern(1000000);
  std::size_t taken = 0;
  for (int call = 0; call < 100; ++call) {
    const IoResult result = tls.client->send(help::bytesOf(text));
    ASSERT_FALSE(result.isError());
    taken += result.count();
  }
  EXPECT_LE(taken, std::size_t(64) * 1024);
}

// ---- instead of TLS -----------------------------------------------------------------------------

std::string record(char type, std::size_t length, const std::string& body, char minor = 3) {
  return std::string{type, 3, minor, static_cast<char>(length >> 8U),
                     static_cast<char>(length & 0xffU)} +
         body;
}

struct Nonsense {
  std::string name;
  std::string bytes;
  std::error_code code;
  std::string why;
};

std::vector<Nonsense> nonsense() {
  const std::error_code notTls = TlsError::notTls;
  const std::error_code protocol = TlsError::protocol;
  std::string huge = record(22, 16384, std::string("\x02\xff\xff\xff", 4) + std::string(16380, 1));
  for (int more = 0; more < 20; ++more) huge += record(22, 16384, std::string(16384, 1));
  std::string empty;
  for (int count = 0; count < 40; ++count) empty += record(22, 0, "");
  return {
      {"an HTTP server", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", notTls, ""},
      {"an SSH server", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n", notTls, ""},
      {"a mail server", "220 mail.test ESMTP ready\r\n", notTls, ""},
      {"a redis", "-ERR unknown command\r\n", notTls, ""},
      {"zeros", std::string(1000, '\0'), notTls, ""},
      {"a garbage record", record(22, 200, std::string(200, '\x5a')), protocol, ""},
      {"data instead of a handshake", record(23, 100, std::string(100, 'x')), protocol, ""},
      {"an unknown record", record(99, 100, std::string(100, 'x')), protocol, ""},
      {"a record of 0x5000 bytes", record(22, 0x5000, std::string(0x5000, 'x')), protocol,
       "too long"},
      {"a ServerHello of 16 MB", huge, protocol, "excessive message size"},
      {"empty records", empty, protocol, ""},
      {"an alert of its own", record(21, 2, "\x02\x28"), net::tlsAlert(40), ""},
      {"an unknown alert", record(21, 2, "\x02\xee"), net::tlsAlert(0xee), ""},
  };
}

TEST_P(TlsRecords, NonsenseInsteadOfAServersHelloEndsItWithTheReason) {
  for (const Nonsense& each : nonsense()) {
    SCOPED_TRACE(each.name);
    RawPair tls = rawPair();
    tls.pipe->back.bytes = each.bytes;
    IoResult result = tls.client->connect();
    // Each step is bounded, and so is their number.
    for (int step = 0; step < 10 && result.isBlocked(); ++step) result = tls.client->connect();
    EXPECT_EQ(result.code(), each.code) << result.code().message() << ": " << tls.client->why();
    EXPECT_NE(tls.client->why().find(each.why), std::string::npos) << tls.client->why();
    // It has not read on for ever.
    EXPECT_TRUE(each.bytes.size() < 200000 || tls.pipe->back.bytes.size() > 50000);
    EXPECT_EQ(tls.client->connect().code(), each.code);
  }
}

TEST_P(TlsRecords, NonsenseInsteadOfAClientsHelloEndsItWithTheReason) {
  const std::vector<Nonsense> said{
      {"an HTTP client", "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n", TlsError::notTls, ""},
      {"a proxy's client", "CONNECT good.test:443 HTTP/1.1\r\n\r\n", TlsError::notTls, ""},
      {"an SSH client", "SSH-2.0-OpenSSH_9.2p1\r\n", TlsError::notTls, ""},
      {"garbage", record(22, 200, std::string(200, '\x5a')), TlsError::protocol, ""},
  };
  for (const Nonsense& each : said) {
    SCOPED_TRACE(each.name);
    TlsPair tls = pair();
    tls.pipe->forth.bytes = each.bytes;
    IoResult result = tls.server->connect();
    EXPECT_EQ(result.code(), each.code) << result.code().message() << ": " << tls.server->why();
  }
}

// The same nonsense between the records of a connection.
TEST_P(TlsRecords, NonsenseLaterEndsTheConnectionAfterWhatCameBefore) {
  for (const Nonsense& each : nonsense()) {
    SCOPED_TRACE(each.name);
    TlsPair tls = pair();
    tls.connect();
    ASSERT_TRUE(tls.server->send(help::bytesOf("good words")).isDone());
    tls.pipe->back.bytes += each.bytes;
    IoResult end = tls.clientShook;
    EXPECT_EQ(receiveAll(*tls.client, end), "good words");
    EXPECT_EQ(end.kind(), IoResult::Kind::failed);
    EXPECT_EQ(end.code().category(), net::tlsCategory());
    EXPECT_NE(end.code(), TlsError::notTls);  // it was TLS
    const std::error_code first = end.code();
    EXPECT_EQ(receiveAll(*tls.client, end), "");
    EXPECT_EQ(end.code(), first);
    EXPECT_EQ(tls.client->send(help::bytesOf("words")).code(), first);
  }
}

}  // namespace
}  // namespace hio::test
