// How a TLS connection ends, cleanly and otherwise, in the handshake and after it (faults.md, 3).
#include <gtest/gtest.h>

#include <string>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::Direction;
using net::IoResult;
using net::TlsError;

const std::error_code Reset = std::make_error_code(std::errc::connection_reset);
const std::error_code BrokenPipe = std::make_error_code(std::errc::broken_pipe);

class TlsEnds : public TlsWays {};
INSTANTIATE_TEST_SUITE_P(Ways, TlsEnds, everyWay(), nameOfWay);

TEST_P(TlsEnds, EveryByteComesBeforeATruncatedEndAndTheEndStays) {
  TlsPair tls = pair();
  tls.connect();
  const std::string text = pattern(40000);
  std::string arrived;
  IoResult end = tls.serverShook;
  for (std::size_t sent = 0; sent < text.size();) {
    const IoResult result = tls.server->send(help::bytesOf(text).subspan(sent));
    ASSERT_FALSE(result.isError());
    sent += result.count();
    arrived += receiveAll(*tls.client, end);
  }
  tls.pipe->back.fin = true;
  arrived += receiveAll(*tls.client, end);
  EXPECT_EQ(arrived, text);
  EXPECT_EQ(end.kind(), IoResult::Kind::lost);
  EXPECT_EQ(end.code(), TlsError::truncated);
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.code(), TlsError::truncated);
}

// Nobody tells of it any more: held() has to.
TEST_P(TlsEnds, AnEndThatCameWithTheLastBytesIsStillHeld) {
  for (const bool clean : {true, false}) {
    TlsPair tls = pair();
    tls.connect();
    ASSERT_TRUE(tls.server->send(help::bytesOf("last words")).isDone());
    if (clean) (void)tls.server->shutdown(Direction::send);
    tls.pipe->back.fin = true;
    help::Bytes room(100);
    EXPECT_EQ(tls.client->receive(room).count(), 10U);
    EXPECT_TRUE(tls.client->pending().received);
    const IoResult end = tls.client->receive(room);
    EXPECT_TRUE(clean ? end.isEnded() : end.code() == TlsError::truncated);
  }
}

TEST_P(TlsEnds, AnEndInTheMiddleOfARecordIsTruncated) {
  TlsPair tls = pair();
  tls.connect();
  ASSERT_TRUE(tls.server->send(help::bytesOf(pattern(1000))).isDone());
  tls.pipe->back.bytes.pop_back();
  tls.pipe->back.fin = true;
  IoResult end = tls.serverShook;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.code(), TlsError::truncated);
}

TEST_P(TlsEnds, AResetIsNoEnd) {
  TlsPair tls = pair();
  tls.connect();
  ASSERT_TRUE(tls.server->send(help::bytesOf("last words")).isDone());
  tls.pipe->back.reset = tls.pipe->forth.reset = Reset;
  IoResult end = tls.serverShook;
  EXPECT_EQ(receiveAll(*tls.client, end), "last words");
  EXPECT_EQ(end.kind(), IoResult::Kind::lost);
  EXPECT_EQ(end.code(), Reset);
  EXPECT_EQ(tls.client->send(help::bytesOf("more")).code(), Reset);
}

TEST_P(TlsEnds, AfterTheFarSidesCleanEndThisSideStillSends) {
  TlsPair tls = pair();
  tls.connect();
  ASSERT_TRUE(tls.server->send(help::bytesOf("bye")).isDone());
  EXPECT_TRUE(tls.server->shutdown(Direction::send).isDone());
  IoResult end = tls.serverShook;
  EXPECT_EQ(receiveAll(*tls.client, end), "bye");
  EXPECT_TRUE(end.isEnded());

  const std::string text = pattern(100000);
  std::string arrived;
  for (std::size_t sent = 0; sent < text.size();) {
    const IoResult result = tls.client->send(help::bytesOf(text).subspan(sent));
    ASSERT_TRUE(result.isDone()) << result.code().message();
    sent += result.count();
    arrived += receiveAll(*tls.server, end);
  }
  EXPECT_TRUE(tls.client->shutdown(Direction::send).isDone());
  arrived += receiveAll(*tls.server, end);
  EXPECT_EQ(arrived, text);
  EXPECT_TRUE(end.isEnded());
  EXPECT_TRUE(tls.pipe->forth.fin);  // the lower stream's sending ends too
  EXPECT_EQ(tls.client->send(help::bytesOf("more")).code(), BrokenPipe);
  EXPECT_TRUE(tls.client->receive(std::span<std::byte>()).isDone());
  EXPECT_TRUE(receiveAll(*tls.client, end).empty());
  EXPECT_TRUE(end.isEnded());  // and still so
}

