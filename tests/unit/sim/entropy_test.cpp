// Keys that repeat, and only as long as they were asked to.
#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>
#include <string>

#include "hio/help/bytearray.hpp"
#include "hio/sim.hpp"
#include "support/tls_pair.hpp"

namespace hio::sim {
namespace {

using Numbers = std::array<unsigned char, 20>;

Numbers drawn() {
  Numbers numbers{};
  EXPECT_EQ(RAND_bytes(numbers.data(), static_cast<int>(numbers.size())), 1);
  return numbers;
}

Numbers drawnFrom(std::uint64_t seed) {
  const SeededEntropy entropy(seed);
  return drawn();
}

TEST(SeededEntropy, RepeatsWithTheSeed) {
  EXPECT_EQ(drawnFrom(1), drawnFrom(1));
  EXPECT_NE(drawnFrom(1), drawnFrom(2));
  const SeededEntropy entropy(1);
  EXPECT_NE(drawn(), drawn());
  EXPECT_EQ(RAND_status(), 1);
}

TEST(SeededEntropy, LeavesNothingBehind) {
  drawnFrom(1);
  const Numbers one = drawn();
  EXPECT_NE(one, drawnFrom(1));
  drawnFrom(1);
  EXPECT_NE(drawn(), one);
}

TEST(SeededEntropy, TwoAtOnceAreAMistake) {
  const Numbers expected = drawnFrom(1);
  const SeededEntropy one(1);
  EXPECT_THROW(SeededEntropy(2), std::logic_error);
  EXPECT_EQ(drawn(), expected);
}

// All that a TLS client and server say to each other; without tickets, which hold a real time.
std::string conversation(std::uint64_t seed) {
  net::TlsClientConfig client = test::trusting();
  net::TlsServerConfig server = test::serving();
  client.protocol.resume = server.protocol.resume = false;
  const SeededEntropy entropy(seed);
  test::TlsPair pair(client, server);
  std::string said;
  pair.pipe->forth.tamper = [&said](const std::string& piece, std::uint64_t) { said += piece; };
  pair.pipe->back.tamper = pair.pipe->forth.tamper;
  pair.connect();
  EXPECT_TRUE(pair.client->send(help::bytesOf("hello")).isDone());
  return said;
}

TEST(SeededEntropy, AConversationRepeatsByteForByte) {
  const std::string once = conversation(1);
  EXPECT_GT(once.size(), 1000U);
  EXPECT_EQ(conversation(1), once);
  EXPECT_NE(conversation(2), once);
}

}  // namespace
}  // namespace hio::sim
