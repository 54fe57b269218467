// Clients and servers run by a Doist that sleeps in a poller: visited only when there is something
// to do.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hio/base.hpp"
#include "hio/certificates.hpp"
#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using base::Doist;

struct Driven : testing::Test {
  std::unique_ptr<net::Poller> poller = net::systemPoller();
  net::PollerIdler idler{*poller};
  Doist doist{{.limit = 60s, .idler = &idler}};

  LinkDoerOptions byPoller() const { return {.poller = poller.get()}; }
};

ServerTlsOptions serverTls(const tool::KeyAndCertificate& own) {
  return {.context = net::TlsContext::server(
              {.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}},
               .clients = ClientCerts::none})};
}

TlsOptions clientTls(const tool::Authority& authority) {
  return {.context = net::TlsContext::client({.trust = {.ca = {.text = authority.certificate()}}})};
}

// Counts its visits.
struct CountedDoer : ClientDoer {
  using ClientDoer::ClientDoer;
  int visits = 0;
  bool recur(base::Tyme tyme) override {
    ++visits;
    return ClientDoer::recur(tyme);
  }
};

TEST_F(Driven, PingsAndPongsWithAHandfulOfVisitsForEach) {
  Server server({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(server.open());
  const std::uint16_t port = server.eha().port;
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  Client client({.port = port});
  const auto counted = std::make_shared<CountedDoer>(client, byPoller());
  constexpr int Rounds = 1000;
  const auto user = base::doify([&, sent = 0](base::Tyme) mutable {
    if (client.rxbs().size() == 4) {
      client.clearRxbs();
      if (sent == Rounds) doist.stop();
    }
    if (client.rxbs().empty() && client.txbs().empty() && sent < Rounds && client.connected() &&
        client.traffic().received == static_cast<std::uint64_t>(4 * sent)) {
      client.tx("ping");
      ++sent;
    }
    return false;
  });
  doist.run({.doers = base::Doers{echo, counted, user}});
  EXPECT_EQ(client.traffic().received, 4U * Rounds);
  EXPECT_LE(counted->visits, 3 * Rounds + 20);
}

TEST_F(Driven, AnIdleClientIsNotVisited) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  const auto counted = std::make_shared<CountedDoer>(client, byPoller());
  int cycles = 0;
  const auto clock = base::doify(
      [&](base::Tyme) {
        if (++cycles == 50) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{counted, clock}});
  EXPECT_EQ(cycles, 50);
  EXPECT_LE(counted->visits, 6);
}

TEST_F(Driven, CarriesMegabytesThroughTls) {
  const tool::Authority authority("root");
  const auto own = authority.issue({"127.0.0.1"});
  ServerTls server({.host = "127.0.0.1", .port = 0}, serverTls(own));
  ASSERT_TRUE(server.open());
  ClientTls client({.port = server.eha().port}, clientTls(authority));
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  const std::string sent(5U << 20U, 'x');
  client.tx(sent);
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.rxbs().size() == sent.size() || client.failure()) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{echo, doer, user}});
  EXPECT_EQ(client.rxbs().text(), sent);
  EXPECT_FALSE(client.failure()) << client.failure()->message();
}

// So that what comes can be consumed while it is in the processor's cache.
TEST_F(Driven, AVisitOfABusyStreamBringsAModestPiece) {
  struct Doer : ClientDoer {
    using ClientDoer::ClientDoer;
    std::size_t most = 0;
    std::size_t all = 0;
    bool recur(base::Tyme tyme) override {
      ClientDoer::recur(tyme);
      const std::size_t came = client().rxbs().size();
      most = std::max(most, came);
      all += came;
      client().clearRxbs();
      return false;
    }
  };
  Server server({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(server.open());
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  Client client({.port = server.eha().port});
  const auto doer = std::make_shared<Doer>(client, byPoller());
  const std::string sent(5U << 20U, 'x');
  client.tx(sent);
  const auto user = base::doify(
      [&](base::Tyme) {
        if (doer->all == sent.size()) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{echo, doer, user}});
  EXPECT_EQ(doer->all, sent.size());
  EXPECT_GT(doer->most, 8096U);
  EXPECT_LE(doer->most, 64U << 10U);
}

// The end of a stream is told although its bytes were read by a short read.
TEST_F(Driven, HearsTheEndAfterTheLastBytes) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  std::unique_ptr<test::RawPeer> peer;
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.connected() && !peer) {
          peer = std::make_unique<test::RawPeer>(listener.accept());
          peer->send("last words");
          peer->close();
        }
        if (client.cutoff()) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{doer, user}});
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.rxbs().text(), "last words");
}

TEST_F(Driven, HearsTheEndOfTlsThatCameWithTheLastBytes) {
  const tool::Authority authority("root");
  const auto own = authority.issue({"127.0.0.1"});
  ServerTls server({.host = "127.0.0.1", .port = 0}, serverTls(own));
  ASSERT_TRUE(server.open());
  ClientTls client({.port = server.eha().port}, clientTls(authority));
  client.attach(poller.get());
  const auto turn = [&] { client.service(), server.service(), (void)poller->wait(1ms); };
  ASSERT_TRUE(test::turnUntil([&] { return client.connected() && !server.ixes().empty(); }, turn));
  for (int count = 0; count < 5; ++count) turn();  // the tickets too have come
  Remoter& remoter = *server.ixes().begin()->second;
  remoter.tx("last words");
  remoter.serviceSends();
  remoter.shutdownSend();
  EXPECT_TRUE(test::turnUntil([&] { return client.cutoff(); }, turn));
  EXPECT_EQ(client.rxbs().text(), "last words");
  EXPECT_FALSE(client.failure()) << client.failure()->message();
}