// Nothing goes out in plain, whatever is shut down (contract L19).
TEST_P(TlsEnds, ShuttingDownKeepsTheTlsLayer) {
  for (const Direction direction : {Direction::receive, Direction::send, Direction::both}) {
    TlsPair tls = pair();
    tls.connect();
    std::string wire;
    tls.pipe->forth.tamper = [&](std::string& piece, std::uint64_t) { wire += piece; };
    (void)tls.client->shutdown(direction);
    (void)tls.client->send(help::bytesOf("plain words"));
    EXPECT_EQ(wire.find("plain words"), std::string::npos);
    IoResult end = tls.serverShook;
    EXPECT_EQ(receiveAll(*tls.server, end), direction == Direction::receive ? "plain words" : "");
    EXPECT_EQ(end.isEnded(), direction != Direction::receive);
  }
}

// The goodbye waits behind what is staged, and the lower stream's end behind both.
TEST_P(TlsEnds, TheGoodbyeWaitsForRoom) {
  TlsPair tls = pair();
  tls.connect();
  tls.pipe->forth.capacity = 100;
  const std::string text = pattern(5000);
  EXPECT_EQ(tls.client->send(help::bytesOf(text)).count(), text.size());
  EXPECT_TRUE(tls.client->pending().flush);
  EXPECT_TRUE(tls.client->shutdown(Direction::send).isDone());
  EXPECT_FALSE(tls.pipe->forth.fin);
  std::string arrived;
  IoResult end = tls.serverShook;
  for (int turn = 0; turn < 1000 && !end.isEnded() && !end.isError(); ++turn) {
    arrived += receiveAll(*tls.server, end);
    IoResult none = end;
    EXPECT_EQ(receiveAll(*tls.client, none), "");
  }
  EXPECT_EQ(arrived, text);
  EXPECT_TRUE(end.isEnded()) << end.code().message();
  EXPECT_TRUE(tls.pipe->forth.fin);
  EXPECT_FALSE(tls.client->pending().flush);
}

// As the kernel's sockets do: a failed send does not take away what has come (faults.md, 4, 14).
TEST_P(TlsEnds, WhatHasComeIsReadAfterASendThatFailed) {
  TlsPair tls = pair();
  tls.connect();
  ASSERT_TRUE(tls.server->send(help::bytesOf("last words")).isDone());
  tls.pipe->forth.reset = BrokenPipe;
  IoResult end = tls.client->send(help::bytesOf("into nothing"));
  while (end.isDone()) end = tls.client->send(help::bytesOf("into nothing"));
  EXPECT_EQ(end.code(), BrokenPipe);
  EXPECT_EQ(receiveAll(*tls.client, end), "last words");
  EXPECT_TRUE(end.isBlocked());
  tls.pipe->back.fin = true;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(end.code(), BrokenPipe);  // the first error
}

// Such as the alert that refuses this side's certificate, when the server has closed behind it.
TEST_P(TlsEnds, TheFarSidesLastAlertIsTheReasonWhySendingFails) {
  RawPair tls = rawPair();
  tls.connect();
  EXPECT_EQ(tls.server->turn(), "");
  // A record that the server cannot decrypt.
  tls.pipe->forth.bytes = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  EXPECT_EQ(tls.server->turn(), "");
  tls.pipe->back.reset = tls.pipe->forth.reset = BrokenPipe;
  IoResult result = tls.client->send(help::bytesOf("on and on"));
  while (result.isDone()) result = tls.client->send(help::bytesOf("on and on"));
  EXPECT_EQ(net::alertOf(result.code()), 20) << result.code().message();
  IoResult end = result;
  EXPECT_EQ(receiveAll(*tls.client, end), "");
  EXPECT_EQ(net::alertOf(end.code()), 20) << end.code().message();
}

// ---- in the handshake ---------------------------------------------------------------------------

enum class Cut { fin, reset };

struct CutShort {
  bool done = false;   // the client has connected
  bool whole = false;  // the server's part of the handshake has come to its end
  IoResult client = IoResult::done();
  std::size_t size = 0;  // bytes that the server has sent
};

// A handshake in which `most` bytes of the server's arrive.
CutShort shakeUntil(TlsPair& tls, bool is12, std::uint64_t most, Cut kind) {
  CutShort outcome;
  std::size_t pieces = 0;
  Flow& back = tls.pipe->back;
  // Each flight is one piece: in 1.2 the second ends the handshake, in 1.3 the first.
  back.tamper = [&](std::string& piece, std::uint64_t at) {
    ++pieces;
    outcome.size = at + piece.size();
    if (pieces == (is12 ? 2 : 1)) outcome.whole = at + piece.size() <= most;
    if (at + piece.size() <= most) return;
    piece.resize(most > at ? most - at : 0);
    back.fin = kind == Cut::fin;
    if (kind == Cut::reset) back.reset = Reset;
  };
  tls.shake();
  outcome.client = tls.clientShook;
  outcome.done = tls.clientShook.isDone();
  return outcome;
}

class TlsCuts : public TlsVersions {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsCuts, eachVersion(), nameOfVersion);

