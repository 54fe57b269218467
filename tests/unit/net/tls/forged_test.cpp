// The certificates that the allocation torture works with, with all the memory there is.
#include <gtest/gtest.h>

#include <string>

#include "support/forge.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

class TlsForged : public TlsVersions {
 protected:
  // What becomes of a client that trusts the forger, with a server that shows this.
  static net::IoResult shake(const Mold& mold, std::string_view name = "good.test",
                             std::vector<std::string> pins = {}) {
    const tool::KeyAndCertificate own = forge(mold);
    net::TlsClientConfig client = trusting(GetParam());
    client.trust.ca.text = forgedAuthority();
    client.trust.pins = std::move(pins);
    net::TlsServerConfig server = serving(GetParam());
    server.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}};
    TlsPair tls(client, server, name);
    tls.shake();
    return tls.clientShook;
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsForged, eachVersion(), nameOfVersion);

TEST_P(TlsForged, GoodOnesAreAccepted) {
  EXPECT_TRUE(shake({}).isDone());
  EXPECT_TRUE(shake({.names = "DNS:other.test,DNS:good.test"}).isDone());
  EXPECT_TRUE(shake({.names = "DNS:*.good.test"}, "a.good.test").isDone());
  EXPECT_TRUE(shake({.names = "IP:127.0.0.1"}, "127.0.0.1").isDone());
  EXPECT_TRUE(shake({.extendedUsage = ""}).isDone());
}

TEST_P(TlsForged, BadOnesAreRefusedWithTheReason) {
  for (const NamedMold& bad : badMolds()) {
    const net::IoResult result = shake(bad.mold);
    // With a key that must not sign there is no suite of 1.2 for OpenSSL's server to choose.
    if (GetParam() == net::TlsVersion::tls12 && bad.name == "not for signatures") {
      EXPECT_EQ(result.code(), net::tlsAlert(40)) << result.code().message();
      continue;
    }
    EXPECT_EQ(result.code(), net::tlsVerdict(bad.verdict))
        << bad.name << ": " << result.code().message();
  }
  EXPECT_EQ(shake({.names = "IP:127.0.0.2"}, "127.0.0.1").code(), net::tlsVerdict(64));
  EXPECT_EQ(shake({.names = "DNS:127.0.0.1"}, "127.0.0.1").code(), net::tlsVerdict(64));
  EXPECT_EQ(shake({}, "good.test", {std::string(43, 'A') + '='}).code(), net::TlsError::wrongPin);
}

}  // namespace
}  // namespace hio::test
