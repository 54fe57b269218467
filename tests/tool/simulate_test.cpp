// hio simulate: one seed, one run, in every process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/child.hpp"

namespace hio::tool_test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string simulated(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "simulate");
  Child hio(std::move(arguments));
  EXPECT_EQ(hio.finish(), 0);
  EXPECT_EQ(hio.err, "");
  EXPECT_THAT(hio.out, EndsWith("\nsimulate: OK\n"));
  return hio.out;
}

class Simulate : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Simulate, OneSeedIsOneRunInEveryProcess) {
  const std::string once = simulated(GetParam());
  EXPECT_EQ(simulated(GetParam()), once);
  EXPECT_THAT(once, HasSubstr("\nhash "));
  std::vector<std::string> other = GetParam();
  other.front() = "--seed=4";
  EXPECT_NE(simulated(other), once);
}

INSTANTIATE_TEST_SUITE_P(TcpAndTls, Simulate,
                         testing::Values(std::vector<std::string>{"--seed=3", "--timeline"},
                                         std::vector<std::string>{"--seed=3", "--timeline",
                                                                  "--tls"}));

TEST(Simulate, TellsWhatHappensWhenAsked) {
  const std::string brief = simulated({"--tls", "--faults", "none", "--steps", "20"});
  EXPECT_THAT(brief, StartsWith("seed 1, 20 steps, TLS\nfaults: none\n"));
  EXPECT_THAT(brief, HasSubstr(" 3 connections, 2 of them resumed\n"));
  EXPECT_THAT(brief, Not(HasSubstr("near connected")));
  const std::string whole = simulated({"--tls", "--faults", "none", "--steps", "20", "--timeline"});
  EXPECT_THAT(whole, HasSubstr(" s  near connected #"));
  EXPECT_THAT(whole, HasSubstr("-- the faults stop\n"));
}

TEST(Simulate, NamesTheClassesThereAre) {
  Child hio({"simulate", "--faults", "latency,rain"});
  EXPECT_EQ(hio.finish(), 2);
  EXPECT_THAT(hio.err, StartsWith("hio: --faults 'latency,rain' has a class that is none of: "));
  EXPECT_THAT(hio.err, HasSubstr("latency,jitter,"));
  EXPECT_EQ(hio.out, "");
}

}  // namespace
}  // namespace hio::tool_test
