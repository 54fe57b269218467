// What a person is told.
#include "hio/core/tcp/failure.hpp"

#include <gtest/gtest.h>

#include "hio/core/tcp/clienting.hpp"
#include "support/fake_net.hpp"

namespace hio::core::tcp {
namespace {

using test::failed;
using test::FakeNet;
using test::sys;

std::string message(Stage stage, std::error_code code) {
  return Failure(stage, {"10.0.0.1", 7}, code).message();
}

TEST(Failure, SaysWhatWasDoneWhereWhyAndWhatToDo) {
  EXPECT_EQ(
      message(Stage::connect, sys(std::errc::connection_refused)),
      "connect to 10.0.0.1:7: Connection refused; nothing listens there: check host and port");
  EXPECT_EQ(message(Stage::connect, sys(std::errc::timed_out)),
            "connect to 10.0.0.1:7: Connection timed out; "
            "no answer: check the address, the route and firewalls");
  EXPECT_EQ(message(Stage::resolve, net::ResolveError::notFound),
            "resolve the name of 10.0.0.1:7: there is no such name; "
            "check the spelling of the name");
  EXPECT_EQ(message(Stage::receive, sys(std::errc::not_supported)),
            "receive from 10.0.0.1:7: Operation not supported");
}

TEST(Failure, EachStageAndEachCommonReasonHasWords) {
  for (const Stage stage : {Stage::resolve, Stage::open, Stage::connect, Stage::handshake,
                            Stage::receive, Stage::send, Stage::listen, Stage::accept}) {
    EXPECT_FALSE(nameOf(stage).empty());
    for (const std::error_code code :
         {sys(std::errc::network_unreachable), sys(std::errc::host_unreachable),
          sys(std::errc::too_many_files_open), sys(std::errc::address_not_available),
          sys(std::errc::address_in_use), sys(std::errc::permission_denied),
          sys(std::errc::connection_reset), sys(std::errc::broken_pipe),
          make_error_code(net::ResolveError::tryAgain),
          make_error_code(net::ResolveError::noAddress),
          make_error_code(net::ResolveError::badName),
          make_error_code(net::ResolveError::refused)}) {
      const std::string text = message(stage, code);
      EXPECT_NE(text.find(code.message() + "; "), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos);
    }
  }
}

TEST(Failure, TellsEachAddressOfAName) {
  FakeNet net;
  net.names["two.test"] = {.ips = {*net::Ip::parse("::1"), *net::Ip::parse("10.0.0.1")}};
  net.next().connects = {failed(std::errc::network_unreachable)};
  net.next().connects = {failed(std::errc::connection_refused)};
  Client client({.host = "two.test", .port = 7, .net = &net});
  EXPECT_FALSE(client.connect());
  ASSERT_EQ(client.failure()->tries().size(), 2U);
  EXPECT_EQ(client.failure()->address(), Address("two.test", 7));
  EXPECT_EQ(client.failure()->attempt(), 1U);
  EXPECT_EQ(client.failure()->message(),
            "connect to two.test:7: Network is unreachable; tried [::1]:7 (Network is unreachable) "
            "10.0.0.1:7 (Connection refused); there is no way to it: check the address and the "
            "network");
}

TEST(ResolveErrors, HaveACategoryOfTheirOwn) {
  const std::error_code code = net::ResolveError::tryAgain;
  EXPECT_STREQ(code.category().name(), "hio.resolve");
  EXPECT_NE(code, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(std::error_code(99, net::resolveCategory()).message(),
            "unknown error of name resolution");
}

}  // namespace
}  // namespace hio::core::tcp
