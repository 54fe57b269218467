// When a timer is over, also where its time was set back.
#pragma once

#include <chrono>

#include "hio/base/tyming.hpp"

namespace hio::core::tcp {

// Before descriptors or memory that the machine lacks are asked for again.
inline constexpr base::Tyme LackPause = std::chrono::milliseconds(100);

// It has expired. A time that was set back starts it anew: it would run too long.
inline bool due(base::Tymer& tymer) {
  if (tymer.elapsed() < base::Tyme(0)) tymer.start();
  return tymer.expired();
}

inline bool due(help::Deadline& deadline, base::Tyme now) {
  if (deadline.elapsed(now) < base::Tyme(0)) {
    deadline = help::Deadline(deadline.duration(), now);
  }
  return deadline.expired(now);
}

// When due() will be true.
inline base::Tyme dueAt(const base::Tymer& tymer) {
  return tymer.elapsed() < base::Tyme(0) ? tymer.tyme() : tymer.stop();
}
inline base::Tyme dueAt(const help::Deadline& deadline, base::Tyme now) {
  return deadline.elapsed(now) < base::Tyme(0) ? now : deadline.stop();
}

}  // namespace hio::core::tcp
