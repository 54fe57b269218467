#include "fuzz/certificates.hpp"

#include "hio/sim/entropy.hpp"

namespace hio::fuzz {

const Certificates& certificates() {
  static const Certificates made = [] {
    const sim::SeededEntropy entropy(0);
    return Certificates();
  }();
  return made;
}

}  // namespace hio::fuzz
