#include "hio/sim/idler.hpp"

#include <algorithm>

namespace hio::sim {

base::Tyme WorldIdler::idle(base::Tyme tyme, base::Tyme until) {
  const auto next = world_.next();
  return std::max(tyme, next ? std::min(until, *next) : until);
}

}  // namespace hio::sim
