// Certificates for the fuzzers that speak TLS.
#pragma once

#include "hio/certificates.hpp"

namespace hio::fuzz {

// An authority, what it has issued to "good.test", and an authority that nobody trusts.
struct Certificates {
  tool::Authority authority{"Root"};
  tool::Authority stranger{"Root"};
  tool::KeyAndCertificate server = authority.issue({"good.test", "127.0.0.1"});
  tool::KeyAndCertificate client = authority.issue({"a client"});
};

// Made at the first call, with keys that repeat: not while a sim::SeededEntropy lives.
const Certificates& certificates();

}  // namespace hio::fuzz
