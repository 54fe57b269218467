#include "hio/base/pacer.hpp"

#include <algorithm>

namespace hio::base {

using help::saturatingSubtract;

RealPacer::RealPacer(help::Clock& clock) noexcept : clock_(clock) {}

void RealPacer::start(Tyme tyme) { origin_ = saturatingSubtract(clock_.now(), tyme); }

Tyme RealPacer::advance(Tyme tyme, Tyme until) {
  const Tyme begun = now(tyme);
  if (until == Forever) {
    wait(std::nullopt);
  } else {
    wait(std::max(saturatingSubtract(until, begun), Tyme(0)));
  }
  return now(begun);
}

Tyme RealPacer::now(Tyme tyme) {
  if (origin_) {
    const Tyme now = saturatingSubtract(clock_.now(), *origin_);
    if (now >= tyme) return now;
  }
  start(tyme);  // the clock was set back: the tyme goes on from where it was
  return tyme;
}

Tyme VirtualPacer::advance(Tyme tyme, Tyme until) { return std::max(tyme, until); }

}  // namespace hio::base
