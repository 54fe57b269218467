#include <gtest/gtest.h>

#include "hio/help/bytearray.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using net::IoResult;

const IoResult Blocked = IoResult::blocked(IoResult::On::read);

// Sends all from one end to the other, turning both; what arrived.
std::string carry(net::Stream& from, net::Stream& to, std::string_view text) {
  std::string arrived;
  IoResult end = Blocked;
  for (const std::size_t size = text.size(); arrived.size() < size;) {
    const IoResult result = from.send(help::bytesOf(text));
    if (result.isError()) return "error: " + result.code().message();
    text.remove_prefix(result.count());
    arrived += receiveAll(to, end);
    if (end.isError()) return "error: " + end.code().message();
  }
  return arrived;
}

TEST(TlsStream, ConnectsAndCarriesBytesBothWays) {
  TlsPair pair;
  pair.connect();
  const std::string text = pattern(1000000);
  EXPECT_EQ(carry(*pair.client, *pair.server, text), text);
  EXPECT_EQ(carry(*pair.server, *pair.client, text), text);
}

TEST(TlsStream, TellsACleanEndFromATruncatedOne) {
  for (const bool clean : {true, false}) {
    TlsPair pair;
    pair.connect();
    EXPECT_TRUE(pair.server->send(help::bytesOf("last words")).isDone());
    if (clean) (void)pair.server->shutdown(net::Direction::send);
    pair.pipe->back.fin = true;
    IoResult end = Blocked;
    EXPECT_EQ(receiveAll(*pair.client, end), "last words");
    if (clean) {
      EXPECT_TRUE(end.isEnded());
    } else {
      EXPECT_EQ(end.code(), net::TlsError::truncated);
    }
  }
}

TEST(TlsStream, RefusesAnotherName) {
  TlsPair pair(trusting(), serving(), "bad.test");
  pair.shake();
  EXPECT_EQ(pair.clientShook.code(), net::tlsVerdict(62));
  EXPECT_NE(pair.client->why().find("was asked for 'bad.test' and is made for 'good.test'"),
            std::string::npos)
      << pair.client->why();
  EXPECT_TRUE(net::alertOf(pair.serverShook.code()).has_value());
}

}  // namespace
}  // namespace hio::test
