#include "hio/help/timing.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <thread>

namespace hio::help {

using std::chrono::duration_cast;

namespace {

class ThreadClock final : public Clock {
 public:
  nanoseconds now() noexcept override { return SteadyClock::now(); }
  void sleep(nanoseconds duration) noexcept override {
    // In pieces: the end of a very long sleep is more than the kernel's clock can tell.
    constexpr nanoseconds most = std::chrono::hours(1);
    if (duration > nanoseconds(0)) std::this_thread::sleep_for(duration < most ? duration : most);
  }
};

}  // namespace

nanoseconds WallClock::now() noexcept {
  return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
}

nanoseconds SteadyClock::now() noexcept {
  return duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

Clock& steadyClock() noexcept {
  static ThreadClock clock;
  return clock;
}

std::string utcStamp() {
  const auto micros = duration_cast<std::chrono::microseconds>(WallClock::now()).count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%d_%H-%M-%S", &utc);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), "_%06u",
                static_cast<unsigned>(micros % 1'000'000) % 1'000'000U);
  return std::string(date.data()) + fraction.data();
}

}  // namespace hio::help
