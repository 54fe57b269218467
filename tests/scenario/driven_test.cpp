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
#include "hio/core/tcp.hpp"
#include "support/driven_tls.hpp"
#include "support/loopback.hpp"
#include "support/shortage.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using base::Doist;
using test::clientTls;
using test::serverTls;

struct Driven : testing::Test {
  std::unique_ptr<net::Poller> poller = net::systemPoller();
  net::PollerPacer pacer{*poller};
  Doist doist{{.limit = 60s, .pacer = &pacer}};

  LinkDoerOptions byPoller() const { return {.poller = poller.get()}; }
};

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
  EXPECT_FALSE(client.cutoff());
  client.service();
  EXPECT_EQ(client.rxbs().text(), "last words");
  client.service();
  EXPECT_TRUE(client.cutoff());
}

// No poller tells when the kernel has memory and descriptors again.
TEST_F(Driven, TriesAgainWhatTheKernelWasTooShortToDo) {
  Server server({.host = "127.0.0.1", .port = 0});
  ASSERT_TRUE(server.open());
  const auto echo = std::make_shared<EchoServerDoer>(server, byPoller());
  Client client({.port = server.eha().port});
  const auto doer = std::make_shared<ClientDoer>(client, byPoller());
  client.tx("hello");
  test::shortage() = {.receives = 2, .sends = 2, .accepts = 1};
  const auto user = base::doify(
      [&](base::Tyme) {
        if (client.rxbs().text() == "hello") doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{echo, doer, user}, .limit = 10s});
  EXPECT_EQ(client.rxbs().text(), "hello");
  EXPECT_TRUE(test::shortage().isOver());
  EXPECT_FALSE(client.failure());
  EXPECT_FALSE(server.failure());
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
