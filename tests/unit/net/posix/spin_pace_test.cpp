#include "net/posix/spin_pace.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace hio::net::posix {
namespace {

// How many waits do without until one spins.
std::uint32_t without(SpinPace& pace) {
  std::uint32_t count = 0;
  while (!pace.spins()) ++count;
  return count;
}

TEST(SpinPace, SpinsAsLongAsItPays) {
  SpinPace pace;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(without(pace), 0U);
    pace.paid();
  }
}

TEST(SpinPace, EachFailureInARowMakesItRarer) {
  SpinPace pace;
  std::vector<std::uint32_t> counts;
  for (int i = 0; i < 8; ++i) {
    counts.push_back(without(pace));
    pace.failed();
  }
  EXPECT_EQ(counts, (std::vector<std::uint32_t>{0, 1, 3, 7, 15, 31, 63, 63}));
}

TEST(SpinPace, OneThatPaysForgivesAllFailures) {
  SpinPace pace;
  for (int i = 0; i < 8; ++i) pace.failed();
  EXPECT_EQ(without(pace), SpinPace::MostWithout);
  pace.paid();
  EXPECT_EQ(without(pace), 0U);
  pace.failed();
  EXPECT_EQ(without(pace), 1U);
}

}  // namespace
}  // namespace hio::net::posix
