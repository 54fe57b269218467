// hio.base.tyming: injected time. Nothing here reads a clock; time moves when its owner moves it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "hio/export.hpp"
#include "hio/help/timing.hpp"

namespace hio::base {

// A time or a duration, in integer nanoseconds: sums are exact (contract S4).
using Tyme = std::chrono::nanoseconds;

// A read-only view of a Tymist's time, cheap to copy. It outlives its Tymist safely: time then
// stands still at the last tyme. An empty one means "not wound".
class Tymth {
 public:
  Tymth() noexcept = default;

  // The Tymist's current tyme. Throws std::logic_error when empty (contract Y3).
  Tyme operator()() const {
    if (!tyme_) throwUnwound();
    return *tyme_;
  }
  explicit operator bool() const noexcept { return tyme_ != nullptr; }

 private:
  friend class Tymist;
  explicit Tymth(std::shared_ptr<const Tyme> tyme) noexcept : tyme_(std::move(tyme)) {}
  [[noreturn]] HIO_EXPORT static void throwUnwound();

  std::shared_ptr<const Tyme> tyme_;
};

// The owner of a time (contract Y1, Y2). Moves by tick() or by assignment, and only so.
class HIO_EXPORT Tymist {
 public:
  static constexpr Tyme Tock = std::chrono::microseconds(31'250);  // 1/32 s

  explicit Tymist(Tyme tyme = Tyme(0), Tyme tock = Tock);
  virtual ~Tymist() = default;
  Tymist(const Tymist&) = delete;
  Tymist& operator=(const Tymist&) = delete;

  Tyme tyme() const noexcept { return *tyme_; }
  void tyme(Tyme tyme) noexcept { *tyme_ = tyme; }
  Tyme tock() const noexcept { return tock_; }
  void tock(Tyme tock) noexcept { tock_ = tock; }

  // Moves the tyme on by `tock`, which may be 0 or negative; by tock() when not given. It stops at
  // the ends of what Tyme can hold. Returns the new tyme.
  Tyme tick() noexcept { return tick(tock_); }
  Tyme tick(Tyme tock) noexcept { return *tyme_ = help::saturatingAdd(*tyme_, tock); }

  // A view that follows every later change.
  Tymth tymen() const noexcept { return Tymth(tyme_); }

 private:
  std::shared_ptr<Tyme> tyme_;
  Tyme tock_;
};

// Something that runs on an injected time (contract Y3).
class HIO_EXPORT Tymee {
 public:
  explicit Tymee(Tymth tymth = {}) noexcept : tymth_(std::move(tymth)) {}
  virtual ~Tymee() = default;
  Tymee(const Tymee&) = delete;
  Tymee& operator=(const Tymee&) = delete;

  // Throws std::logic_error when not wound.
  Tyme tyme() const { return tymth_(); }
  // Empty when not wound.
  const Tymth& tymth() const noexcept { return tymth_; }
  // Replaces the source of time. Throws std::invalid_argument for an empty one.
  virtual void wind(Tymth tymth);

 private:
  Tymth tymth_;
};

struct TymerOptions {
  Tyme duration{0};
  std::optional<Tyme> start{};  // empty: the current tyme, 0 when not wound
  Tymth tymth{};
};

struct TymerStart {
  std::optional<Tyme> duration{};  // empty: as before
  std::optional<Tyme> start{};     // empty: the current tyme
};

// Measures injected time (contract Y4 to Y7). A duration of 0 has expired at once.
class HIO_EXPORT Tymer : public Tymee {
 public:
  Tymer() noexcept : Tymer(TymerOptions{}) {}
  explicit Tymer(TymerOptions options);

  Tyme duration() const noexcept { return deadline_.duration(); }
  Tyme stop() const noexcept { return deadline_.stop(); }
  // Elapsed is negative before the start, remaining is negative after the stop. These three throw
  // std::logic_error when not wound.
  Tyme elapsed() const { return deadline_.elapsed(tyme()); }
  Tyme remaining() const { return deadline_.remaining(tyme()); }
  bool expired() const { return deadline_.expired(tyme()); }

  // Starts anew. Returns the new start. Throws std::logic_error when the start is neither given nor
  // to be had from a tymth.
  Tyme start(TymerStart how = {});
  // Starts anew at the last stop, so that no time is lost; works unwound. Returns the new start.
  Tyme restart(std::optional<Tyme> duration = std::nullopt);
  // Starts anew at the new source's tyme, with the duration it had.
  void wind(Tymth tymth) override;

 private:
  help::Deadline deadline_;
};

}  // namespace hio::base
