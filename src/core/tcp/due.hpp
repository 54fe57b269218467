// When a timer or a lapse is over, also when its time was set back.
#pragma once

#include "hio/base/tyming.hpp"

namespace hio::core::tcp {

// It has expired. A time that was set back starts it anew: it would run too long.
inline bool due(base::Tymer& tymer) {
  if (tymer.elapsed() < base::Tyme(0)) tymer.start();
  return tymer.expired();
}

inline bool due(help::Lapse& lapse, base::Tyme now) {
  if (lapse.elapsed(now) < base::Tyme(0)) lapse = help::Lapse(lapse.duration(), now);
  return lapse.expired(now);
}

// When due() will be true.
inline base::Tyme dueAt(const base::Tymer& tymer) {
  return tymer.elapsed() < base::Tyme(0) ? tymer.tyme() : tymer.stop();
}
inline base::Tyme dueAt(const help::Lapse& lapse, base::Tyme now) {
  return lapse.elapsed(now) < base::Tyme(0) ? now : lapse.stop();
}

}  // namespace hio::core::tcp
