// How a Doist passes the time between two cycles, where ticking on is not enough.
#pragma once

#include <optional>

#include "hio/base/tyming.hpp"
#include "hio/export.hpp"
#include "hio/help/timing.hpp"

namespace hio::base {

// As a tyme: never. As a tock: not before it is woken.
inline constexpr Tyme Forever = Tyme::max();

// Injected into a Doist; decides what its tyme is in the next cycle.
class HIO_EXPORT Pacer {
 public:
  virtual ~Pacer() = default;
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // A Doist's deeds are entered at `tyme`.
  virtual void start(Tyme /*tyme*/) {}
  // Passes the time from `tyme` to `until`, the first tyme at which a doer is due; less if
  // something may have woken a doer by then. `until` may have passed: then nothing is waited for.
  // Forever: no doer is due before it is woken. Returns the tyme it is then; one before `tyme`
  // counts as `tyme`. Forever says that nothing can happen any more: the run ends. What it throws
  // comes out of the Doist, whose deeds are closed first.
  virtual Tyme advance(Tyme tyme, Tyme until) = 0;

 protected:
  Pacer() = default;
};

// Lets the tyme follow a real clock from where it was at the start.
class HIO_EXPORT RealPacer : public Pacer {
 public:
  // The clock has to outlive the idler.
  explicit RealPacer(help::Clock& clock = help::steadyClock()) noexcept;

  void start(Tyme tyme) override;
  Tyme advance(Tyme tyme, Tyme until) final;

 protected:
  // Waits at most so long, 0 or more, or without end when empty; less if a doer was woken.
  virtual void wait(std::optional<Tyme> atMost) = 0;

 private:
  help::Clock& clock_;
  std::optional<Tyme> origin_;  // the clock's time when tyme was 0
};

// Jumps to the next tyme at which a doer is due; ends the run when none ever will be.
class HIO_EXPORT VirtualPacer final : public Pacer {
 public:
  Tyme advance(Tyme tyme, Tyme until) override;
};

}  // namespace hio::base
