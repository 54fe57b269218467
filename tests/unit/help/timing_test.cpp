#include "hio/help/timing.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace hio::help {
namespace {

using namespace std::chrono_literals;

template <class T>
struct RealTimer : testing::Test {};
using Timers = testing::Types<Timer, MonoTimer>;
TYPED_TEST_SUITE(RealTimer, Timers);

TYPED_TEST(RealTimer, ExpiresAfterItsDuration) {
  const TypeParam none;
  EXPECT_EQ(none.duration(), 0s);
  EXPECT_TRUE(none.expired());
  const TypeParam hour(1h);
  EXPECT_EQ(hour.duration(), 1h);
  EXPECT_FALSE(hour.expired());
  EXPECT_GE(hour.elapsed(), 0s);
  EXPECT_LE(hour.remaining(), 1h);
  EXPECT_GT(hour.remaining(), 59min);
}

TYPED_TEST(RealTimer, StartsWhereItIsTold) {
  TypeParam timer(10s, 100s);
  EXPECT_TRUE(timer.expired());
  EXPECT_LT(timer.remaining(), 0s);
  EXPECT_EQ(timer.start({.duration = 5s, .start = 200s}), 200s);
  EXPECT_EQ(timer.duration(), 5s);
  EXPECT_EQ(timer.restart(), 205s);
  EXPECT_EQ(timer.restart(7s), 210s);
  EXPECT_EQ(timer.duration(), 7s);
  timer.start();
  EXPECT_FALSE(timer.expired());
}

TEST(MonoTimer, NeverGoesBack) {
  const MonoTimer timer;
  nanoseconds last = timer.elapsed();
  for (int i = 0; i < 10'000; ++i) {
    const nanoseconds now = timer.elapsed();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(WallClock, IsOurs) {
  EXPECT_GT(WallClock::now(), 24h * 365 * 50);  // since 1970
}

TEST(UtcStamp, IsFitForFileNames) {
  const std::regex form(R"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6})");
  EXPECT_TRUE(std::regex_match(utcStamp(), form)) << utcStamp();
}

}  // namespace
}  // namespace hio::help
