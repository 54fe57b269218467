// One descriptor and one deadline for any loop, and the loop for programs that have none.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <thread>

#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"

namespace hio {
namespace {

using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::ClientDoer;
using core::tcp::EchoServerDoer;
using core::tcp::Loop;
using core::tcp::Server;

struct Counted final : net::ReadinessHandler {
  int times = 0;
  void ready(net::Readiness) noexcept override { ++times; }
};

struct Pipe {
  std::array<int, 2> ends{};
  Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void put() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
};

bool pollReadable(int fd, int milliseconds = 0) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, milliseconds) == 1;
}
bool selectReadable(int fd) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  timeval none{};
  return ::select(fd + 1, &set, nullptr, nullptr, &none) == 1;
}

TEST(PollerFd, IsReadableWhileThereIsSomethingToTell) {
  const auto poller = net::systemPoller();
  const int fd = poller->fd();
  Counted counted;
  const Pipe pipe;
  std::error_code code;
  const auto registration = poller->watch(pipe.ends[0], counted, code);
  EXPECT_FALSE(pollReadable(fd));
  pipe.put();
  for (int i = 0; i < 2; ++i) {  // level-triggered
    EXPECT_TRUE(pollReadable(fd));
    EXPECT_TRUE(selectReadable(fd));
  }
  EXPECT_EQ(poller->wait(0s).count(), 1U);
  EXPECT_FALSE(pollReadable(fd));
  poller->wake();
  EXPECT_TRUE(pollReadable(fd));
  EXPECT_EQ(poller->wait(0s).count(), 0U);
  EXPECT_FALSE(pollReadable(fd));
  EXPECT_EQ(poller->fd(), fd);
}

TEST(PollerFd, CanBeWatchedEdgeTriggeredByAnEpoll) {
  const auto poller = net::systemPoller();
  const int outer = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  ASSERT_EQ(::epoll_ctl(outer, EPOLL_CTL_ADD, poller->fd(), &event), 0);
  // More than one call to the kernel gives.
  Counted counted;
  std::vector<Pipe> pipes(300);
  std::vector<net::Registration> registrations;
  std::error_code code;
  for (const Pipe& pipe : pipes) {
    registrations.push_back(poller->watch(pipe.ends[0], counted, code));
    pipe.put();
  }
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(::epoll_wait(outer, &event, 1, 1000), 1);
    EXPECT_EQ(poller->wait(0s).count(), 300U);
    EXPECT_FALSE(pollReadable(poller->fd()));
    for (const Pipe& pipe : pipes) pipe.put();
  }
  ::close(outer);
}

TEST(PollerFd, WakeKeepsErrno) {
  const auto poller = net::systemPoller();
  errno = EDOM;
  poller->wake();
  EXPECT_EQ(errno, EDOM);
}

TEST(PollerEnd, RegistrationsAndHandlersOutliveIt) {
  auto poller = net::systemPoller();
  Counted counted;
  const Pipe pipe;
  std::error_code code;
  auto registration = poller->watch(pipe.ends[0], counted, code);
  const net::PollerRef ref = poller.get();
  EXPECT_TRUE(registration);
  EXPECT_EQ(ref.get(), poller.get());
  poller.reset();
  EXPECT_FALSE(registration);
  EXPECT_FALSE(ref);
  EXPECT_EQ(counted.times, 1);
  registration.reset();
  net::Registration moved = std::move(registration);
  moved.resetClosing();
}

// A driven client whose poller is destroyed goes on: it is serviced at each tock.
TEST(PollerEnd, ADrivenClientGoesOnWithoutIt) {
  test::RawListener listener;
  Client client({.port = listener.port()});
  auto poller = net::systemPoller();
  net::PollerPacer pacer(*poller);
  base::Doist doist({.tock = 1ms, .pacer = &pacer});
  doist.extend({std::make_shared<ClientDoer>(
      client, core::tcp::LinkDoerOptions{.tock = 1ms, .poller = poller.get()})});
  doist.enter();
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); }, [&] { doist.poll(); }));
  test::RawPeer peer(listener.accept());
  doist.poll();
  doist.pacer(nullptr);
  poller.reset();
  peer.send("hello");
  EXPECT_TRUE(
      test::turnUntil([&] { return client.rxbs().text() == "hello"; }, [&] { doist.recur(); }));
  client.tx("world");
  EXPECT_TRUE(test::turnUntil([&] { return client.txbs().empty(); }, [&] { doist.recur(); }));
  EXPECT_EQ(peer.receive(5), "world");
}

// --- a Doist in a foreign loop ---

// As a loop does that knows one descriptor and one deadline.
bool loopUntil(base::Doist& doist, net::Poller& poller, const std::function<bool()>& done) {
  for (int turns = 0; turns < 10'000; ++turns) {
    doist.poll();
    if (done()) return true;
    const auto sleep = doist.maxSleep();
    pollReadable(
        poller.fd(),
        sleep ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*sleep).count())
              : 60'000);
  }
  return false;
}

