// The seed of a test that draws its cases.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace hio::test {

// Another one for each run, or the one that HIO_TEST_SEED gives; printed also when the test
// crashes.
inline std::uint64_t announcedSeed() {
  const char* const given = std::getenv("HIO_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "HIO_TEST_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace hio::test
