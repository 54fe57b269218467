// What a driven client asks of the kernel, counted by strace.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"
#include "support/process.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;

constexpr const char* Port = "HIO_TEST_PORT";  // set: this is the process that is traced
constexpr const char* Count = "HIO_TEST_COUNT";

class PingDoer final : public ClientDoer {
 public:
  PingDoer(Client& client, net::Poller& poller, int count)
      : ClientDoer(client, {.poller = &poller}), left_(count) {}

 private:
  bool recur(base::Tyme tyme) override {
    ClientDoer::recur(tyme);
    if (!client().connected()) return false;
    if (client().rxbs().text() == "pong") {
      client().clearRxbs();
      waiting_ = false;
      if (--left_ == 0) return true;
    }
    if (!waiting_) {
      waiting_ = client().tx("ping");
      client().serviceSends();
    }
    return false;
  }

  int left_;
  bool waiting_ = false;
};

void pingPongs() {
  Client client({.port = std::atoi(std::getenv(Port))});
  const auto poller = net::systemPoller({.spin = 0s});
  net::PollerPacer pacer(*poller);
  base::Doist doist({.limit = 60s, .pacer = &pacer});
  const auto doer = std::make_shared<PingDoer>(client, *poller, std::atoi(std::getenv(Count)));
  doist.run({.doers = base::Doers{doer}});
  EXPECT_TRUE(doist.done());
}

// All that a process of `count` ping-pongs does; the pong comes when the client has gone to sleep.
int systemCalls(int count) {
  const test::TemporaryFolder folder;
  const std::string trace = (folder.path() / "trace").string();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const test::RawListener listener;
  test::Process traced(
      {"strace", "-qq", "-o", trace, "-E", Port + ("=" + std::to_string(listener.port())), "-E",
       Count + ("=" + std::to_string(count)), "-E", "ASAN_OPTIONS=detect_leaks=0", self,
       "--gtest_filter=SystemCalls.*"},
      folder.path() / "log");
  {
    const test::RawPeer peer(listener.accept());
    for (int at = 0; at < count; ++at) {
      EXPECT_EQ(peer.receive(4), "ping");
      std::this_thread::sleep_for(1ms);
      peer.send("pong");
    }
    EXPECT_EQ(peer.receiveAll(), "");
  }
  EXPECT_TRUE(test::turnUntil([&] { return !traced.running(); }, [] {}));
  std::ifstream file(trace);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) continue;
  return lines;
}

TEST(SystemCalls, ThreeForEachPingPong) {
  if (std::getenv(Port) != nullptr) return pingPongs();
  constexpr int Few = 100;
  constexpr int More = 400;
  // What starting and ending take is in both.
  EXPECT_LE(systemCalls(More) - systemCalls(Few), 3 * (More - Few) + 5);
}

}  // namespace
}  // namespace hio::core::tcp
