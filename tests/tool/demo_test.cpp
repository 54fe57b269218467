// hio demo: its last line tells, and so does its exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tool/child.hpp"
#include "tool/files.hpp"

namespace hio::tool_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::size_t timesIn(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex), {}));
}

std::string wholeSha256(const std::string& out) {
  std::smatch match;
  std::regex_search(out, match, std::regex("SHA-256 +([0-9a-f]{64}) far side"));
  return match[1];
}

TEST(Demo, LosesNothing) {
  std::string before;
  for (const char* seed : {"7", "8"}) {
    Child demo({"demo", "--size", "4", "--seed", seed});
    EXPECT_EQ(demo.finish(), 0);
    EXPECT_THAT(demo.out, EndsWith("\ndemo: OK\n"));
    EXPECT_EQ(demo.err, "");
    EXPECT_EQ(timesIn(demo.out, "as sent\n"), 4U) << demo.out;  // connections
    EXPECT_EQ(timesIn(demo.out, "hangs up at .* in order\n"), 2U);
    EXPECT_EQ(timesIn(demo.out, "hangs up at .* with a reset\n"), 1U);
    EXPECT_THAT(demo.out, HasSubstr("acknowledged 4194304 bytes\n"));
    EXPECT_NE(wholeSha256(demo.out), before);
    before = wholeSha256(demo.out);
  }
}

std::uint64_t numberAfter(const std::string& out, const std::string& label) {
  std::smatch match;
  if (!std::regex_search(out, match, std::regex('\n' + label + " +([0-9]+) "))) return 0;
  return std::stoull(match[1]);
}

TEST(Demo, RunsOverTlsAndSaysSoFirst) {
  Child demo({"demo", "--size", "4"});
  EXPECT_EQ(demo.finish(), 0);
  EXPECT_THAT(demo.out, HasSubstr("\nover TLS: a certificate made now, its authority and its name "
                                  "checked each time\n"));
  EXPECT_EQ(timesIn(demo.out,
                    "epoch 1 .*over TLSv1\\.3, TLS_AES_256_GCM_SHA384, certificate of "
                    "CN=localhost\n"),
            1U)
      << demo.out;
  EXPECT_EQ(timesIn(demo.out, "epoch [2-4] .*over TLSv1\\.3, .*the server has "), 3U) << demo.out;
}

TEST(Demo, PlainRunsOverTcpAndSaysSoFirst) {
  Child demo({"demo", "--size", "4", "--plain"});
  EXPECT_EQ(demo.finish(), 0);
  EXPECT_THAT(demo.out, EndsWith("\ndemo: OK\n"));
  EXPECT_THAT(demo.out, HasSubstr("\nover TCP, without TLS\n"));
  EXPECT_THAT(demo.out, testing::Not(HasSubstr("TLSv")));
  EXPECT_EQ(timesIn(demo.out, "as sent\n"), 4U) << demo.out;
}

// Each byte that was handed over is acknowledged or in doubt, and each one in doubt had arrived or
// is sent again: also those that TLS had taken and not passed on.
TEST(Demo, SumsAgreeOverTlsAndOverTcp) {
  const std::uint64_t total = 16U << 20U;
  for (const std::string seed : {"1", "2", "3"}) {
    for (const char* over : {"--seed", "--plain"}) {
      std::vector<std::string> line{"demo", "--size", "16", "--cuts", "12", over};
      if (line.back() == "--plain") line.emplace_back("--seed");
      line.push_back(seed);
      Child demo(line);
      EXPECT_EQ(demo.finish(), 0);
      const std::string& out = demo.out;
      EXPECT_THAT(out, EndsWith("\ndemo: OK\n"));
      EXPECT_EQ(numberAfter(out, "total"), total);
      EXPECT_EQ(numberAfter(out, "acknowledged"), total);
      EXPECT_EQ(numberAfter(out, "handed over"), total + numberAfter(out, "resent"));
      EXPECT_GE(numberAfter(out, "in doubt"), numberAfter(out, "resent"));
      EXPECT_GT(numberAfter(out, "resent"), 0U) << "no reset lost anything: " << out;
    }
  }
}

TEST(Demo, SameSeedSameStream) {
  Child one({"demo", "--size", "1", "--seed", "5"});
  Child two({"demo", "--size", "1", "--seed", "5", "--cuts", "0", "--plain"});
  EXPECT_EQ(one.finish(), 0);
  EXPECT_EQ(two.finish(), 0);
  EXPECT_EQ(wholeSha256(one.out), wholeSha256(two.out));
  EXPECT_EQ(timesIn(two.out, "as sent\n"), 1U);
}

TEST(Demo, StreamsTheUsersFile) {
  const Folder folder;
  const std::string path = folder.file("file", "abc");
  Child demo({"demo", path});
  EXPECT_EQ(demo.finish(), 0);
  EXPECT_THAT(demo.out, EndsWith("\ndemo: OK\n"));
  EXPECT_EQ(wholeSha256(demo.out),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Demo, StreamsALargerFileWithManyCuts) {
  const Folder folder;
  Child demo({"demo", folder.file("file", randomBytes(2'345'678)), "--cuts", "9"});
  EXPECT_EQ(demo.finish(), 0);
  EXPECT_THAT(demo.out, EndsWith("\ndemo: OK\n"));
  EXPECT_EQ(timesIn(demo.out, "as sent\n"), 10U) << demo.out;
}

TEST(Demo, EmptyFileWorks) {
  const Folder folder;
  Child demo({"demo", folder.file("file", "")});
  EXPECT_EQ(demo.finish(), 0);
  EXPECT_THAT(demo.out, EndsWith("\ndemo: OK\n"));
}

TEST(Demo, CanBeInterrupted) {
  Child demo({"demo", "--size", "1048576"});
  ASSERT_TRUE(demo.untilOut("epoch 1"));
  demo.signal(SIGINT);
  EXPECT_EQ(demo.wait(), 130);
  EXPECT_THAT(demo.out, EndsWith("demo: interrupted\n"));
}

}  // namespace
}  // namespace hio::tool_test
