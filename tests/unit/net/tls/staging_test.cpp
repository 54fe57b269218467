// What waits to go out: how much of it there may be, what the stream says of it, and what becomes
// of it when the stream ends.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::Direction;
using net::IoResult;

const std::error_code Reset = std::make_error_code(std::errc::connection_reset);
constexpr std::span<const std::byte> Nothing{};

class TlsStaging : public TlsVersions {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsStaging, eachVersion(), nameOfVersion);

// The server asks for an answer to its new key.
void askForKeyUpdate(RawTls& server) {
  ASSERT_EQ(SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
  ASSERT_EQ(SSL_do_handshake(server.ssl()), 1);
  server.flush();
}

// ---- after the end of sending -------------------------------------------------------------------

TEST(Tls13Staging, NothingIsWrittenAfterTheEndOfSending) {
  for (const bool drained : {true, false}) {
    RawPair tls(net::TlsVersion::tls13);
    tls.connect();
    IoResult end = tls.shook;
    EXPECT_EQ(receiveAll(*tls.client, end), "");
    if (!drained) tls.pipe->forth.capacity = 0;
    EXPECT_TRUE(tls.client->shutdown(Direction::send).isDone());
    const std::uint64_t before = tls.pipe->forth.passed;
    for (int time = 0; time < 5; ++time) {
      askForKeyUpdate(*tls.server);
      tls.server->send("part of the answer ");
      EXPECT_EQ(receiveAll(*tls.client, end), "part of the answer ");
      EXPECT_TRUE(end.isBlocked()) << end.code().message();
    }
    if (!drained) {
      tls.pipe->forth.capacity = 100000;
      EXPECT_TRUE(tls.client->send(Nothing).isDone());
    }
    EXPECT_LE(tls.pipe->forth.passed, before + (drained ? 0 : 24)) << "only the close_notify";
    EXPECT_TRUE(tls.pipe->forth.fin);
    EXPECT_FALSE(tls.client->pending().flush);
    EXPECT_EQ(tls.server->turn(), "");
    EXPECT_TRUE(tls.server->ended());
    EXPECT_EQ(tls.server->reason(), 0);
  }
}

// An alert that OpenSSL would write is not, but the error is told.
TEST_P(TlsStaging, AnErrorAfterTheEndOfSendingWritesNothing) {
  TlsPair tls(trusting(GetParam()), serving(GetParam()));
  tls.connect();
  IoResult end = tls.clientShook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_TRUE(tls.client->shutdown(Direction::send).isDone());
  const std::uint64_t before = tls.pipe->forth.passed;
  tls.pipe->back.bytes += std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.code(), net::TlsError::protocol) << end.code().message();
  EXPECT_EQ(tls.pipe->forth.passed, before);
}

// ---- a far side that reads nothing --------------------------------------------------------------

TEST(Tls13Staging, AnswersToKeyUpdatesAreBounded) {
  RawPair tls(net::TlsVersion::tls13);
  tls.connect();
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  tls.pipe->forth.capacity = 0;
  tls.pipe->back.capacity = std::string::npos;
  std::string arrived;
  // Each asks for an answer, and brings a byte of data.
  for (int time = 0; time < 6000; ++time) {
    askForKeyUpdate(*tls.server);
    tls.server->send("x");
    arrived += receiveAll(*tls.client, end);
    ASSERT_TRUE(end.isBlocked()) << end.code().message();
  }
  // It has stopped reading, says so, and is not asked again.
  EXPECT_LT(arrived.size(), 3000U);
  EXPECT_EQ(end.on(), IoResult::On::write);
  EXPECT_FALSE(tls.client->pending().received);
  EXPECT_GT(tls.pipe->back.bytes.size(), 100000U);
  // Once the far side reads, all goes on.
  tls.pipe->forth.capacity = std::string::npos;
  for (int turn = 0; turn < 200 && arrived.size() < 6000; ++turn) {
    EXPECT_TRUE(tls.client->send(Nothing).isDone());
    EXPECT_LT(tls.pipe->forth.bytes.size(), 80000U);
    EXPECT_TRUE(tls.client->pending().received);
    arrived += receiveAll(*tls.client, end);
    EXPECT_EQ(tls.server->turn(), "");
  }
  EXPECT_EQ(arrived.size(), 6000U);
  EXPECT_EQ(tls.client->send(help::bytesOf("words")).count(), 5U);
  EXPECT_EQ(tls.server->turn(), "words");
  EXPECT_EQ(tls.server->reason(), 0);
}

// A second request while the answer to the first waits does not stage another.
TEST(Tls13Staging, OneAnswerIsStagedWhileItWaits) {
  RawPair tls(net::TlsVersion::tls13);
  tls.connect();
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  tls.pipe->forth.capacity = 10;
  for (const int requests : {1, 2}) {
    for (int n = 0; n < requests; ++n) askForKeyUpdate(*tls.server);
    EXPECT_EQ(receiveAll(*tls.client, end), "");
  }
  EXPECT_TRUE(tls.client->pending().flush);
  tls.pipe->forth.capacity = 100000;
  const std::uint64_t before = tls.pipe->forth.passed;
  EXPECT_TRUE(tls.client->send(Nothing).isDone());
  EXPECT_LE(tls.pipe->forth.passed - before, 27U * 3);
  EXPECT_FALSE(tls.client->pending().flush);
  EXPECT_EQ(tls.client->send(help::bytesOf("words")).count(), 5U);
  EXPECT_EQ(tls.server->turn(), "words");
}

// ---- what the network refuses -------------------------------------------------------------------

