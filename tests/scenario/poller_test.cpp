// The kernel's poller: what it tells, what it cannot do, and its one call for other threads.
#include "hio/net/poller.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "hio/core/tcp.hpp"
#include "support/descriptor_of.hpp"
#include "support/loopback.hpp"

namespace hio::net {
namespace {

using namespace std::chrono_literals;

struct Told final : ReadinessHandler {
  int times = 0;
  Readiness last{};
  void ready(Readiness readiness) noexcept override {
    ++times;
    last = readiness;
  }
};

// Plain descriptors, edge by edge.
TEST(Poller, TellsOfPlainDescriptors) {
  Told told;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const auto poller = systemPoller();
  {
    std::error_code code;
    const Registration watch = poller->watch(ends[0], told, code);
    ASSERT_FALSE(code);
    EXPECT_EQ(poller->wait(0s).count(), 0U);
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    EXPECT_EQ(poller->wait(1s).count(), 1U);
    EXPECT_TRUE(told.last.readable);
    EXPECT_EQ(poller->wait(0s).count(), 0U);  // once for each change
    ::close(ends[1]);
    EXPECT_EQ(poller->wait(1s).count(), 1U);
    EXPECT_TRUE(told.last.ending);
  }
  EXPECT_EQ(poller->wait(0s).count(), 0U);
  EXPECT_EQ(told.times, 2);
  ::close(ends[0]);
}

// As a loop has it whose deadline has passed.
TEST(Poller, WaitsNotAtAllForATimeThatHasPassed) {
  for (const base::Tyme spin : {base::Tyme(0), base::Tyme(50us)}) {
    const auto poller = systemPoller({.spin = spin});
    const IoResult told = poller->wait(-5ms);
    EXPECT_TRUE(told.isDone());
    EXPECT_EQ(told.count(), 0U);
  }
}

// So that it does not spin for what comes anyway.
TEST(Poller, HearsOfWhatComesInBulk) {
  struct Listening final : Poller {
    std::unique_ptr<Poller> kernels = systemPoller();
    int bulks = 0;
    Registration watch(int fd, ReadinessHandler& watcher, std::error_code& code) override {
      return kernels->watch(fd, watcher, code);
    }
    IoResult wait(std::optional<base::Tyme> atMost) override { return kernels->wait(atMost); }
    void wake() noexcept override { kernels->wake(); }
    void bulk() noexcept override { ++bulks; }
    void forget(std::uint64_t, int) noexcept override {}
  };
  Listening poller;
  test::RawListener listener;
  core::tcp::Client client({.port = listener.port()});
  client.attach(&poller);
  client.open();
  while (!client.connected()) {
    client.service();
    (void)poller.wait(10ms);
  }
  test::RawPeer peer(listener.accept());
  const auto receive = [&](std::size_t count) {
    peer.send(std::string(count, 'x'));
    while (client.rxbs().size() < count) {
      (void)poller.wait(10ms);
      client.serviceReceives();
    }
    client.clearRxbs();
  };
  for (int message = 0; message < 10; ++message) receive(1000);
  EXPECT_EQ(poller.bulks, 0);
  for (int piece = 0; piece < 10; ++piece) receive(60'000);
  EXPECT_GT(poller.bulks, 0);
}

TEST(Poller, SaysWhatItCannotWatch) {
  Told told;
  const auto poller = systemPoller();
  std::error_code code;
  EXPECT_FALSE(poller->watch(-1, told, code));
  EXPECT_EQ(code, std::errc::bad_file_descriptor);
}

// A descriptor that lives on elsewhere reaches nobody once its watch has ended.
TEST(Poller, ForgetsADescriptorThatWasClosedButLivesOn) {
  Told told;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const int copy = ::dup(ends[0]);
  const auto poller = systemPoller();
  std::error_code code;
  Registration watch = poller->watch(ends[0], told, code);
  watch.resetClosing();
  ::close(ends[0]);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_EQ(poller->wait(0s).count(), 0U);
  EXPECT_EQ(told.times, 0);
  ::close(copy);
  ::close(ends[1]);
}

// What a process without a descriptor left is told.
TEST(Poller, SaysWhyThereIsNone) {
  const test::DescriptorShortage none;
  std::error_code code;
  std::string what;
  try {
    (void)systemPoller();
  } catch (const std::system_error& error) {
    code = error.code();
    what = error.what();
  }
  EXPECT_EQ(code, std::errc::too_many_files_open);
  EXPECT_EQ(what, "make a poller: Too many open files");
}

TEST(Poller, FailsToWaitWhenItsDescriptorIsGone) {
  const int first = ::dup(0);  // what the poller's own descriptor is going to be
  ::close(first);
  const auto poller = systemPoller();
  ASSERT_NE(::fcntl(first, F_GETFD), -1);
  const int spare = ::dup(0);
  ASSERT_EQ(::dup3(spare, first, O_CLOEXEC), first);
  EXPECT_EQ(poller->wait(0s).code(), std::errc::invalid_argument);
  ::close(spare);
}

// Whatever is written before a wake() is seen by the waiting thread after its wait.
TEST(Poller, LosesNoWakeOfManyThreads) {
  constexpr int Threads = 4;
  constexpr int Each = 5'000;
  const auto poller = systemPoller();
  std::atomic<int> done = 0;
  std::array<int, Threads> counts{};
  std::vector<std::thread> threads;
  for (int& count : counts) {
    threads.emplace_back([&] {
      for (int i = 0; i < Each; ++i) {
        ++count;
        done.fetch_add(1, std::memory_order_relaxed);
        poller->wake();
      }
    });
  }
  // A wake that is lost makes this wait for ever: the test's time limit ends it.
  while (done.load(std::memory_order_relaxed) < Threads * Each) {
    ASSERT_FALSE(poller->wait(std::nullopt).isError());
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : counts) EXPECT_EQ(count, Each);
}

// Refuses to watch anything, as a kernel without memory, or a user past max_user_watches.
class FullPoller final : public Poller {
 public:
  Registration watch(int /*fd*/, ReadinessHandler& /*watcher*/, std::error_code& code) override {
    code = std::make_error_code(std::errc::no_space_on_device);
    return {};
  }
  IoResult wait(std::optional<base::Tyme> /*atMost*/) override { return IoResult::done(); }
  void wake() noexcept override {}

 private:
  void forget(std::uint64_t /*handle*/, int /*fd*/) noexcept override {}
};

TEST(Poller, ThatIsFullFailsTheConnectionAndSaysSo) {
  test::RawListener listener;
  FullPoller full;
  core::tcp::Client client({.port = listener.port()});
  client.attach(&full);
  for (int i = 0; i < 10 && !client.failure(); ++i) client.service();
  ASSERT_TRUE(client.failure());
  EXPECT_EQ(client.failure()->code(), std::errc::no_space_on_device);
  EXPECT_FALSE(client.connected());
}

// The descriptor of a connected client is closed by somebody else: the next call tells.
TEST(Poller, ADescriptorClosedBehindAClientIsAFailureOfIt) {
  test::RawListener listener;
  const auto poller = systemPoller();
  core::tcp::Client client({.port = listener.port()});
  client.attach(poller.get());
  ASSERT_TRUE(test::turnUntil([&] { return client.connected(); },
                              [&] { client.service(), (void)poller->wait(1ms); }));
  // Something else has the number, so that closing the client does no harm to others.
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup3(null, test::descriptorOf(client), O_CLOEXEC), test::descriptorOf(client));
  client.tx("hello");
  ASSERT_TRUE(test::turnUntil([&] { return client.failure() != nullptr; },
                              [&] { client.service(), (void)poller->wait(1ms); }));
  EXPECT_EQ(client.failure()->code(), std::errc::not_a_socket);
  EXPECT_TRUE(client.cutoff());
  EXPECT_EQ(client.txbs().text(), "hello");
  client.close();
  ::close(null);
}

}  // namespace
}  // namespace hio::net
