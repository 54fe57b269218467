#include "hio/sim/pacer.hpp"

#include <algorithm>

namespace hio::sim {

base::Tyme WorldPacer::advance(base::Tyme tyme, base::Tyme until) {
  // What has been delivered may have woken a doer.
  if (world_.poller().wait(base::Tyme(0)).count() > 0) return tyme;
  const auto next = world_.next();
  return std::max(tyme, next ? std::min(until, *next) : until);
}

}  // namespace hio::sim
