// When a timer is over, also when its time was set back.
#pragma once

#include "hio/base/tyming.hpp"

namespace hio::core::tcp {

// The timer has expired. A time that was set back starts it anew: it would run too long.
inline bool due(base::Tymer& tymer) {
  if (tymer.elapsed() < base::Tyme(0)) tymer.start();
  return tymer.expired();
}

// When due() will be true.
inline base::Tyme dueAt(const base::Tymer& tymer) {
  return tymer.elapsed() < base::Tyme(0) ? tymer.tyme() : tymer.stop();
}

}  // namespace hio::core::tcp
