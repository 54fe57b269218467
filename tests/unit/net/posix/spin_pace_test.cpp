#include "net/posix/spin_pace.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace hio::net::posix {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

struct SpinPaceTest : testing::Test {
  SpinPace pace{50us};
  nanoseconds now{0};

  // The next wait, and whether it spins.
  bool wait(nanoseconds busy, nanoseconds waiting) {
    now += busy;
    const bool spins = pace.spins(now);
    now += waiting;
    pace.waited(now);
    return spins;
  }
  // How many waits, of a program that does little else, do without until one spins.
  std::uint32_t without() {
    std::uint32_t count = 0;
    while (!wait(1us, 10us)) ++count;
    return count;
  }
};

TEST_F(SpinPaceTest, SpinsAsLongAsItPays) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(without(), 0U);
    pace.paid();
  }
}

TEST_F(SpinPaceTest, EachFailureInARowMakesItRarer) {
  std::vector<std::uint32_t> counts;
  for (int i = 0; i < 8; ++i) {
    counts.push_back(without());
    pace.failed();
  }
  EXPECT_EQ(counts, (std::vector<std::uint32_t>{0, 1, 3, 7, 15, 31, 63, 63}));
}

TEST_F(SpinPaceTest, OneThatPaysForgivesAllFailures) {
  for (int i = 0; i < 8; ++i) pace.failed();
  EXPECT_EQ(without(), SpinPace::MostWithout);
  pace.paid();
  EXPECT_EQ(without(), 0U);
  pace.failed();
  EXPECT_EQ(without(), 1U);
}

TEST_F(SpinPaceTest, ABusyProgramSleepsAtOnce) {
  for (int i = 0; i < 100; ++i) wait(20us, 10us);
  EXPECT_FALSE(wait(20us, 10us));
  for (int i = 0; i < 100; ++i) wait(10us, 20us);
  EXPECT_TRUE(wait(10us, 20us));
}

TEST_F(SpinPaceTest, ALongSleepIsSoonForgotten) {
  for (int i = 0; i < 100; ++i) wait(20us, 10us);
  wait(20us, 1h);
  for (int i = 0; i < 10; ++i) wait(20us, 10us);
  EXPECT_FALSE(wait(20us, 10us));
}

}  // namespace
}  // namespace hio::net::posix
