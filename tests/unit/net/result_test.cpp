// The one table of errors.
#include "hio/net/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "hio/net/net.hpp"

namespace hio::net {
namespace {

using Kind = IoResult::Kind;

Kind kindOf(int error) {
  return IoResult::of({error, std::system_category()}, IoResult::On::read).kind();
}

TEST(IoResult, TryAgainIsBlockedOnWhatWasAsked) {
  for (const int error : {EAGAIN, EWOULDBLOCK, EINPROGRESS, EALREADY, EINTR, ENOBUFS, ENOMEM}) {
    EXPECT_EQ(kindOf(error), Kind::blocked) << error;
  }
  const auto result = IoResult::of({EAGAIN, std::system_category()}, IoResult::On::write);
  EXPECT_EQ(result.on(), IoResult::On::write);
}

// R2, T1, T4
TEST(IoResult, APeerThatIsGoneIsLost) {
  for (const int error : {ECONNRESET, ENETRESET, ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN,
                          ETIMEDOUT, ECONNREFUSED, EPIPE, ENOTCONN, ECONNABORTED, ESHUTDOWN}) {
    EXPECT_EQ(kindOf(error), Kind::lost) << error;
  }
}

TEST(IoResult, EverythingElseIsAFailure) {
  for (const int error : {EBADF, ENOTSOCK, EINVAL, EACCES, EPERM, EMFILE, ENFILE, EFAULT}) {
    EXPECT_EQ(kindOf(error), Kind::failed) << error;
  }
  // The number 11 of another category has nothing to do with EAGAIN.
  const auto foreign = IoResult::of({EAGAIN, resolveCategory()}, IoResult::On::read);
  EXPECT_EQ(foreign.kind(), Kind::failed);
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
