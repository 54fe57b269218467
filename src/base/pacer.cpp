#include "hio/base/pacer.hpp"

#include <algorithm>

namespace hio::base {

using help::saturatingSubtract;

RealPacer::RealPacer(help::Clock& clock) noexcept : clock_(clock) {}

void RealPacer::start(Tyme tyme) { origin_ = saturatingSubtract(clock_.now(), tyme); }

Tyme RealPacer::advance(Tyme tyme, Tyme until) {
  if (!origin_) start(tyme);
  if (until == Forever) {
    wait(std::nullopt);
  } else {
    wait(std::max(saturatingSubtract(until, saturatingSubtract(clock_.now(), *origin_)), Tyme(0)));
  }
  return saturatingSubtract(clock_.now(), *origin_);
}

Tyme VirtualPacer::advance(Tyme tyme, Tyme until) { return std::max(tyme, until); }

}  // namespace hio::base
