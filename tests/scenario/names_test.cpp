// Names through a name server, which may be slow, silent or wrong.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "hio/base.hpp"
#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"
#include "support/name_server.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using net::IoResult;
using net::Ip;
using net::ResolveError;
using test::NamedNet;
using test::NameServer;
using test::turnUntil;

struct Names : testing::Test {
  NameServer server;
  NamedNet net{server};

  static Ip ip(std::string_view text) { return *Ip::parse(text); }

  // Until there is an answer; the server works in between.
  IoResult find(std::string name, std::vector<Ip>& found) {
    const auto lookup = net.resolver().lookup(std::move(name));
    IoResult result = lookup->poll(found);
    EXPECT_TRUE(turnUntil([&] { return !result.isBlocked(); },
                          [&] {
                            server.serve();
                            result = lookup->poll(found);
                          }));
    return result;
  }
  std::error_code errorOf(std::string name) {
    std::vector<Ip> found;
    const IoResult result = find(std::move(name), found);
    EXPECT_TRUE(found.empty());
    return result.code();
  }
};

TEST_F(Names, AllAddressesOfBothFamiliesAreFound) {
  server.names["four.example"].ips = {ip("127.0.0.1"), ip("::1"), ip("127.0.0.2"), ip("::2")};
  std::vector<Ip> found;
  EXPECT_EQ(find("four.example", found).count(), 4U);
  EXPECT_THAT(
      found, testing::UnorderedElementsAre(ip("127.0.0.1"), ip("127.0.0.2"), ip("::1"), ip("::2")));
  EXPECT_GT(server.overUdp, 0);
  EXPECT_EQ(server.overTcp, 0);
}

TEST_F(Names, EachErrorIsTold) {
  server.names["empty.example"] = {};
  server.names["broken.example"].code = NameServer::Code::serverFailure;
  server.names["secret.example"].code = NameServer::Code::refused;
  EXPECT_EQ(errorOf("nobody.example"), ResolveError::notFound);
  EXPECT_EQ(errorOf("empty.example"), ResolveError::noAddress);
  EXPECT_EQ(errorOf("broken.example"), ResolveError::tryAgain);
  EXPECT_EQ(errorOf("secret.example"), ResolveError::tryAgain);
  EXPECT_EQ(errorOf(""), ResolveError::badName);
  EXPECT_EQ(errorOf("a\nb.example"), ResolveError::badName);
  EXPECT_EQ(errorOf(std::string(64, 'a') + ".example"), ResolveError::badName);
}

TEST_F(Names, NothingIsSentBeforeTheFirstPoll) {
  const auto lookup = net.resolver().lookup("late.example");
  server.serve();
  EXPECT_EQ(server.overUdp, 0);
}

TEST_F(Names, AnAnswerTooLongForADatagramComesOverTcp) {
  for (int i = 1; i <= 60; ++i) {
    server.names["many.example"].ips.push_back(ip("127.0.1." + std::to_string(i)));
  }
  std::vector<Ip> found;
  EXPECT_EQ(find("many.example", found).count(), 60U);
  EXPECT_GT(server.overTcp, 0);
}

TEST_F(Names, JunkIsNoAnswer) {
  server.names["one.example"] = {.ips = {ip("127.0.0.1")}, .junkFirst = true};
  std::vector<Ip> found;
  EXPECT_EQ(find("one.example", found).count(), 1U);
}

TEST_F(Names, ALookupThatIsGivenUpLeavesNoDescriptor) {
  server.names["silent.example"].isSilent = true;
  const std::size_t before = test::openDescriptors();
  const int first = ::dup(0);  // the number of the next descriptor
  ::close(first);
  auto lookup = net.resolver().lookup("silent.example");
  std::vector<Ip> found;
  for (int turn = 0; turn < 10; ++turn) EXPECT_TRUE(lookup->poll(found).isBlocked());
  EXPECT_GT(test::openDescriptors(), before);
  EXPECT_EQ(::fcntl(first, F_GETFD), FD_CLOEXEC);
  lookup.reset();
  EXPECT_EQ(test::openDescriptors(), before);
}

TEST_F(Names, NoDescriptorIsTheReason) {
  server.names["one.example"].ips = {ip("127.0.0.1")};
  const test::DescriptorShortage none;
  std::vector<Ip> found;
  const auto lookup = net.resolver().lookup("one.example");
  EXPECT_EQ(lookup->poll(found).code(), std::errc::too_many_files_open);
}

// However long the name server takes, the client goes on with its time.
TEST_F(Names, AClientsTimeoutBoundsASilentServer) {
  server.names["silent.example"].isSilent = true;
  base::Tymist tymist;
  Client client({.timeout = 5s,
                 .host = "silent.example",
                 .port = 7,
                 .reconnectable = true,
                 .tymth = tymist.tymen(),
                 .retry = {.attempts = 1},
                 .net = &net});
  for (int second = 0; second <= 5 && !client.failure(); ++second) {
    client.service();
    EXPECT_EQ(client.phase(), Phase::resolving);
    tymist.tick(1s);
    client.service();
  }
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->stage(), Stage::resolve);
  EXPECT_EQ(client.failure()->code(), std::errc::timed_out);
}

// Told by a poller, and so not visited while the name server thinks.
TEST_F(Names, ADrivenClientIsToldOfTheAnswer) {
  struct Counted final : ClientDoer {
    using ClientDoer::ClientDoer;
    int visits = 0;
    bool recur(base::Tyme tyme) override {
      ++visits;
      return ClientDoer::recur(tyme);
    }
  };
  for (int i = 1; i <= 60; ++i) {
    server.names["home.example"].ips.push_back(ip("127.0.0." + std::to_string(i)));
  }
  test::RawListener listener;
  const auto poller = net::systemPoller();
  net::PollerPacer pacer(*poller);
  base::Doist doist({.limit = 60s, .pacer = &pacer});
  Client client({.host = "home.example", .port = listener.port(), .net = &net});
  const auto counted = std::make_shared<Counted>(client, LinkDoerOptions{.poller = poller.get()});
  int cycles = 0;
  bool connected = false;
  const auto user = base::doify(
      [&](base::Tyme) {
        if (++cycles > 100) server.serve();
        connected = connected || client.connected();
        if (connected) doist.stop();
        return false;
      },
      {.tock = 1ms});
  doist.run({.doers = base::Doers{counted, user}});
  EXPECT_TRUE(connected);
  EXPECT_GT(server.overTcp, 0);
  EXPECT_LE(counted->visits, 30);
}

}  // namespace
}  // namespace hio::core::tcp
