// The table of what follows a failure: every row, and the page that shows it.
#include "core/tcp/after_failure.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "hio/core/tcp/retry.hpp"
#include "hio/net/net.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {
namespace {

struct Row {
  Stage stage;
  Reason reason;
};
constexpr std::array Rows{
    Row{Stage::resolve, Reason::ownFault},   Row{Stage::resolve, Reason::passing},
    Row{Stage::open, Reason::shortage},      Row{Stage::connect, Reason::passing},
    Row{Stage::handshake, Reason::ownFault}, Row{Stage::handshake, Reason::certificate},
    Row{Stage::handshake, Reason::hopeless}, Row{Stage::handshake, Reason::shortage},
    Row{Stage::handshake, Reason::passing},  Row{Stage::use, Reason::passing},
    Row{Stage::receive, Reason::hopeless},   Row{Stage::receive, Reason::passing},
    Row{Stage::send, Reason::passing}};

std::string table() {
  std::ostringstream out;
  for (const Row& row : Rows) {
    out << "| " << nameOf(row.stage) << " | " << nameOf(row.reason);
    for (const bool reconnectable : {true, false}) {
      for (const bool wound : {true, false}) {
        // A reconnectable client has a time.
        if (reconnectable && !wound) continue;
        out << " | " << nameOf(nextAfter(row.stage, row.reason, reconnectable, wound));
      }
    }
    out << " |\n";
  }
  return out.str();
}

TEST(AfterFailure, ThePageShowsTheTable) {
  std::ifstream page(HIO_SOURCE_DIR "/docs/architecture.md");
  std::ostringstream text;
  text << page.rdbuf();
  EXPECT_NE(text.str().find(table()), std::string::npos) << table();
}

TEST(AfterFailure, EachCodeHasItsReason) {
  const auto reason = [](Stage stage, std::error_code code) {
    return std::string(nameOf(reasonOf(stage, code)));
  };
  EXPECT_EQ(reason(Stage::resolve, net::ResolveError::badName), "own fault");
  EXPECT_EQ(reason(Stage::resolve, net::ResolveError::notFound), "passing");
  EXPECT_EQ(reason(Stage::open, std::make_error_code(std::errc::too_many_files_open)), "shortage");
  EXPECT_EQ(reason(Stage::connect, std::make_error_code(std::errc::connection_refused)), "passing");
  for (const int verdict : {9, 10, 18, 19, 20, 62}) {  // not yet valid, expired, untrusted, name
    EXPECT_EQ(reason(Stage::handshake, net::tlsVerdict(verdict)), "certificate");
  }
  EXPECT_EQ(reason(Stage::handshake, net::TlsError::wrongPin), "certificate");
  for (const int alert : {40, 42, 48, 49, 70, 71, 112, 116, 120}) {
    EXPECT_EQ(reason(Stage::handshake, net::tlsAlert(alert)), "hopeless");
  }
  EXPECT_EQ(reason(Stage::handshake, net::tlsAlert(80)), "passing");  // internal error
  EXPECT_EQ(reason(Stage::handshake, net::TlsError::notTls), "hopeless");
  EXPECT_EQ(reason(Stage::handshake, net::TlsError::truncated), "passing");
  EXPECT_EQ(reason(Stage::receive, net::tlsAlert(116)), "hopeless");
}

// Decided 3: only this side's own faults end a reconnectable client's retries.
TEST(AfterFailure, NothingThatTheFarSideShowsStopsAReconnectableClient) {
  for (const Row& row : Rows) {
    const Next next = nextAfter(row.stage, row.reason, true, true);
    EXPECT_EQ(next == Next::stop, row.reason == Reason::ownFault) << nameOf(row.stage);
  }
}

}  // namespace
}  // namespace hio::core::tcp
