// hio.help.timing: real time. This module alone reads a real clock; all else asks a Tymth.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "hio/export.hpp"

namespace hio::help {

using std::chrono::nanoseconds;

// Sum and difference that stop at the ends of what can be told, 292 years either way: so the
// longest duration means "never" and not, wrapped around, "long ago".
constexpr nanoseconds saturatingAdd(nanoseconds time, nanoseconds by) noexcept {
  if (by > nanoseconds(0) && time > nanoseconds::max() - by) return nanoseconds::max();
  if (by < nanoseconds(0) && time < nanoseconds::min() - by) return nanoseconds::min();
  return time + by;
}
constexpr nanoseconds saturatingSubtract(nanoseconds to, nanoseconds from) noexcept {
  if (from < nanoseconds(0) && to > nanoseconds::max() + from) return nanoseconds::max();
  if (from > nanoseconds(0) && to < nanoseconds::min() + from) return nanoseconds::min();
  return to - from;
}

// A stretch of time with a start and a stop on some clock; it reads none itself.
class Deadline {
 public:
  constexpr Deadline(nanoseconds duration, nanoseconds start) noexcept
      : start_(start), duration_(duration) {}

  constexpr nanoseconds started() const noexcept { return start_; }
  constexpr nanoseconds stop() const noexcept { return saturatingAdd(start_, duration_); }
  constexpr nanoseconds duration() const noexcept { return duration_; }
  constexpr nanoseconds elapsed(nanoseconds now) const noexcept {
    return saturatingSubtract(now, start_);
  }
  constexpr nanoseconds remaining(nanoseconds now) const noexcept {
    return saturatingSubtract(stop(), now);
  }
  constexpr bool expired(nanoseconds now) const noexcept { return now >= stop(); }

 private:
  nanoseconds start_;
  nanoseconds duration_;
};

// The clocks of Timer and MonoTimer: the time of day since 1970 in UTC, which a person can set, and
// the time since boot, which only moves forward.
struct WallClock {
  HIO_EXPORT static nanoseconds now() noexcept;
};
struct SteadyClock {
  HIO_EXPORT static nanoseconds now() noexcept;
};

// Real time as something to inject: a test follows, and waits on, a clock of its own.
class HIO_EXPORT Clock {
 public:
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // In the clock's own scale; never less than before.
  virtual nanoseconds now() noexcept = 0;
  // Waits about so long; may return early. Nothing for a duration of 0 or less.
  virtual void sleep(nanoseconds duration) noexcept = 0;

 protected:
  Clock() = default;
};
// SteadyClock's time; sleep() blocks the calling thread. Lives as long as the program.
HIO_EXPORT Clock& steadyClock() noexcept;

struct TimerStart {
  std::optional<nanoseconds> duration{};  // empty: as before
  std::optional<nanoseconds> start{};     // empty: now
};

// Measures real time. A duration of 0 has expired at once; times are in the clock's own scale.
template <class Clock>
class BasicTimer {
 public:
  explicit BasicTimer(nanoseconds duration = nanoseconds(0),
                      std::optional<nanoseconds> start = std::nullopt) noexcept
      : deadline_(duration, start ? *start : Clock::now()) {}

  nanoseconds duration() const noexcept { return deadline_.duration(); }
  nanoseconds elapsed() const noexcept { return deadline_.elapsed(Clock::now()); }
  nanoseconds remaining() const noexcept { return deadline_.remaining(Clock::now()); }
  bool expired() const noexcept { return deadline_.expired(Clock::now()); }

  // Starts anew, now unless told otherwise. Returns the new start.
  nanoseconds start(TimerStart how = {}) noexcept {
    deadline_ = Deadline(how.duration.value_or(duration()), how.start ? *how.start : Clock::now());
    return deadline_.started();
  }
  // Starts anew at the last stop, so that no time is lost. Returns the new start.
  nanoseconds restart(std::optional<nanoseconds> newDuration = std::nullopt) noexcept {
    return start({.duration = newDuration, .start = deadline_.stop()});
  }

 private:
  Deadline deadline_;
};

using Timer = BasicTimer<WallClock>;
// Immune to a clock that is set back: what hio detects and mends on the wall clock cannot happen.
using MonoTimer = BasicTimer<SteadyClock>;

// The time of day in UTC as `YYYY-mm-dd_HH-MM-SS_ffffff`, for file names.
HIO_EXPORT std::string utcStamp();

}  // namespace hio::help
