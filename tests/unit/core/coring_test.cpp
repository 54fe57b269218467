// Contract H1 to H3, and addresses as texts.
#include "hio/core/coring.hpp"

#include <gtest/gtest.h>

#include <climits>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "hio/net/net.hpp"

namespace hio::core {
namespace {

// H1, H2
TEST(NormalizeHost, GivesTheAddressOfEveryNumericFormAndOfLocalhost) {
  for (const auto& [host, address] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "0.0.0.0"},
           {"localhost", "127.0.0.1"},
           {"127.0.0.1", "127.0.0.1"},
           {"127.1", "127.0.0.1"},
           {"2130706433", "127.0.0.1"},
           {"0x7f.1", "127.0.0.1"},
           {"::1", "::1"},
           {"0:0:0:0:0:0:0:1", "::1"},
           {"::", "::"},
           {"::ffff:127.0.0.1", "127.0.0.1"},
           {"::fffe:127.0.0.1", "::fffe:7f00:1"},
           {"fe80::1%lo", "fe80::1%lo"}}) {  // hio loses the zone [bug]
    EXPECT_EQ(normalizeHost(host), address) << host;
  }
}

// H2, H3, C10
TEST(NormalizeHost, GivesTheResolversErrorForWhatIsNoHost) {
  for (const char* const host : {"no.such.name.invalid", " 127.0.0.1", "256.1.1.1", "a b"}) {
    try {
      normalizeHost(host);
      ADD_FAILURE() << "nothing thrown for " << host;
    } catch (const std::system_error& error) {
      EXPECT_STREQ(error.code().category().name(), "hio.resolve") << host;
      EXPECT_NE(std::string(error.what()).find(host), std::string::npos) << error.what();
    }
  }
}

TEST(SettleHost, AsksNobody) {
  EXPECT_EQ(settleHost("localhost")->text(), "127.0.0.1");
  EXPECT_EQ(settleHost("")->text(), "0.0.0.0");
  EXPECT_EQ(settleHost("example.org"), std::nullopt);
  EXPECT_EQ(settleHost(std::string_view("127.0.0.1\0.example.org", 21)), std::nullopt);
}

TEST(Resolver, RefusesNamesThatCannotExist) {
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string("a\0b", 3)}) {
    std::vector<net::Ip> found;
    const auto lookup = net::systemNet().resolver().lookup(name);
    EXPECT_EQ(lookup->poll(found).code(), net::ResolveError::badName);
  }
}

TEST(Resolver, KnowsNumbersToo) {
  std::vector<net::Ip> found;
  EXPECT_EQ(net::systemNet().resolver().lookup("127.0.0.2")->poll(found).count(), 1U);
  EXPECT_EQ(found.at(0).text(), "127.0.0.2");
}

// G3
TEST(Address, HasATextForPeopleAndOneForTheWireLog) {
  EXPECT_EQ(Address("127.0.0.1", 80).text(), "127.0.0.1:80");
  EXPECT_EQ(Address("::1", 80).text(), "[::1]:80");
  EXPECT_EQ(Address("::1", 80).duple(), "('::1', 80)");
  std::ostringstream out;
  out << Address("host", 1);
  EXPECT_EQ(out.str(), "host:1");
}

TEST(Address, ComparesAndKnowsNone) {
  EXPECT_TRUE(Address().empty());
  EXPECT_FALSE(Address("", 1).empty());
  EXPECT_FALSE(Address("h", 0).empty());
  EXPECT_EQ(Address("h", 1), Address("h", 1));
  EXPECT_LT(Address("h", 1), Address("h", 2));
}

// A11
TEST(CheckedPort, TakesPortsOnly) {
  EXPECT_EQ(checkedPort(0, "p"), 0);
  EXPECT_EQ(checkedPort(65535, "p"), 65535);
  for (const int port : {65536, -1, INT_MAX, INT_MIN}) {
    try {
      checkedPort(port, "client.port");
      ADD_FAILURE() << "nothing thrown for " << port;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(),
                "client.port is " + std::to_string(port) + "; a port is from 0 to 65535");
    }
  }
}

}  // namespace
}  // namespace hio::core