TEST_P(TlsStaging, TheSendThatLearnsOfAResetSaysSo) {
  for (const bool gathered : {false, true}) {
    TlsPair tls(trusting(GetParam()), serving(GetParam()));
    tls.connect();
    tls.pipe->forth.reset = tls.pipe->back.reset = Reset;
    const std::array pieces{help::bytesOf("one"), help::bytesOf("two")};
    const IoResult result =
        gathered ? tls.client->send(std::span(pieces)) : tls.client->send(pieces[0]);
    EXPECT_EQ(result.kind(), IoResult::Kind::lost);
    EXPECT_EQ(result.code(), Reset);
    EXPECT_EQ(tls.client->pending().unsent, 0U);  // they are the caller's still
    EXPECT_FALSE(tls.client->pending().flush);    // and no further send() helps
  }
}

TEST_P(TlsStaging, AGatheredSendThatIsRefusedHalfwaySaysSo) {
  TlsPair tls(trusting(GetParam()), serving(GetParam()));
  tls.connect();
  tls.pipe->forth.tamper = [&](std::string&, std::uint64_t) { tls.pipe->forth.reset = Reset; };
  const std::array pieces{help::bytesOf("one"), help::bytesOf("two")};
  EXPECT_EQ(tls.client->send(std::span(pieces)).code(), Reset);
}

// ---- what is not out yet ------------------------------------------------------------------------

TEST_P(TlsStaging, UnsentTellsWhichBytesAreNotOut) {
  const std::string text = pattern(2 * 16384 + 1000);
  const std::size_t overhead = GetParam() == net::TlsVersion::tls13 ? 5 + 1 + 16 : 5 + 8 + 16;
  const std::array<std::size_t, 4> ends{0, 16384 + overhead, 2 * (16384 + overhead),
                                        text.size() + 3 * overhead};
  const std::array<std::size_t, 4> plain{0, 16384, 2 * 16384, text.size()};
  for (std::size_t whole = 0; whole < ends.size(); ++whole) {
    for (const int off : {-1, 0, 1}) {
      if ((whole == 0 && off < 0) || (whole == 3 && off > 0)) continue;
      TlsPair tls(trusting(GetParam()), serving(GetParam()));
      tls.connect();
      IoResult end = tls.clientShook;
      EXPECT_EQ(receiveAll(*tls.client, end), "");
      EXPECT_EQ(receiveAll(*tls.server, end), "");
      const std::size_t most = off < 0 ? ends.at(whole) - 1 : ends.at(whole) + std::size_t(off);
      tls.pipe->forth.capacity = most;
      EXPECT_EQ(tls.client->send(help::bytesOf(text)).count(), text.size());
      const std::size_t out = plain.at(off < 0 ? whole - 1 : whole);
      EXPECT_EQ(tls.client->pending().unsent, text.size() - out) << whole << ' ' << off;
      EXPECT_EQ(tls.client->pending().flush, out < text.size());
      // What is said to be out is what the far side has once this one is gone.
      tls.client.reset();
      EXPECT_EQ(receiveAll(*tls.server, end), text.substr(0, out));
    }
  }
}

TEST_P(TlsStaging, UnsentFallsAsTheNetworkTakes) {
  TlsPair tls(trusting(GetParam()), serving(GetParam()));
  tls.connect();
  tls.pipe->forth.capacity = 1000;
  const std::string text = pattern(40000);
  EXPECT_EQ(tls.client->send(help::bytesOf(text)).count(), text.size());
  std::size_t before = text.size();
  EXPECT_EQ(tls.client->pending().unsent, before);
  IoResult end = tls.clientShook;
  std::string arrived;
  while (tls.client->pending().flush) {
    arrived += receiveAll(*tls.server, end);
    EXPECT_FALSE(tls.client->send(Nothing).isError());
    const std::size_t now = tls.client->pending().unsent;
    EXPECT_LE(now, before);
    before = now;
  }
  EXPECT_EQ(before, 0U);
  arrived += receiveAll(*tls.server, end);
  EXPECT_EQ(arrived, text);
}

// An answer of TLS itself is to be passed on, but is none of the caller's bytes.
TEST(Tls13Staging, MessagesOfTlsAreNotUnsent) {
  RawPair tls(net::TlsVersion::tls13);
  tls.connect();
  IoResult end = tls.shook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  tls.pipe->forth.capacity = 0;
  askForKeyUpdate(*tls.server);
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_TRUE(tls.client->pending().flush);
  EXPECT_EQ(tls.client->pending().unsent, 0U);
}

TEST_P(TlsStaging, ClosingOffersWhatIsStagedOnceMore) {
  TlsPair tls(trusting(GetParam()), serving(GetParam()));
  tls.connect();
  IoResult end = tls.serverShook;
  EXPECT_EQ(receiveAll(*tls.server, end), "");
  tls.pipe->forth.capacity = 10;
  EXPECT_EQ(tls.client->send(help::bytesOf("last words")).count(), 10U);
  EXPECT_EQ(tls.client->pending().unsent, 10U);
  tls.pipe->forth.capacity = 100000;
  EXPECT_TRUE(tls.client->shutdown(Direction::both).isDone());
  EXPECT_EQ(tls.client->pending().unsent, 0U);
  EXPECT_EQ(receiveAll(*tls.server, end), "last words");
  EXPECT_TRUE(end.isEnded());
}

TEST_P(TlsStaging, ClosingDoesNotWaitForAFullPipe) {
  TlsPair tls(trusting(GetParam()), serving(GetParam()));
  tls.connect();
  tls.pipe->forth.capacity = 10;
  EXPECT_EQ(tls.client->send(help::bytesOf("last words")).count(), 10U);
  EXPECT_TRUE(tls.client->shutdown(Direction::both).isDone());
  EXPECT_EQ(tls.client->pending().unsent, 10U);  // and the caller knows
}

}  // namespace
}  // namespace hio::test
