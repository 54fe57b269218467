// How a Doist passes the time between two cycles, other than by adding a tock.
#pragma once

#include <optional>

#include "hio/base/tyming.hpp"
#include "hio/export.hpp"
#include "hio/help/timing.hpp"

namespace hio::base {

// As a tyme: never. As a tock: no visit before the doer is woken.
inline constexpr Tyme Forever = Tyme::max();

// Injected into a Doist; decides what its tyme is in the next cycle.
class HIO_EXPORT Pacer {
 public:
  virtual ~Pacer() = default;
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // It is `tyme` now: the Doist's doers are entered, or its tyme was set by hand.
  virtual void start(Tyme /*tyme*/) {}
  // Passes the time from `tyme` to `until`, when the first doer is due. `until` may have passed:
  // then it does not wait. Forever: no doer is due before it is woken.
  // May return early, when something may have woken a doer.
  // Returns the tyme it is then. One before `tyme` means that the clock was set back: the Doist
  // follows, and what its doers wait for stays as far away as it was. Forever means that nothing
  // can happen any more: the run ends.
  // What it throws comes out of recur(), and out of run(), which closes the doers first.
  virtual Tyme advance(Tyme tyme, Tyme until) = 0;
  // The tyme it is now, without waiting; `tyme` is what the Doist has.
  virtual Tyme now(Tyme tyme) { return tyme; }
  // Ends a wait that is under way in advance(), or the next one. From any thread. Does nothing
  // where nothing waits.
  virtual void wake() noexcept {}

 protected:
  Pacer() = default;
};

// Lets the tyme follow a real clock from where it was at the start. Where the clock is set back,
// the tyme goes on from where it was.
class HIO_EXPORT RealPacer : public Pacer {
 public:
  // The clock has to outlive the pacer.
  explicit RealPacer(help::Clock& clock = help::steadyClock()) noexcept;

  void start(Tyme tyme) override;
  Tyme advance(Tyme tyme, Tyme until) final;
  Tyme now(Tyme tyme) final;

 protected:
  // Waits for at most `atMost`, 0 or more; empty: until a doer may have been woken. Returns early
  // when one may have been.
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
