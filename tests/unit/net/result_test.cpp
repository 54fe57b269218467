// The one table of errors.
#include "hio/net/result.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <ios>
#include <system_error>

#include "hio/net/net.hpp"

namespace hio::net {
namespace {

using Kind = IoResult::Kind;

Kind kindOf(int error) {
  return IoResult::of({error, std::system_category()}, IoResult::On::read).kind();
}

constexpr std::array TryAgain = {EAGAIN, EWOULDBLOCK, EINPROGRESS, EALREADY,
                                 EINTR,  ENOBUFS,     ENOMEM};
// hio's list (contract R2, T1), then what it forgot (contract T4).
constexpr std::array Lost = {ECONNRESET, ENETRESET, ENETUNREACH,  EHOSTUNREACH,
                             ENETDOWN,   EHOSTDOWN, ETIMEDOUT,    ECONNREFUSED,
                             EPIPE,      ENOTCONN,  ECONNABORTED, ESHUTDOWN};

template <std::size_t Count>
bool has(const std::array<int, Count>& errors, int error) {
  return std::find(errors.begin(), errors.end(), error) != errors.end();
}

// R2
TEST(IoResult, TryAgainIsBlockedOnWhatWasAsked) {
  for (const int error : TryAgain) EXPECT_EQ(kindOf(error), Kind::blocked) << error;
  for (const IoResult::On on : {IoResult::On::read, IoResult::On::write}) {
    const auto result = IoResult::of({EAGAIN, std::system_category()}, on);
    EXPECT_EQ(result.on(), on);
    EXPECT_FALSE(result.isError());
    EXPECT_EQ(result.code(), std::error_code());
  }
}

// R2, T1, T4
TEST(IoResult, APeerThatIsGoneIsLost) {
  for (const int error : Lost) {
    EXPECT_EQ(kindOf(error), Kind::lost) << error;
    const std::error_code code(error, std::system_category());
    EXPECT_EQ(IoResult::of(code, IoResult::On::write).code(), code);
  }
}

// R2: any other errno raises.
TEST(IoResult, EveryOtherErrorIsAFailure) {
  for (int error = 1; error < 256; ++error) {
    if (has(TryAgain, error) || has(Lost, error)) continue;
    const std::error_code code(error, std::system_category());
    EXPECT_EQ(kindOf(error), Kind::failed) << error;
    EXPECT_EQ(IoResult::of(code, IoResult::On::read).code(), code);
  }
}

// L18: the numbers of another category have nothing to do with errno.
TEST(IoResult, ForeignErrorsAreFailures) {
  for (const int error : {EAGAIN, EINTR, ECONNRESET, EPIPE, ETIMEDOUT, 1, 2}) {
    for (const std::error_category* const foreign :
         {&resolveCategory(), &std::iostream_category(), &std::future_category()}) {
      const std::error_code code(error, *foreign);
      const auto result = IoResult::of(code, IoResult::On::read);
      EXPECT_EQ(result.kind(), Kind::failed) << foreign->name() << ' ' << error;
      EXPECT_EQ(result.code(), code);
    }
  }
  const auto generic = std::make_error_code(std::errc::connection_reset);
  EXPECT_EQ(IoResult::of(generic, IoResult::On::read).kind(), Kind::lost);
}

TEST(IoResult, SaysOneThingAtATime) {
  EXPECT_TRUE(IoResult::done(3).isDone());
  EXPECT_EQ(IoResult::done(3).count(), 3U);
  EXPECT_TRUE(IoResult::ended().isEnded());
  EXPECT_EQ(IoResult::blocked(IoResult::On::read).count(), 0U);
  EXPECT_FALSE(IoResult::ended().isError() || IoResult::done().isError());
  EXPECT_TRUE(IoResult::of({EBADF, std::system_category()}, IoResult::On::read).isError());
}

}  // namespace
}  // namespace hio::net
