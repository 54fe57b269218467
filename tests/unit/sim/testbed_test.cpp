// The kit for users' tests: a lab, and matchers.
#include "hio/sim/testbed.hpp"

#include "hio/core/tcp.hpp"
#include "hio/sim/matchers.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::openServer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What a matcher says of a value that it does not accept; empty when it accepts.
template <typename M, typename T>
std::string complaint(const M& matcher, const T& value) {
  testing::StringMatchResultListener said;
  return testing::ExplainMatchResult(matcher, value, &said) ? "" : said.str();
}

TEST(Testbed, TurnsClientAndServerUntilDone) {
  Testbed bed({"laptop", "server"});
  const auto server = openServer({.port = 7, .tymth = bed.tymth(), .net = &bed["server"]});
  Client client({.host = "server", .port = 7, .tymth = bed.tymth(), .net = &bed["laptop"]});
  bed.add(client, *server);
  client.tx("hello");

  ASSERT_EQ(bed.run([&] { return !server->ixes().empty() && client.txbs().empty(); }),
            Outcome::done);
  EXPECT_THAT(client, IsConnected());
  ASSERT_EQ(bed.run([&] { return !server->ixes().begin()->second->rxbs().empty(); }),
            Outcome::done);
  EXPECT_THAT(*server->ixes().begin()->second, HasReceived("hello"));
}

TEST(Testbed, PassesTimeToTheNanosecondAndMeetsDeadlinesOnTheWay) {
  Testbed bed({"laptop", "server"});
  const RuleGuard firewall = bed.world().add(blackHole(bed["server"], 7));
  Client client({.timeout = 5s,
                 .host = "server",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = bed.tymth(),
                 .net = &bed["laptop"]});
  bed.add(client);
  bed.pass(4s);
  EXPECT_EQ(bed.tyme(), 4s);
  EXPECT_THAT(client, Not(HasFailed(std::errc::timed_out)));
  bed.pass(1s + 1ns);
  EXPECT_EQ(bed.tyme(), 5s + 1ns);
  EXPECT_THAT(client, HasFailed(std::errc::timed_out));
}

TEST(Testbed, DoesAnythingElseInEachTurnAfterWhatWasAddedBefore) {
  Testbed bed;
  std::string order;
  bed.add([&] { order += 'a'; });
  bed.add([&] { order += 'b'; });
  EXPECT_EQ(bed.run([&] { return order.size() >= 4; }, 1s), Outcome::quiet);
  EXPECT_EQ(order, "ab");
}

TEST(Testbed, NamesTheHostsThereAreForOneThatIsNot) {
  Testbed bed({"laptop", "server"});
  try {
    (void)bed["sever"];
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(
        error.what(),
        "Testbed: no host \"sever\" among: laptop, server; give its name to the constructor");
  }
  EXPECT_THROW(Testbed({"twice", "twice"}), std::invalid_argument);
}

TEST(Testbed, TakesTheWorldsOptions) {
  const auto hashOf = [](std::uint64_t seed) {
    Testbed bed({"laptop"}, {.seed = seed});
    return bed.world().random().below(1'000'000'000);
  };
  EXPECT_EQ(hashOf(1), hashOf(1));
  EXPECT_NE(hashOf(1), hashOf(2));
}

TEST(Matchers, TellWhyTheyDoNotMatch) {
  Testbed bed({"laptop", "server"});
  Client client({.host = "server", .port = 7, .tymth = bed.tymth(), .net = &bed["laptop"]});
  bed.add(client);
  EXPECT_EQ(bed.run([&] { return client.failure() != nullptr; }), Outcome::done);

  EXPECT_THAT(client, HasFailed(std::errc::connection_refused));
  EXPECT_THAT(client, Not(IsConnected()));
  EXPECT_THAT(complaint(IsConnected(), client), HasSubstr("refused"));
  EXPECT_THAT(complaint(HasReceived("hello"), client), HasSubstr("its rxbs is \"\""));
  EXPECT_THAT(complaint(HasFailed(std::errc::timed_out), client), HasSubstr("refused"));
  EXPECT_EQ(testing::PrintToString(Outcome::late), "late");
}

TEST(Matchers, PrintWhatIsLeftOver) {
  Testbed bed({"laptop", "server"});
  EXPECT_THAT(bed.world().leftovers(), IsEmpty());
  const auto server = openServer({.port = 7, .tymth = bed.tymth(), .net = &bed["server"]});
  const auto left = bed.world().leftovers();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_THAT(testing::PrintToString(left.front()), HasSubstr("server"));
}

}  // namespace
}  // namespace hio::sim
