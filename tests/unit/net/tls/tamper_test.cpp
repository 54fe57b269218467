// A bit is flipped on the way, at every offset: no handshake comes to its end over bytes that were
// not sent, and no byte is delivered that was not sent. HIO_TEST_ALL_BITS=1 flips every bit in
// turn; otherwise one that is drawn for each offset.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::IoResult;

class TlsTamper : public TlsVersions {
 protected:
  bool is12() const { return GetParam() == net::TlsVersion::tls12; }

  // The bits of one offset to flip.
  std::vector<int> bits() {
    if (std::getenv("HIO_TEST_ALL_BITS") != nullptr) return {0, 1, 2, 3, 4, 5, 6, 7};
    return {static_cast<int>(random_() % 8)};
  }

  std::shared_ptr<net::TlsContext> client_ = net::TlsContext::client(trusting(GetParam()));
  std::shared_ptr<net::TlsContext> server_ = net::TlsContext::server(serving(GetParam()));

 private:
  std::mt19937_64 random_{announcedSeed()};
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsTamper, eachVersion(), nameOfVersion);

// Flips a bit of what goes through a flow.
struct Flip {
  std::uint64_t offset;
  int bit;
  bool done = false;
  std::string sent{};  // as it was meant

  void operator()(std::string& piece, std::uint64_t at) {
    sent += piece;
    if (offset < at || offset - at >= piece.size()) return;
    char& byte = piece[offset - at];
    byte = static_cast<char>(byte ^ (1 << bit));
    done = true;
  }

  // It hit the version in the header of a record that is not encrypted. Nothing vouches for that
  // and nothing depends on it: RFC 8446, 5.1 has it ignored.
  bool hitRecordVersion() const {
    for (std::size_t start = 0; start + 5 <= sent.size();) {
      if (offset == start + 1 || offset == start + 2) return sent[start] != 23;
      const auto high = static_cast<unsigned char>(sent[start + 3]);
      const auto low = static_cast<unsigned char>(sent[start + 4]);
      start += 5U + high * 256U + low;
    }
    return false;
  }
};

TEST_P(TlsTamper, NoHandshakeIsDoneOverAServersFlightThatWasChanged) {
  std::size_t flipped = 0;
  bool missed = false;
  for (std::uint64_t offset = 0; !missed; ++offset) {
    for (const int bit : bits()) {
      TlsPair tls(*client_, *server_);
      Flip flip{offset, bit};
      std::size_t flights = 0;
      tls.pipe->back.tamper = [&](std::string& piece, std::uint64_t at) {
        ++flights;  // each is one piece; what comes after the handshake is another test's
        if (flights <= (is12() ? 2U : 1U)) flip(piece, at);
      };
      tls.shake();
      missed = !flip.done;
      if (missed) {
        ASSERT_TRUE(tls.clientShook.isDone());
        break;
      }
      ++flipped;
      if (flip.hitRecordVersion()) continue;
      ASSERT_FALSE(tls.clientShook.isDone()) << "bit " << bit << " of byte " << offset;
      // Either it was noticed, or more bytes are waited for: never both sides content.
      if (tls.clientShook.isBlocked()) {
        tls.pipe->back.fin = true;
        ASSERT_TRUE(tls.client->connect().isError());
      }
      ASSERT_EQ(tls.client->info().version, "");
      std::byte room{};
      ASSERT_TRUE(tls.client->receive({&room, 1}).isError());
      ASSERT_TRUE(tls.client->send({&room, 1}).isError());
    }
  }
  EXPECT_GT(flipped, 500U);
  std::cout << flipped << " bits flipped" << std::endl;
}

TEST_P(TlsTamper, NoHandshakeIsDoneOverAClientsFlightThatWasChanged) {
  std::size_t flipped = 0;
  bool missed = false;
  for (std::uint64_t offset = 0; !missed; ++offset) {
    for (const int bit : bits()) {
      TlsPair tls(*client_, *server_);
      Flip flip{offset, bit};
      tls.pipe->forth.tamper = [&](std::string& piece, std::uint64_t at) { flip(piece, at); };
      tls.shake();
      missed = !flip.done;
      if (missed) break;
      ++flipped;
      if (flip.hitRecordVersion()) continue;
      ASSERT_FALSE(tls.serverShook.isDone()) << "bit " << bit << " of byte " << offset;
    }
  }
  EXPECT_GT(flipped, 200U);
  std::cout << flipped << " bits flipped" << std::endl;
}

// Of both directions: what arrives is the front of what was sent.
TEST_P(TlsTamper, NoByteIsDeliveredThatWasNotSent) {
  const std::string first = pattern(300);
  const std::string second = "second record " + pattern(200);
  for (const bool toClient : {true, false}) {
    std::size_t flipped = 0;
    bool missed = false;
    for (std::uint64_t offset = 0; !missed; ++offset) {
      for (const int bit : bits()) {
        TlsPair tls(*client_, *server_);
        tls.connect();
        net::Stream& from = toClient ? *tls.server : *tls.client;
        net::Stream& to = toClient ? *tls.client : *tls.server;
        Flow& flow = toClient ? tls.pipe->back : tls.pipe->forth;
        IoResult end = tls.clientShook;
        ASSERT_EQ(receiveAll(to, end), "");  // also the tickets
        Flip flip{flow.passed + offset, bit};
        flow.tamper = [&](std::string& piece, std::uint64_t at) { flip(piece, at); };
        ASSERT_TRUE(from.send(help::bytesOf(first)).isDone());
        ASSERT_TRUE(from.send(help::bytesOf(second)).isDone());
        ASSERT_TRUE(from.shutdown(net::Direction::send).isDone());
        const std::string arrived = receiveAll(to, end);
        ASSERT_TRUE((first + second).starts_with(arrived)) << "bit " << bit << " of " << offset;
        missed = !flip.done;
        if (missed) {
          ASSERT_EQ(arrived, first + second);
          ASSERT_TRUE(end.isEnded());
          break;
        }
        ++flipped;
        // No clean end either: something is missing, be it the goodbye alone.
        ASSERT_TRUE(end.isError()) << "bit " << bit << " of " << offset;
        ASSERT_TRUE(arrived.empty() || arrived == first || arrived == first + second);
      }
    }
    EXPECT_GT(flipped, 500U);
  }
}

// Records that come twice, in another order, or not at all.
TEST_P(TlsTamper, RecordsAreNotRepeatedSwappedOrLeftOut) {
  enum class How { repeated, swapped, dropped };
  for (const How how : {How::repeated, How::swapped, How::dropped}) {
    TlsPair tls(*client_, *server_);
    tls.connect();
    IoResult end = tls.clientShook;
    ASSERT_EQ(receiveAll(*tls.client, end), "");
    std::string& wire = tls.pipe->back.bytes;
    std::vector<std::string> records;
    for (const char* const text : {"one", "two", "three"}) {
      ASSERT_TRUE(tls.server->send(help::bytesOf(text)).isDone());
      records.push_back(wire);
      wire.clear();
    }
    if (how == How::repeated) wire = records[0] + records[0] + records[1] + records[2];
    if (how == How::swapped) wire = records[0] + records[2] + records[1];
    if (how == How::dropped) wire = records[0] + records[2];
    EXPECT_EQ(receiveAll(*tls.client, end), "one");
    EXPECT_EQ(end.code(), net::TlsError::protocol);
  }
}

}  // namespace
}  // namespace hio::test
