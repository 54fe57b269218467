#include "hio/sim/entropy.hpp"

// The old way to replace the generator is the one that reaches every user of it in the process.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>

#include <optional>
#include <stdexcept>

#include "hio/sim/random.hpp"

namespace hio::sim {
namespace {

std::optional<Random> drawing;
const RAND_METHOD* usual = nullptr;

int fill(unsigned char* room, int count) {
  std::uint64_t word = 0;
  for (int i = 0; i < count; ++i) {
    if (i % 8 == 0) word = drawing->next();
    room[i] = static_cast<unsigned char>(word >> 8U * (static_cast<unsigned>(i) % 8));
  }
  return 1;
}

int ready() { return 1; }

// What is added to it from outside would not repeat.
constexpr RAND_METHOD Seeded{.seed = nullptr,
                             .bytes = fill,
                             .cleanup = nullptr,
                             .add = nullptr,
                             .pseudorand = fill,
                             .status = ready};

}  // namespace

SeededEntropy::SeededEntropy(std::uint64_t seed) {
  if (drawing) {
    throw std::logic_error("there is a SeededEntropy already; destroy it before the next one");
  }
  usual = RAND_get_rand_method();
  if (RAND_set_rand_method(&Seeded) != 1) throw std::logic_error("OpenSSL keeps its own numbers");
  drawing.emplace(seed);
}

SeededEntropy::~SeededEntropy() {
  RAND_set_rand_method(usual);
  drawing.reset();
}

}  // namespace hio::sim
