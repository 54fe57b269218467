#include "hio/base/pacer.hpp"

#include <algorithm>

namespace hio::base {

using help::between;

RealIdler::RealIdler(help::Clock& clock) noexcept : clock_(clock) {}

void RealIdler::start(Tyme tyme) { origin_ = between(tyme, clock_.now()); }

Tyme RealIdler::idle(Tyme tyme, Tyme until) {
  if (!origin_) start(tyme);
  if (until == Forever) {
    wait(std::nullopt);
  } else {
    wait(std::max(between(between(*origin_, clock_.now()), until), Tyme(0)));
  }
  return between(*origin_, clock_.now());
}

Tyme JumpIdler::idle(Tyme tyme, Tyme until) { return std::max(tyme, until); }

}  // namespace hio::base
