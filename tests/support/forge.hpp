// Certificates as no careful authority makes them.
#pragma once

#include <string>
#include <vector>

#include "hio/certificates.hpp"

namespace hio::test {

// What a certificate says. The defaults make a good one, for "good.test".
struct Mold {
  std::string commonName = "good.test";
  // As OpenSSL's configuration has it, such as "DNS:good.test,IP:127.0.0.1"; empty: none.
  std::string names = "DNS:good.test";
  std::string constraints = "critical,CA:FALSE";
  std::string usage = "critical,digitalSignature";
  std::string extendedUsage = "serverAuth";
  long fromDays = -1;
  long untilDays = 3;
  bool selfSigned = false;
  bool stranger = false;  // signed by an authority that nobody knows, of the same name
};

// The authority's certificate, and what it issues; one for the whole program.
const std::string& forgedAuthority();
tool::KeyAndCertificate forge(const Mold& mold);

struct NamedMold {
  std::string name;
  Mold mold;
  int verdict;  // OpenSSL's number; 0: good
};
// Certificates that a client that asks for "good.test" must refuse.
std::vector<NamedMold> badMolds();

}  // namespace hio::test
