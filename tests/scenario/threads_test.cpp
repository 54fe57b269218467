// What several threads may share: posts to a Doist, a poller's wake(), a TlsContext and its
// sessions. ThreadSanitizer runs these, too.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "hio/core/tcp.hpp"
#include "support/driven_tls.hpp"

namespace hio {
namespace {

using namespace std::chrono_literals;
using core::tcp::ClientTls;
using core::tcp::EchoServerDoer;
using core::tcp::Loop;
using core::tcp::ServerTls;

TEST(Threads, PostInTheirOwnOrderAndLoseNothing) {
  constexpr int Threads = 4;
  constexpr int Each = 5'000;
  const auto poller = net::systemPoller();
  net::PollerPacer pacer(*poller);
  base::Doist doist({.pacer = &pacer});
  std::array<int, Threads> counts{};
  int misplaced = 0;
  int ran = 0;
  doist.extend({base::doify([](base::Tyme) { return false; }, {.tock = base::Forever})});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < Threads; ++thread) {
    threads.emplace_back([&, thread, poster = doist.poster()] {
      for (int i = 0; i < Each; ++i) {
        EXPECT_TRUE(poster.post([&, thread, i] {
          if (counts.at(static_cast<std::size_t>(thread))++ != i) ++misplaced;
          if (++ran == Threads * Each) doist.stop();
        }));
      }
    });
  }
  doist.run();  // a wake that is lost makes this wait for ever
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(misplaced, 0);
  for (const int count : counts) EXPECT_EQ(count, Each);
}

// The sleep of a Doist that waits without end is ended by a post.
TEST(Threads, APostEndsAWait) {
  Loop loop;
  std::atomic<bool> stop{false};
  int answers = 0;
  std::thread other([&stop, poster = loop.doist().poster(), &answers] {
    while (!stop.load(std::memory_order_relaxed)) {
      std::atomic<bool> ran{false};
      poster.post([&] {
        ++answers;
        ran.store(true);
        ran.notify_one();
      });
      ran.wait(false);
    }
  });
  EXPECT_TRUE(loop.until([&] { return answers >= 1'000; }, 60s));
  stop = true;
  // The one it may still wait for.
  const int before = answers;
  (void)loop.until([&] { return answers > before; }, 1s);
  other.join();
}

TEST(Threads, APosterOutlivesItsDoist) {
  constexpr int Threads = 4;
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> refused{0};
    std::atomic<int> posted{0};
    std::vector<std::thread> threads;
    {
      const auto poller = net::systemPoller();
      net::PollerPacer pacer(*poller);
      base::Doist doist({.pacer = &pacer});
      doist.enter();
      for (int thread = 0; thread < Threads; ++thread) {
        threads.emplace_back([&, poster = doist.poster()] {
          while (poster.post([kept = std::make_shared<int>(1)] { (void)kept; })) ++posted;
          ++refused;
        });
      }
      while (posted.load() < 100) doist.poll(1ms);
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(refused.load(), Threads);
  }
}

// One context for clients and one for servers, shared by threads of which each has its own Loop.
TEST(Threads, ShareATlsContextItsSessionsAndItsKeyLog) {
  const tool::Authority authority("root");
  const auto own = authority.issue({"localhost"});
  std::mutex mutex;
  std::size_t lines = 0;
  const auto serving = test::serverTls(own);
  net::TlsClientConfig config{.trust = {.ca = {.text = authority.certificate()}}};
  config.protocol.keyLog = [&](std::string_view) {
    const std::lock_guard lock(mutex);
    ++lines;
  };
  const core::tcp::TlsOptions asking{.context = net::TlsContext::client(std::move(config))};
  std::atomic<int> echoes{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      Loop loop;
      ServerTls server({.host = "127.0.0.1", .port = 0}, serving);
      auto echo = std::make_shared<EchoServerDoer>(
          server, core::tcp::LinkDoerOptions{.poller = &loop.poller()});
      loop.doist().extend({echo});
      for (int i = 0; i < 20; ++i) {
        ClientTls client({.timeout = 10s, .host = "localhost", .port = server.eha().port}, asking);
        loop.add(client);
        client.tx("hello");
        if (loop.until([&] { return client.rxbs().text() == "hello"; }, 20s)) ++echoes;
        loop.remove(client);
      }
      loop.doist().remove({echo});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(echoes.load(), 40);
  EXPECT_GT(lines, 0U);
}

}  // namespace
}  // namespace hio
