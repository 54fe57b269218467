#include "hio/base/tyming.hpp"

#include <stdexcept>
#include <utility>

namespace hio::base {

void Tymth::throwUnwound() {
  throw std::logic_error("no source of time: wind(tymist.tymen()) first, or pass .tymth");
}

Tymist::Tymist(Tyme tyme, Tyme tock) : tyme_(std::make_shared<Tyme>(tyme)), tock_(tock) {}

void Tymee::wind(Tymth tymth) {
  if (!tymth) throw std::invalid_argument("wind: the tymth is empty; use tymist.tymen()");
  tymth_ = std::move(tymth);
}

Tymer::Tymer(TymerOptions options)
    : Tymee(options.tymth),
      deadline_(options.duration,
                options.start ? *options.start : (options.tymth ? options.tymth() : Tyme(0))) {}

Tyme Tymer::start(TymerStart how) {
  deadline_ = help::Deadline(how.duration.value_or(duration()), how.start ? *how.start : tyme());
  return deadline_.started();
}

Tyme Tymer::restart(std::optional<Tyme> duration) {
  return start({.duration = duration, .start = stop()});
}

void Tymer::wind(Tymth tymth) {
  Tymee::wind(std::move(tymth));
  start();
}

}  // namespace hio::base
