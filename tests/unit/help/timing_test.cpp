#include "hio/help/timing.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <regex>
#include <string>

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
  TypeParam timer(10s, -100s);  // before the clock's own zero, which may be a moment ago
  EXPECT_TRUE(timer.expired());
  EXPECT_LT(timer.remaining(), 0s);
  EXPECT_EQ(timer.start({.duration = 5s, .start = 200s}), 200s);
  EXPECT_EQ(timer.duration(), 5s);
  EXPECT_EQ(timer.restart(), 205s);
  EXPECT_EQ(timer.restart(1h), 210s);
  EXPECT_EQ(timer.duration(), 1h);
  timer.start();
  EXPECT_FALSE(timer.expired());
}

// A clock that moves when the test says so.
struct SetClock {
  static inline nanoseconds time{0};
  static nanoseconds now() noexcept { return time; }
};

TEST(BasicTimer, MeasuresItsClockToTheNanosecond) {
  SetClock::time = 5s;
  BasicTimer<SetClock> timer(1s);
  EXPECT_EQ(timer.elapsed(), 0s);
  EXPECT_EQ(timer.remaining(), 1s);
  SetClock::time = 6s - 1ns;
  EXPECT_FALSE(timer.expired());
  SetClock::time = 6s;
  EXPECT_TRUE(timer.expired());
  SetClock::time = 6250ms;
  EXPECT_EQ(timer.elapsed(), 1250ms);
  EXPECT_EQ(timer.remaining(), -250ms);
  EXPECT_EQ(timer.restart(), 6s);
  EXPECT_EQ(timer.remaining(), 750ms);
  EXPECT_EQ(timer.start(), 6250ms);
  EXPECT_EQ(timer.duration(), 1s);
  SetClock::time = 6s;
  EXPECT_EQ(timer.elapsed(), -250ms);
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

// Contract G5
TEST(UtcStamp, IsNowInUtcWhereverThisRuns) {
  const char* const zone = std::getenv("TZ");
  const std::string old = zone != nullptr ? zone : "UTC0";
  ::setenv("TZ", "XYZ-9:30", 1);
  ::tzset();
  const auto before = std::chrono::floor<std::chrono::microseconds>(WallClock::now());
  const std::string stamp = utcStamp();
  const nanoseconds after = WallClock::now();
  ::setenv("TZ", old.c_str(), 1);
  ::tzset();
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0, micros = 0;
  ASSERT_EQ(std::sscanf(stamp.c_str(), "%d-%u-%u_%d-%d-%d_%d", &year, &month, &day, &hour, &minute,
                        &second, &micros),
            7);
  const std::chrono::sys_days date =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const nanoseconds read = date.time_since_epoch() + std::chrono::hours(hour) +
                           std::chrono::minutes(minute) + std::chrono::seconds(second) +
                           std::chrono::microseconds(micros);
  EXPECT_GE(read, before);
  EXPECT_LE(read, after);
}

}  // namespace
}  // namespace hio::help