TEST_P(TlsCuts, AtEveryByteOfTheServersFlightTheClientSaysWhich) {
  const bool is12 = GetParam() == net::TlsVersion::tls12;
  net::TlsClientConfig config = trusting(GetParam());
  config.protocol.resume = false;  // each handshake is a full one
  const auto client = net::TlsContext::client(config);
  const auto server = net::TlsContext::server(serving(GetParam()));
  std::size_t size = 2;  // learned on the way
  for (const Cut kind : {Cut::fin, Cut::reset}) {
    bool wholeOnce = false;
    for (std::uint64_t most = 0; most <= size; ++most) {
      if (most > 100 && most + 100 < size && most % 5 != 0) continue;
      TlsPair tls(*client, *server);
      const CutShort outcome = shakeUntil(tls, is12, most, kind);
      size = std::max(size, outcome.size);
      wholeOnce = wholeOnce || outcome.whole;
      ASSERT_EQ(outcome.done, outcome.whole) << "after " << most << " of " << outcome.size;
      if (outcome.done) break;
      ASSERT_EQ(outcome.client.kind(), IoResult::Kind::lost);
      ASSERT_EQ(outcome.client.code(),
                kind == Cut::fin ? make_error_code(TlsError::truncated) : Reset);
      // And it is so for ever.
      ASSERT_EQ(tls.client->connect().code(), outcome.client.code());
      std::byte room{};
      ASSERT_EQ(tls.client->receive({&room, 1}).code(), outcome.client.code());
      ASSERT_EQ(tls.client->send({&room, 1}).code(), outcome.client.code());
      ASSERT_TRUE(tls.client->info().version.empty());
    }
    EXPECT_TRUE(wholeOnce);
  }
  EXPECT_GT(size, 500U);
}

TEST_P(TlsCuts, AtEveryByteOfTheClientsFlightTheServerSaysWhich) {
  const auto client = net::TlsContext::client(trusting(GetParam()));
  const auto server = net::TlsContext::server(serving(GetParam()));
  for (const Cut kind : {Cut::fin, Cut::reset}) {
    std::uint64_t size = 2;
    bool wholeOnce = false;
    for (std::uint64_t most = 0; most <= size; ++most) {
      if (most > 60 && most + 100 < size && most % 5 != 0) continue;
      TlsPair tls(*client, *server);
      Flow& forth = tls.pipe->forth;
      forth.tamper = [&](std::string& piece, std::uint64_t at) {
        size = std::max(size, at + piece.size());
        if (at + piece.size() <= most) return;
        piece.resize(most > at ? most - at : 0);
        forth.fin = kind == Cut::fin;
        if (kind == Cut::reset) forth.reset = Reset;
      };
      tls.shake();
      wholeOnce = tls.serverShook.isDone();
      if (wholeOnce) break;
      ASSERT_EQ(tls.serverShook.kind(), IoResult::Kind::lost) << most << " of " << size;
      ASSERT_EQ(tls.serverShook.code(),
                kind == Cut::fin ? make_error_code(TlsError::truncated) : Reset);
    }
    EXPECT_TRUE(wholeOnce);
    EXPECT_GT(size, 200U);
  }
}

// The server's process ends as soon as it has sent its last byte of the handshake.
TEST_P(TlsCuts, TheServerGoesRightAfterItsFinished) {
  for (const bool clean : {true, false}) {
    TlsPair tls(trusting(GetParam()), serving(GetParam()));
    tls.connect();
    if (clean) (void)tls.server->shutdown(Direction::both);
    tls.server.reset();
    IoResult end = tls.clientShook;
    EXPECT_EQ(receiveAll(*tls.client, end), "");
    EXPECT_EQ(end.isEnded(), clean);
    EXPECT_EQ(end.code(), clean ? std::error_code() : make_error_code(TlsError::truncated));
  }
}

// In 1.3 the client has connected by then, and hears of it from its first read (contract L22).
TEST_P(TlsCuts, ARefusedClientCertificateIsAnAlertAndNoEnd) {
  net::TlsServerConfig demanding = serving(GetParam());
  demanding.trust.ca.text = testCertificates().authority.certificate();
  demanding.clients = net::ClientCerts::required;
  const tool::Authority stranger("Stranger");
  const tool::KeyAndCertificate strange = stranger.issue({"a client"});
  for (const bool has : {false, true}) {
    net::TlsClientConfig config = trusting(GetParam());
    if (has)
      config.identity = {.key = {.text = strange.key},
                         .certificate = {.text = strange.certificate}};
    TlsPair tls(config, demanding);
    tls.shake();
    EXPECT_EQ(tls.serverShook.code(),
              has ? net::tlsVerdict(20) : make_error_code(TlsError::noCertificate))
        << tls.serverShook.code().message();
    tls.server.reset();  // and at once the connection is gone
    IoResult end = tls.clientShook;
    if (GetParam() == net::TlsVersion::tls13) {
      ASSERT_TRUE(end.isDone());
      EXPECT_EQ(receiveAll(*tls.client, end), "");
    }
    ASSERT_TRUE(net::alertOf(end.code()).has_value()) << end.code().message();
    const bool is13 = GetParam() == net::TlsVersion::tls13;
    EXPECT_EQ(net::alertOf(end.code()), has ? 48 : is13 ? 116 : 40);
    IoResult again = end;
    EXPECT_EQ(receiveAll(*tls.client, again), "");
    EXPECT_EQ(again.code(), end.code());
  }
}

}  // namespace
}  // namespace hio::test