TEST(ForeignLoop, ManyClientsAndAServerNeedFewTurns) {
  std::vector<std::unique_ptr<Client>> clients;
  const auto poller = net::systemPoller({.spin = 0s});
  net::PollerPacer pacer(*poller);
  const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
  Server server({.host = "127.0.0.1", .port = 0});
  base::Doist doist({.pacer = &pacer});
  doist.extend({std::make_shared<EchoServerDoer>(server, driven)});
  doist.enter();
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<Client>(
        core::tcp::ClientOptions{.timeout = 10s, .port = server.eha().port}));
    clients.back()->tx("hello");
    doist.extend({std::make_shared<ClientDoer>(*clients.back(), driven)});
  }
  EXPECT_TRUE(loopUntil(doist, *poller, [&] {
    return std::all_of(clients.begin(), clients.end(),
                       [](const auto& client) { return client->rxbs().text() == "hello"; });
  }));
  EXPECT_EQ(doist.maxSleep(), std::nullopt);
  // Given work by the loop between two turns: the descriptor says so.
  doist.poll();
  EXPECT_FALSE(pollReadable(poller->fd()));
  clients[7]->tx(" again");
  EXPECT_TRUE(pollReadable(poller->fd()));
  EXPECT_TRUE(
      loopUntil(doist, *poller, [&] { return clients[7]->rxbs().text() == "hello again"; }));
}

// A client without a Doist.
TEST(ForeignLoop, AClientAlone) {
  test::RawListener listener;
  base::Tymist tymist;
  Client client({.timeout = 5s, .port = listener.port(), .tymth = tymist.tymen()});
  const auto poller = net::systemPoller({.spin = 0s});
  client.attach(poller.get());
  for (int turns = 0; turns < 100 && !client.connected(); ++turns) {
    (void)poller->wait(0s);
    client.service();
    if (!client.connected()) pollReadable(poller->fd(), 100);
  }
  EXPECT_TRUE(client.connected());
  test::RawPeer peer(listener.accept());
  peer.send("hello");
  EXPECT_TRUE(pollReadable(poller->fd(), 1000));
  (void)poller->wait(0s);
  client.service();
  EXPECT_EQ(client.rxbs().text(), "hello");
}

// --- Loop ---

base::Tyme cpuTime() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(Loop, ServicesUntilAConditionHoldsAndThenAgain) {
  Loop loop;
  Server server({.host = "127.0.0.1", .port = 0});
  std::shared_ptr<EchoServerDoer> echo = std::make_shared<EchoServerDoer>(
      server, core::tcp::LinkDoerOptions{.poller = &loop.poller()});
  loop.doist().extend({echo});
  Client client({.timeout = 5s, .port = server.eha().port, .reconnectable = true});
  loop.add(client);
  loop.add(client);
  client.tx("hello");
  EXPECT_TRUE(loop.until([&] { return client.rxbs().text() == "hello"; }, 10s));
  client.tx(" again");
  EXPECT_TRUE(loop.until([&] { return client.rxbs().text() == "hello again"; }));
  EXPECT_TRUE(loop.until([] { return true; }));
  loop.remove(client);
  EXPECT_FALSE(client.opened());
  loop.remove(client);
  loop.add(client);
  client.clearRxbs();
  client.tx("third");
  EXPECT_TRUE(loop.until([&] { return client.rxbs().text() == "third"; }, 10s));
  loop.doist().remove({echo});
}

TEST(Loop, SleepsAndHasALimit) {
  Loop loop({.spin = 0s});
  const auto before = cpuTime();
  const help::MonoTimer timer;
  EXPECT_FALSE(loop.until([] { return false; }, 300ms));
  EXPECT_GE(timer.elapsed(), 300ms);
  EXPECT_LT(cpuTime() - before, 100ms);
  EXPECT_FALSE(loop.until([] { return false; }, 0s));
  EXPECT_FALSE(loop.until([] { return false; }, -1s));
  loop.doist().stop();
  EXPECT_FALSE(loop.until([] { return false; }));
}

TEST(Loop, SurvivesErrorsAndMisuse) {
  Loop loop;
  EXPECT_THROW(loop.until({}), std::invalid_argument);
  EXPECT_THROW(loop.until([&] { return loop.until([] { return true; }); }), std::logic_error);
  loop.doist().post([] { throw std::runtime_error("posted"); });
  EXPECT_THROW(loop.until([] { return false; }), std::runtime_error);
  bool posted = false;
  std::thread other(
      [poster = loop.doist().poster(), &posted] { poster.post([&] { posted = true; }); });
  EXPECT_TRUE(loop.until([&] { return posted; }, 10s));
  other.join();
}

TEST(Loop, ClientsMayBeDestroyedBeforeItAndItBeforeThem) {
  test::RawListener listener;
  std::optional<Client> after;
  after.emplace(core::tcp::ClientOptions{.port = listener.port()});
  {
    Loop loop;
    Client before({.port = listener.port()});
    Server server({.host = "127.0.0.1", .port = 0});
    loop.add(server);
    loop.add(*after);
    loop.add(before);
    EXPECT_TRUE(loop.until([&] { return before.connected() && after->connected(); }, 10s));
  }
  EXPECT_TRUE(after->connected());
  after.reset();
}

// A11
TEST(Echo, SendsWhatFitsWhenMoreIsReceivedThanMayWait) {
  Loop loop;
  Server server({.host = "127.0.0.1",
                 .port = 0,
                 .limits = {.rxHigh = 100'000, .txLimit = 1'000, .rxBudget = 100'000}});
  auto echo = std::make_shared<EchoServerDoer>(
      server, core::tcp::LinkDoerOptions{.poller = &loop.poller()});
  loop.doist().extend({echo});
  Client client({.timeout = 5s, .port = server.eha().port});
  loop.add(client);
  const std::string sent(500'000, 'x');
  client.tx(sent);
  EXPECT_TRUE(loop.until([&] { return client.rxbs().size() == sent.size(); }, 20s));
  loop.doist().remove({echo});
}

}  // namespace
}  // namespace hio