// Its waker tells of all there is to do, also where nobody asks for a deadline.
TEST_F(Driven, TheWakerTellsOfWhatOneServiceHasLeft) {
  struct Woken final : base::Wakeable {
    bool is = true;
    void wake() noexcept override { is = true; }
  };
  const auto woken = std::make_shared<Woken>();
  test::RawListener listener;
  Client client({.port = listener.port()});
  client.attach(poller.get(), base::Waker(woken));
  const auto turn = [&] {
    if (std::exchange(woken->is, false)) client.service();
    (void)poller->wait(1ms);
  };
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); }, turn));
  const test::RawPeer peer(listener.accept());
  turn();
  peer.send(std::string(200'000, 'x'));
  EXPECT_TRUE(test::turnUntil([&] { return client.rxbs().size() == 200'000; }, turn))
      << client.rxbs().size();
}

TEST_F(Driven, AConnectionThatIsQuietGivesItsMemoryBack) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  client.attach(poller.get());
  const auto turn = [&] { client.service(), (void)poller->wait(1ms); };
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); }, turn));
  const test::RawPeer peer(listener.accept());
  turn();
  peer.send(std::string(60'000, 'x'));
  ASSERT_TRUE(test::turnUntil([&] { return client.rxbs().size() == 60'000; }, turn));
  client.clearRxbs();
  for (int count = 0; count < 10; ++count) {
    client.tx("x");
    turn();
  }
  EXPECT_LE(client.rxbs().capacity(), 4096U);
}

// A handshake that has failed makes room for a connection of which the poller has told already.
TEST_F(Driven, AStalledHandshakeKeepsNobodyWaitingForEver) {
  const tool::Authority authority("root");
  const auto own = authority.issue({"127.0.0.1"});
  auto limited = serverTls(own);
  limited.handshakeTimeout = 50ms;
  limited.mostHandshakes = 1;
  ServerTls server({.host = "127.0.0.1", .port = 0}, limited);
  ASSERT_TRUE(server.open());
  Client stalls({.port = server.eha().port});
  ClientTls waits({.port = server.eha().port}, clientTls(authority));
  bool connected = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        connected = waits.connected();
        if (connected) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{std::make_shared<ServerDoer>(server, byPoller()),
                                  std::make_shared<ClientDoer>(stalls, byPoller()),
                                  std::make_shared<ClientDoer>(waits, byPoller()), user}});
  EXPECT_TRUE(connected);
  EXPECT_EQ(server.refused(), 1U);
}

TEST_F(Driven, ARemoterThatWasClosedGoes) {
  Server server({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(server.open());
  Client client({.port = server.eha().port});
  bool closed = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        if (!closed && !server.ixes().empty()) {
          server.closeAllIx();
          closed = true;
        }
        if (closed && server.ixes().empty()) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{std::make_shared<ServerDoer>(server, byPoller()),
                                  std::make_shared<ClientDoer>(client, byPoller()), user},
             .limit = 5s});
  EXPECT_TRUE(closed);
  EXPECT_TRUE(server.ixes().empty());
}

// The kernel ends a read before a byte that was sent as urgent, although there is more behind it.
TEST_F(Driven, ReadsOnBehindAnUrgentByte) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  client.attach(poller.get());
  const auto turn = [&] { client.service(), (void)poller->wait(1ms); };
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); }, turn));
  const test::RawPeer peer(listener.accept());
  turn();  // nothing to be read: from now on the poller has to tell
  peer.send("before");
  peer.sendUrgent("!");
  peer.send(", behind");
  EXPECT_TRUE(test::turnUntil([&] { return client.rxbs().size() == 14; }, turn))
      << client.rxbs().text();
  EXPECT_EQ(client.rxbs().text(), "before, behind");
}

// What came before a reset is read although the poller has not told of it yet.
TEST_F(Driven, ReadsWhatCameBeforeTheResetThatSendingMet) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  client.attach(poller.get());
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); },
                              [&] { client.service(), (void)poller->wait(1ms); }));
  test::RawPeer peer(listener.accept());
  client.service();  // nothing to be read: from now on the poller has to tell
  (void)poller->wait(0s);
  client.service();
  peer.send("last words");
  peer.reset();
  ASSERT_TRUE(test::turnUntil([&] { return client.failure() != nullptr; },
                              [&] { client.tx("anybody there?"), client.serviceSends(); }));
  EXPECT_EQ(client.rxbs().text(), "last words");
  EXPECT_TRUE(client.cutoff());
}

TEST_F(Driven, ReconnectsWhenItsPauseIsOver) {
  Client client({.port = test::closedPort(),
                 .reconnectable = true,
                 .retry = {.first = 2ms, .most = 2ms, .attempts = 5}});
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.phase() == Phase::stopped) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{doer, user}});
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->attempt(), 5U);
}

TEST_F(Driven, AnotherThreadWakesThePoller) {
  int cycles = 0;
  const auto user = base::doify([&](base::Tyme) { return ++cycles == 2; }, {.tock = base::Forever});
  std::thread waker;
  const auto starter = base::doify([&](base::Tyme) {
    waker = std::thread([&] { poller->wake(); });
    return true;
  });
  doist.enter();
  doist.extend({starter});
  doist.recur();
  EXPECT_FALSE(poller->wait(60s).isError());  // ends long before
  waker.join();
  doist.exit();
}

}  // namespace
}  // namespace hio::core::tcp
