// For tests of TLS: keys and nonces that repeat.
#pragma once

#include <cstdint>

#include "hio/sim/export.hpp"

namespace hio::sim {

// DANGER, FOR SIMULATIONS ONLY. While it lives, all "random" numbers of OpenSSL in this process
// come from the seed, so that a TLS handshake repeats byte for byte: whoever knows the seed knows
// every key that is made meanwhile, of every connection. It takes an object of this class to make
// it so, no option and no environment variable, and its library is one for tests.
//
// No other thread may use OpenSSL meanwhile. What repeats is what is drawn: a session ticket also
// holds the machine's time, so compare sizes and plaintext, not ciphertext (WorldOptions::
// hashBytes).
class HIO_SIM_EXPORT SeededEntropy {
 public:
  // Throws std::logic_error while there is another one.
  explicit SeededEntropy(std::uint64_t seed);
  // OpenSSL's own numbers again.
  ~SeededEntropy();
  SeededEntropy(const SeededEntropy&) = delete;
  SeededEntropy& operator=(const SeededEntropy&) = delete;
};

}  // namespace hio::sim
