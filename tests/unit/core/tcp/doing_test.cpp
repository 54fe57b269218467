#include "hio/core/tcp/doing.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "support/pipe_net.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using base::Doist;
using test::PipeNet;

struct DoingTest : testing::Test {
  PipeNet net;
  Doist doist;

  void turn(int cycles = 5) {
    for (; cycles > 0; --cycles) doist.recur();
  }
};

// D6
TEST_F(DoingTest, ClientDoerOpensServicesAndCloses) {
  Client client({.net = &net});
  const auto doer = std::make_shared<ClientDoer>(client);
  doist.extend({doer});
  EXPECT_FALSE(client.opened());
  doist.enter();
  EXPECT_TRUE(client.opened());
  EXPECT_FALSE(client.connected());
  turn();
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.tyme(), doist.tyme());
  EXPECT_FALSE(doer->done());
  doist.exit();
  EXPECT_FALSE(client.opened());
}

// D6
TEST_F(DoingTest, WindingADoerWindsWhatItServices) {
  const base::Tymist tymist(7s);
  Client client({.net = &net});
  Server server({.net = &net});
  const ClientDoer given(client, {.tymth = tymist.tymen()});
  EXPECT_EQ(client.tyme(), 7s);
  ServerDoer wound(server);
  EXPECT_FALSE(server.tymth());
  wound.wind(tymist.tymen());
  EXPECT_EQ(server.tyme(), 7s);
}

// A11: what it reads at once is more than may wait to be sent.
TEST_F(DoingTest, EchoServerDoerSendsAsMuchAsFits) {
  Server server(
      {.host = "127.0.0.1", .port = 7, .limits = {.rxHigh = 10'000, .txLimit = 100}, .net = &net});
  Client client({.port = 7, .net = &net});
  client.tx(std::string(5'000, 'x'));
  doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(server),
                                  std::make_shared<ClientDoer>(client)},
             .limit = 10s});
  EXPECT_EQ(client.rxbs().size(), 5'000U);
}

// D6
TEST_F(DoingTest, EchoServerDoerSendsBackWhatComes) {
  Server server({.host = "127.0.0.1", .port = 7, .net = &net});
  Client client({.port = 7, .net = &net});
  client.tx("hello");
  doist.run({.doers = base::Doers{std::make_shared<EchoServerDoer>(server),
                                  std::make_shared<ClientDoer>(client)},
             .limit = 1s});
  EXPECT_EQ(client.rxbs().text(), "hello");
  EXPECT_FALSE(server.opened());
}

// What has no room to be sent back waits, and nothing is lost.
TEST_F(DoingTest, EchoServerDoerKeepsWhatItCannotSendBackYet) {
  Server server({.host = "127.0.0.1", .port = 7, .limits = {.txLimit = 10}, .net = &net});
  Client client({.port = 7, .net = &net});
  doist.extend({std::make_shared<EchoServerDoer>(server), std::make_shared<ClientDoer>(client)});
  doist.enter();
  turn();
  net.lines.front().pipe->back.capacity = 0;
  client.tx("12345678");
  turn();
  client.tx("abcdefgh");
  turn();
  EXPECT_EQ(client.rxbs().text(), "");
  net.lines.front().pipe->back.capacity = 100;
  turn();
  EXPECT_EQ(client.rxbs().text(), "12345678abcdefgh");
  doist.exit();
}

// Both buffers are full when the peer goes.
TEST_F(DoingTest, EchoServerDoerLetsGoOfAPeerThatNeverRead) {
  Server server(
      {.host = "127.0.0.1", .port = 7, .limits = {.rxHigh = 10, .txLimit = 10}, .net = &net});
  Client client({.port = 7, .net = &net});
  doist.extend({std::make_shared<EchoServerDoer>(server), std::make_shared<ClientDoer>(client)});
  doist.enter();
  turn();
  net.lines.front().pipe->back.capacity = 0;
  client.tx(std::string(100, 'x'));
  turn();
  ASSERT_EQ(server.ixes().size(), 1U);
  for (test::Flow* const flow : {&net.lines.front().pipe->forth, &net.lines.front().pipe->back}) {
    flow->reset = std::make_error_code(std::errc::connection_reset);
  }
  turn(20);
  EXPECT_EQ(server.ixes().size(), 0U);
  doist.exit();
}

// D6: an error of service() aborts the doer, whose exit closes the client.
TEST_F(DoingTest, AnErrorOfTheClientsUserClosesTheClient) {
  Client client({.net = &net});
  struct Failing : ClientDoer {
    using ClientDoer::ClientDoer;
    bool recur(base::Tyme tyme) override {
      ClientDoer::recur(tyme);
      throw std::runtime_error("no more");
    }
  };
  EXPECT_THROW(doist.run({.doers = base::Doers{std::make_shared<Failing>(client)}}),
               std::runtime_error);
  EXPECT_FALSE(client.opened());
}

// G7
TEST_F(DoingTest, WireLogDoerOpensAndClosesTheLog) {
  WireLog log({.samed = true});
  doist.extend({std::make_shared<WireLogDoer>(log)});
  doist.enter();
  EXPECT_TRUE(log.opened());
  turn();
  doist.exit();
  EXPECT_FALSE(log.opened());
}

}  // namespace
}  // namespace hio::core::tcp
