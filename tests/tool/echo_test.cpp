// hio echo, with hio connect and with clients that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/child.hpp"
#include "tool/files.hpp"
#include "tool/peer.hpp"

namespace hio::tool_test {
namespace {

using testing::HasSubstr;

// The port of a server that was started with port 0; empty when it does not tell.
std::string portOf(Child& echo) {
  const std::string told = "listening on 127.0.0.1:";
  if (!echo.untilOut("\n") || echo.out.rfind(told, 0) != 0) return {};
  return echo.out.substr(told.size(), echo.out.size() - told.size() - 1);
}

int interrupt(Child& echo) {
  echo.signal(SIGINT);
  return echo.wait();
}

TEST(Echo, GivesBackAMebibyteToTheByte) {
  const Folder folder;
  const std::string bytes = randomBytes(1U << 20U);
  Child echo({"echo", "0"});
  const std::string port = portOf(echo);
  ASSERT_NE(port, "");
  Child piped({"connect", "127.0.0.1", port});
  piped.write(bytes);
  EXPECT_EQ(piped.finish(), 0);
  EXPECT_TRUE(piped.out == bytes) << piped.out.size();
  Child filed({"connect", "127.0.0.1", port}, folder.file("in", bytes));
  EXPECT_EQ(filed.wait(), 0);
  EXPECT_TRUE(filed.out == bytes) << filed.out.size();
  EXPECT_EQ(interrupt(echo), 0);
}

TEST(Echo, InputThatIsEmptyEndsAtOnce) {
  Child echo({"echo", "0"});
  const std::string port = portOf(echo);
  Child hio({"connect", "127.0.0.1", port}, "/dev/null");
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_EQ(hio.out, "");
  EXPECT_EQ(interrupt(echo), 0);
}

TEST(Echo, ListensOnIpv6) {
  Child echo({"echo", "0", "--host", "::1"});
  if (!echo.until([&] { return !echo.out.empty() || !echo.err.empty(); }) || echo.out.empty()) {
    EXPECT_EQ(echo.wait(), 1);  // a machine without IPv6 says so
    return;
  }
  EXPECT_THAT(echo.out, testing::StartsWith("listening on [::1]:"));
  Child hio({"connect", "::1", echo.out.substr(19, echo.out.size() - 20)});
  hio.write("six");
  EXPECT_EQ(hio.finish(), 0);
  EXPECT_EQ(hio.out, "six");
}

TEST(Echo, SurvivesClientsThatResetOrNeverRead) {
  Child echo({"echo", "0", "-v"});
  const std::string port = portOf(echo);
  ASSERT_NE(port, "");
  Child reset({"connect", "127.0.0.1", port}, "/dev/zero");
  ASSERT_TRUE(echo.untilErr("has come"));
  reset.closeOutput();  // it ends in the middle, with data under way
  EXPECT_EQ(reset.wait(), 0);
  ASSERT_TRUE(echo.untilErr("has gone"));
  Child deaf({"connect", "127.0.0.1", port}, "/dev/zero");
  Child good({"connect", "127.0.0.1", port});
  good.write("still here?");
  EXPECT_EQ(good.finish(), 0);
  EXPECT_EQ(good.out, "still here?");
  EXPECT_EQ(interrupt(echo), 0);
  EXPECT_THAT(echo.err, HasSubstr("received 11 bytes, sent 11 bytes"));
}

TEST(Echo, PortInUseIsSaid) {
  Child echo({"echo", "0"});
  Child second({"echo", portOf(echo)});
  EXPECT_EQ(second.finish(), 1);
  EXPECT_THAT(second.err, HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace hio::tool_test
