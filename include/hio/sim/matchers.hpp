// GoogleMock matchers for what clients and servers come to; a mismatch tells its reason.
// Not part of <hio/sim.hpp>: this header needs <gmock/gmock.h>.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <system_error>

#include "hio/sim/world.hpp"

namespace hio::sim {

// A failure as matchers tell it, of anything that has failure().
template <typename T>
std::string failureOf(const T& failed) {
  return failed.failure() ? failed.failure()->message() : "no failure";
}

// EXPECT_THAT(client, IsConnected());
MATCHER(IsConnected, negation ? "is not connected" : "is connected") {
  *result_listener << nameOf(arg.phase()) << ", " << failureOf(arg);
  return arg.connected();
}

// EXPECT_THAT(client, HasReceived("hello")): rxbs is this text.
MATCHER_P(HasReceived, text,
          std::string(negation ? "has not received " : "has received ") +
              testing::PrintToString(text)) {
  *result_listener << "its rxbs is " << testing::PrintToString(arg.rxbs().text()) << ", "
                   << failureOf(arg);
  return arg.rxbs().text() == text;
}

// EXPECT_THAT(client, HasFailed(std::errc::connection_refused)): what failure() tells, of a
// client, remoter or server, has a code equal to this one.
MATCHER_P(HasFailed, code,
          std::string(negation ? "has not failed with " : "has failed with ") +
              make_error_condition(code).message()) {
  *result_listener << failureOf(arg);
  return arg.failure() && arg.failure()->code() == code;
}

}  // namespace hio::sim
