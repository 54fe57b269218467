#include "hio/net/endpoint.hpp"

#include <gtest/gtest.h>

#include "net/posix/sockaddr.hpp"

namespace hio::net {
namespace {

TEST(Ip, ReadsAndWritesEveryForm) {
  for (const char* const text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1",
                                 "2001:db8::1", "::ffff:10.0.0.1", "fe80::1%lo"}) {
    const auto ip = Ip::parse(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->text(), text);
  }
  EXPECT_EQ(Ip::parse("fe80::1%lo")->zone, 1U);
  EXPECT_EQ(Ip::parse("2001:DB8:0:0:0:0:0:1")->text(), "2001:db8::1");
  Ip unknownZone = *Ip::parse("fe80::1%lo");
  unknownZone.zone = 4'000'000;
  EXPECT_EQ(unknownZone.text(), "fe80::1%4000000");
  // Away from the local link a zone has no name that is understood again.
  EXPECT_EQ(Ip::parse("2001:db8::1%1")->text(), "2001:db8::1%1");
}

// H2
TEST(Ip, ReadsTheOldFormsOfIPv4) {
  for (const char* const text :
       {"127.1", "127.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1"}) {
    const auto ip = Ip::parse(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->text(), "127.0.0.1") << text;
    EXPECT_EQ(ip->family, Family::v4) << text;
  }
}

// A mapped address stays what it is here; core/coring makes it IPv4.
TEST(Ip, KeepsFamilyAndOctets) {
  const Ip v4 = *Ip::parse("1.2.3.4");
  EXPECT_EQ(v4, (Ip{.family = Family::v4, .octets = {1, 2, 3, 4}}));
  const Ip mapped = *Ip::parse("::ffff:1.2.3.4");
  EXPECT_EQ(mapped, (Ip{.family = Family::v6,
                        .octets = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}}));
  EXPECT_NE(mapped, v4);
}

// H2
TEST(Ip, RefusesWhatIsNoNumber) {
  for (const std::string& text :
       {std::string(), std::string("localhost"), std::string("256.1.1.1"), std::string("1.2.3.4.5"),
        std::string(" 127.0.0.1"), std::string("127.0.0.1 "), std::string("127. 0.0.1"),
        std::string("127.0.0.1\n"), std::string(" ::1"), std::string("::1 "), std::string(" "),
        std::string("::1::"), std::string("[::1]"), std::string("127.0.0.1:80"),
        std::string("4294967296"), std::string("%lo"), std::string("\0", 1),
        std::string("fe80::1%nosuchinterface"), std::string("127.0.0.1\0x", 11)}) {
    EXPECT_FALSE(Ip::parse(text)) << text;
  }
}

TEST(Ip, KnowsAny) {
  EXPECT_TRUE(Ip::parse("0.0.0.0")->isAny() && Ip::parse("::")->isAny());
  EXPECT_FALSE(Ip::parse("::1")->isAny() || Ip::parse("127.0.0.1")->isAny());
}

TEST(SockAddr, KeepsAnEndpointWhole) {
  for (const char* const text : {"10.1.2.3", "2001:db8::7", "fe80::1%lo"}) {
    const Endpoint endpoint{.ip = *Ip::parse(text), .port = 54321};
    EXPECT_EQ(posix::SockAddr(endpoint).endpoint(), endpoint);
  }
  posix::SockAddr local;
  local.storage.ss_family = AF_UNIX;
  EXPECT_EQ(local.endpoint(), Endpoint{});
}

}  // namespace
}  // namespace hio::net
