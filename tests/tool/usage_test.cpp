// What the tool says about itself and about command lines that are no good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/child.hpp"
#include "tool/files.hpp"

namespace hio::tool_test {
namespace {

using testing::HasSubstr;

TEST(Usage, VersionIsOneLine) {
  Child hio({"--version"});
  EXPECT_EQ(hio.finish(), 0);
  EXPECT_THAT(hio.out, testing::MatchesRegex("hio [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Usage, HelpHasExamplesAndExitCodes) {
  Child hio({"--help"});
  EXPECT_EQ(hio.finish(), 0);
  EXPECT_THAT(hio.out, HasSubstr("Examples:"));
  EXPECT_THAT(hio.out, HasSubstr("130  interrupted"));
  EXPECT_EQ(hio.err, "");
}

TEST(Usage, HelpOfEachCommand) {
  for (const char* command : {"connect", "echo", "demo", "probe", "simulate"}) {
    Child hio({command, "--help"});
    EXPECT_EQ(hio.finish(), 0) << command;
    EXPECT_THAT(hio.out, HasSubstr("Usage: hio " + std::string(command)));
  }
}

TEST(Usage, NoArgumentsGiveHelpAndFail) {
  Child hio({});
  EXPECT_EQ(hio.finish(), 2);
  EXPECT_THAT(hio.err, HasSubstr("Examples:"));
  EXPECT_EQ(hio.out, "");
}

struct Bad {
  std::vector<std::string> arguments;
  std::string named;  // in the message
};

class BadUsage : public testing::TestWithParam<Bad> {};

TEST_P(BadUsage, NamesTheValueInOneLine) {
  Child hio(GetParam().arguments);
  EXPECT_EQ(hio.finish(), 2);
  EXPECT_THAT(hio.err, HasSubstr(GetParam().named));
  EXPECT_THAT(hio.err, testing::StartsWith("hio: "));
  EXPECT_EQ(hio.err.find('\n'), hio.err.size() - 1) << hio.err;
  EXPECT_EQ(hio.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, BadUsage,
    testing::Values(
        Bad{{"connect", "127.0.0.1", "70000"}, "70000"},
        Bad{{"connect", "127.0.0.1", "0"}, "port 0 is out of range"},
        Bad{{"connect", "127.0.0.1", "99999999999999999999"}, "99999999999999999999"},
        Bad{{"connect", "127.0.0.1", "http"}, "'http' is not a number"},
        Bad{{"connect", "127.0.0.1", "80x"}, "'80x' is not a number"},
        Bad{{"connect", "127.0.0.1", ""}, "'' is not a number"},
        Bad{{"connect", "127.0.0.1"}, "PORT"},
        Bad{{"connect", "127.0.0.1", "80", "--timeout", "-2"}, "-2"},
        Bad{{"connect", "127.0.0.1", "80", "--timeout", "nan"}, "nan"},
        Bad{{"connect", "127.0.0.1", "80", "--timeout", "soon"}, "soon"},
        Bad{{"connect", "127.0.0.1", "80", "--file", "/no/such/file"}, "/no/such/file"},
        Bad{{"connect", "127.0.0.1", "80", "--file", "/"}, "'/': Is a directory"},
        Bad{{"connect", "127.0.0.1", "80", "--wirelog", "/no/such/log"}, "/no/such/log"},
        Bad{{"connect", "127.0.0.1", "80", "--nonsense"}, "--nonsense"},
        Bad{{"connect", "127.0.0.1", "80", "--ca", "x"}, "--ca requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--cert", "x"}, "--cert requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--key", "x"}, "--key requires"},
        Bad{{"connect", "127.0.0.1", "80", "--servername", "x"}, "--servername requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--alpn", "x"}, "--alpn requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--insecure"}, "--insecure requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--keylog", "x"}, "--keylog requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--tls-version", "1.3"}, "--tls-version requires --tls"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--tls-version", "1.1"}, "1.1"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--ca", ""}, "--ca: it is empty"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--servername", ""}, "--servername"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--servername", "*.x"}, "'*.x'"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--key", "x"}, "--key requires --cert"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--alpn", "a,,b"}, "'a,,b'"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--alpn", "a,"}, "'a,'"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--ca", "/no/such/ca"}, "'/no/such/ca'"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--cert", "/no/such"}, "'/no/such'"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--keylog", "/no/such/log"}, "/no/such/log"},
        Bad{{"connect", "127.0.0.1", "80", "--tls", "--insecure", "--ca", "x"}, "excludes"},
        Bad{{"echo", "0", "--cert", "x"}, "--cert requires --tls"},
        Bad{{"echo", "0", "--write-ca", "x"}, "--write-ca requires --tls"},
        Bad{{"echo", "0", "--tls", "--cert", "x", "--write-ca", "y"}, "excludes"},
        Bad{{"echo", "0", "--tls", "--cert", "/no/such"}, "'/no/such'"},
        Bad{{"echo", "65536"}, "65536"}, Bad{{"echo", "0", "--host", "example.org"}, "example.org"},
        Bad{{"demo", "/no/such/file"}, "/no/such/file"}, Bad{{"demo", "/"}, "'/': Is a directory"},
        Bad{{"demo", "/dev/null"}, "'/dev/null' is no regular file"},
        Bad{{"demo", "--size", "-1"}, "-1"}, Bad{{"demo", "--cuts", "1001"}, "1001"},
        Bad{{"probe", "localhost"}, "PORT"},
        Bad{{"probe", "localhost", "0"}, "port 0 is out of range"},
        Bad{{"probe", "localhost", "443", "--timeout", "-1"}, "-1"},
        Bad{{"probe", "localhost", "443", "--ca", "/no/such/ca"}, "'/no/such/ca'"},
        Bad{{"probe", "localhost", "443", "--insecure"}, "--insecure"},
        Bad{{"probe", "a\tb", "443"}, "'a?b'"}, Bad{{"probe", "", "443"}, "it is empty"},
        Bad{{"frobnicate"}, "frobnicate"}));

}  // namespace
}  // namespace hio::tool_test
