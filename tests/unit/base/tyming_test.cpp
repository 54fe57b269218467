// Contract Y: injected time.
#include "hio/base/tyming.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hio::base {
namespace {

using namespace std::chrono_literals;

// Y1
TEST(Tymist, MovesByTicksAndByAssignment) {
  Tymist tymist;
  EXPECT_EQ(tymist.tyme(), 0s);
  EXPECT_EQ(tymist.tock(), Tymist::Tock);
  EXPECT_EQ(32 * Tymist::Tock, 1s);
  EXPECT_EQ(tymist.tick(), 31250us);
  EXPECT_EQ(tymist.tick(0s), 31250us);
  EXPECT_EQ(tymist.tick(1s), 1031250us);
  EXPECT_EQ(tymist.tick(-1s), 31250us);
  tymist.tyme(5s);
  tymist.tock(2s);
  EXPECT_EQ(tymist.tick(), 7s);
  EXPECT_EQ(tymist.tock(), 2s);
  EXPECT_EQ(Tymist(3s, 1s).tick(), 4s);
}

// Y2
// D9
TEST(Tymist, StopsAtTheEndsOfWhatATymeCanHold) {
  Tymist tymist(Tyme::max() - 1s, 2s);
  EXPECT_EQ(tymist.tick(), Tyme::max());
  EXPECT_EQ(tymist.tick(), Tyme::max());
  EXPECT_EQ(tymist.tick(-1s), Tyme::max() - 1s);
  tymist.tyme(Tyme::min() + 1s);
  EXPECT_EQ(tymist.tick(-2s), Tyme::min());
}

TEST(Tymth, FollowsItsTymist) {
  Tymist tymist(1s);
  const Tymth one = tymist.tymen();
  const Tymth two = tymist.tymen();
  EXPECT_EQ(one(), 1s);
  tymist.tick(1s);
  tymist.tyme(tymist.tyme() + 1s);
  EXPECT_EQ(one(), 3s);
  EXPECT_EQ(two(), 3s);
}

// Y2, Y3
TEST(Tymth, OutlivesItsTymist) {
  Tymth tymth;
  EXPECT_FALSE(tymth);
  EXPECT_THROW((void)tymth(), std::logic_error);
  {
    Tymist tymist(9s);
    tymth = tymist.tymen();
  }
  EXPECT_TRUE(tymth);
  EXPECT_EQ(tymth(), 9s);
}

// Y3
TEST(Tymee, HasTheTimeItIsWoundTo) {
  Tymee tymee;
  EXPECT_THROW((void)tymee.tyme(), std::logic_error);
  Tymist tymist(2s);
  tymee.wind(tymist.tymen());
  EXPECT_EQ(tymee.tyme(), 2s);
  EXPECT_THROW(tymee.wind({}), std::invalid_argument);
  EXPECT_EQ(tymee.tyme(), 2s);
  EXPECT_EQ(Tymee(tymist.tymen()).tyme(), 2s);
}

// Y4
TEST(Tymer, StartsNowUnlessToldOtherwise) {
  Tymist tymist(5s);
  EXPECT_EQ(Tymer({.duration = 1s, .tymth = tymist.tymen()}).stop(), 6s);
  EXPECT_EQ(Tymer({.duration = 1s, .start = 2s, .tymth = tymist.tymen()}).stop(), 3s);
  EXPECT_EQ(Tymer({.duration = 1s}).stop(), 1s);
  EXPECT_EQ(Tymer().duration(), 0s);
}

// Y5, Y7
TEST(Tymer, IsTheTestVectorOfTheOriginal) {
  Tymist tymist;
  Tymer tymer({.duration = 1s, .tymth = tymist.tymen()});
  for (const Tyme now : {0ms, 250ms, 500ms, 750ms}) {
    EXPECT_EQ(tymist.tyme(), now);
    EXPECT_EQ(tymer.elapsed(), now);
    EXPECT_EQ(tymer.remaining(), 1s - now);
    EXPECT_FALSE(tymer.expired());
    tymist.tick(250ms);
  }
  EXPECT_TRUE(tymer.expired());
  EXPECT_EQ(tymist.tick(250ms), 1250ms);
  EXPECT_EQ(tymer.remaining(), -250ms);
  EXPECT_EQ(tymer.restart(), 1s);
  EXPECT_EQ(tymer.elapsed(), 250ms);
  EXPECT_EQ(tymer.remaining(), 750ms);
  EXPECT_FALSE(tymer.expired());
  tymist.tyme(0s);
  tymer.start({.start = 250ms});
  EXPECT_EQ(tymer.elapsed(), -250ms);
  EXPECT_EQ(tymer.remaining(), 1250ms);
  EXPECT_TRUE(Tymer({.tymth = tymist.tymen()}).expired());
}

// Y6
TEST(Tymer, StartsAgainWithTheDurationItHadOrAnother) {
  Tymist tymist(10s);
  Tymer tymer({.duration = 1s, .tymth = tymist.tymen()});
  EXPECT_EQ(tymer.start({.duration = 3s, .start = 4s}), 4s);
  EXPECT_EQ(tymer.start(), 10s);
  EXPECT_EQ(tymer.duration(), 3s);
  EXPECT_EQ(tymer.restart(5s), 13s);
  EXPECT_EQ(tymer.stop(), 18s);
  Tymer unwound({.duration = 2s});
  EXPECT_EQ(unwound.restart(), 2s);
  EXPECT_THROW(unwound.start(), std::logic_error);
  EXPECT_EQ(unwound.start({.start = 7s}), 7s);
  EXPECT_THROW(unwound.wind({}), std::invalid_argument);
  EXPECT_EQ(unwound.stop(), 9s);
  unwound.wind(tymist.tymen());
  EXPECT_EQ(unwound.stop(), 12s);
  Tymist other(50s);
  unwound.wind(other.tymen());  // P2: its duration is kept, its start is the new source's tyme
  EXPECT_EQ(unwound.stop(), 52s);
  tymist.tick(1h);
  EXPECT_EQ(unwound.elapsed(), 0s);
}

// S4: sums of integers are exact, where sums of floats arrive late.
TEST(Tyme, AddsUpExactly) {
  Tymist tymist(0s, 50ms);
  Tymer tymer({.duration = 400ms, .tymth = tymist.tymen()});
  for (int i = 0; i < 8; ++i) tymist.tick();
  EXPECT_TRUE(tymer.expired());
}

}  // namespace
}  // namespace hio::base
