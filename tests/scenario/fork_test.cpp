// A child made by fork() that lets go of its copies leaves the parent's connections alone.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hio/core/tcp.hpp"
#include "support/driven_tls.hpp"
#include "support/loopback.hpp"

namespace hio {
namespace {

using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::ClientDoer;
using core::tcp::ClientTls;
using core::tcp::EchoServerDoer;
using core::tcp::Server;
using core::tcp::ServerTls;

// Runs it in a child; gives whether it returned true.
bool inChild(const std::function<bool()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

// A client and a server, driven in one Doist.
struct Pair {
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
  std::unique_ptr<net::Poller> poller = net::systemPoller();
  std::unique_ptr<net::PollerPacer> pacer = std::make_unique<net::PollerPacer>(*poller);
  std::unique_ptr<base::Doist> doist =
      std::make_unique<base::Doist>(base::DoistOptions{.pacer = pacer.get()});

  Pair(std::unique_ptr<Server> itsServer,
       const std::function<std::unique_ptr<Client>(int port)>& makeClient)
      : server(std::move(itsServer)) {
    const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
    doist->extend({std::make_shared<EchoServerDoer>(*server, driven)});
    doist->enter();
    client = makeClient(server->eha().port);
    doist->extend({std::make_shared<ClientDoer>(*client, driven)});
  }
  bool echoes() {
    client->clearRxbs();
    client->tx("hello");
    const base::Tyme end = doist->tyme() + 10s;
    while (client->rxbs().text() != "hello" && !client->cutoff() && doist->tyme() < end) {
      doist->poll(1s);
    }
    return client->rxbs().text() == "hello";
  }
};

struct Fork : testing::TestWithParam<bool> {
  const tool::Authority authority{"root"};
  const tool::KeyAndCertificate own = authority.issue({"localhost"});
  std::unique_ptr<Pair> make() const {
    const core::tcp::ServerOptions at{.host = "127.0.0.1", .port = 0};
    const auto options = [](int port) {
      return core::tcp::ClientOptions{.timeout = 5s, .host = "localhost", .port = port};
    };
    if (!GetParam()) {
      return std::make_unique<Pair>(std::make_unique<Server>(at), [&](int port) {
        return std::make_unique<Client>(options(port));
      });
    }
    return std::make_unique<Pair>(
        std::make_unique<ServerTls>(at, test::serverTls(own)), [&](int port) {
          return std::make_unique<ClientTls>(options(port), test::clientTls(authority));
        });
  }
};

TEST_P(Fork, AChildThatDestroysItsCopiesEndsNothing) {
  auto pair = make();
  ASSERT_TRUE(pair->echoes());
  EXPECT_TRUE(inChild([&] {
    pair.reset();
    return true;
  }));
  EXPECT_TRUE(pair->echoes());
  EXPECT_TRUE(inChild([&] {  // one by one, as a program's own objects go
    pair->client->close();
    pair->server->close();
    pair->poller->wake();
    pair->doist.reset();
    pair->poller.reset();
    return true;
  }));
  EXPECT_TRUE(pair->echoes());
  EXPECT_FALSE(pair->client->failure());
}

TEST_P(Fork, AChildThatGoesOnGetsErrorsAndTakesNothing) {
  auto pair = make();
  ASSERT_TRUE(pair->echoes());
  EXPECT_TRUE(inChild([&] {
    pair->client->tx("from the child");
    for (int i = 0; i < 3; ++i) pair->client->service();
    return pair->client->failure() &&
           pair->client->failure()->code() == std::errc::operation_not_permitted &&
           pair->poller->wait(0s).code() == std::errc::operation_not_permitted;
  }));
  EXPECT_TRUE(pair->echoes());
}

INSTANTIATE_TEST_SUITE_P(TcpAndTls, Fork, testing::Bool(),
                         [](const auto& way) { return way.param ? "Tls" : "Tcp"; });

// What is made in the child works there.
TEST(ForkAlone, AChildMayMakeItsOwn) {
  EXPECT_TRUE(inChild([] {
    core::tcp::Loop loop;
    test::RawListener listener;
    Client client({.timeout = 5s, .port = listener.port()});
    loop.add(client);
    return loop.until([&] { return client.connected(); }, 5s);
  }));
}

}  // namespace
}  // namespace hio
