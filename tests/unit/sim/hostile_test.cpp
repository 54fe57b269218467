// Clients that mean a TLS server harm, in their hundreds.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "support/driven_tls.hpp"

namespace hio::sim {
namespace {

using namespace std::chrono_literals;
using namespace core::tcp;

constexpr std::size_t MostHandshakes = 16;

struct Hostile : testing::Test {
  Testbed bed{{"mob", "honest", "server"}};
  tool::Authority authority{"root"};
  ServerTls server{{.port = 443, .tymth = bed.tymth(), .net = &bed["server"]}, options()};
  std::deque<Client> mob;
  ClientTls honest{{.timeout = 1h,
                    .host = "server",
                    .port = 443,
                    .reconnectable = true,
                    .tymth = bed.tymth(),
                    .net = &bed["honest"]},
                   test::clientTls(authority)};
  std::size_t mostSeen = 0;

  ServerTlsOptions options() const {
    auto tls = test::serverTls(authority.issue({"server"}));
    tls.handshakeTimeout = 10s;
    tls.maxHandshakes = MostHandshakes;
    return tls;
  }
  // Their connections come first.
  void come(std::size_t count) {
    ASSERT_TRUE(server.open());
    for (std::size_t i = 0; i < count; ++i) {
      mob.emplace_back(ClientOptions{.host = "server",
                                     .port = 443,
                                     .reconnectable = true,
                                     .tymth = bed.tymth(),
                                     .net = &bed["mob"]});
      mob.back().service();
      bed.add(mob.back());
    }
    bed.add(server, honest);
    bed.add([&] { mostSeen = std::max(mostSeen, server.cxes()); });
  }
};

TEST_F(Hostile, SilentClientsGiveWayToAnHonestOne) {
  come(100);
  ASSERT_EQ(bed.run([&] { return honest.connected(); }), Outcome::done);
  EXPECT_EQ(mostSeen, MostHandshakes);
  // Seven lots of sixteen, and then it was its turn.
  EXPECT_LE(bed.tyme(), 2s);
  EXPECT_GE(server.refused(), 100U - MostHandshakes);
}

// Counts what is asked of the streams that it accepts.
class CountingNet final : public net::Net {
 public:
  explicit CountingNet(net::Net& below) : below_(below) {}
  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override {
    return below_.open(peer, options);
  }
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override {
    auto made = below_.listen(local, options);
    if (!made.it) return made;
    return {std::make_unique<Ears>(std::move(made.it), calls), {}};
  }
  net::Resolver& resolver() override { return below_.resolver(); }
  std::uint64_t seed() override { return below_.seed(); }

  std::size_t calls = 0;

 private:
  class Wire final : public net::Stream {
   public:
    Wire(std::unique_ptr<net::Stream> below, std::size_t& calls)
        : below_(std::move(below)), calls_(calls) {}
    net::IoResult connect() override { return ++calls_, below_->connect(); }
    net::IoResult receive(std::span<std::byte> room) override {
      return ++calls_, below_->receive(room);
    }
    net::IoResult send(std::span<const std::byte> bytes) override { return below_->send(bytes); }
    net::IoResult send(std::span<const std::span<const std::byte>> pieces) override {
      return below_->send(pieces);
    }
    net::IoResult shutdown(net::Direction direction) override {
      return below_->shutdown(direction);
    }
    net::Endpoint local() const override { return below_->local(); }
    net::Endpoint peer() const override { return below_->peer(); }
    net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
    int fd() const override { return below_->fd(); }
    net::Pending pending() const noexcept override { return below_->pending(); }
    bool sendable() const noexcept override { return below_->sendable(); }
    bool attach(net::Poller* poller, base::Waker waker) override {
      return below_->attach(poller, std::move(waker));
    }

   private:
    std::unique_ptr<net::Stream> below_;
    std::size_t& calls_;
  };
  class Ears final : public net::Listener {
   public:
    Ears(std::unique_ptr<net::Listener> below, std::size_t& calls)
        : below_(std::move(below)), calls_(calls) {}
    Accepted accept() override {
      auto accepted = below_->accept();
      if (accepted.stream) {
        accepted.stream = std::make_unique<Wire>(std::move(accepted.stream), calls_);
      }
      return accepted;
    }
    net::Endpoint local() const override { return below_->local(); }
    net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
    int fd() const override { return below_->fd(); }
    bool attach(net::Poller* poller, base::Waker waker) override {
      return below_->attach(poller, std::move(waker));
    }

   private:
    std::unique_ptr<net::Listener> below_;
    std::size_t& calls_;
  };

  net::Net& below_;
};

// With a poller only those are asked that have sent something, or whose time is over.
TEST_F(Hostile, SilentHandshakesCostAnIdleServiceNothing) {
  CountingNet counting(bed["server"]);
  ServerTls driven({.port = 444, .tymth = bed.tymth(), .net = &counting}, options());
  driven.attach(&bed.world().poller());
  ASSERT_TRUE(driven.open());
  for (std::size_t i = 0; i < MostHandshakes; ++i) {
    mob.emplace_back(
        ClientOptions{.host = "server", .port = 444, .tymth = bed.tymth(), .net = &bed["mob"]});
    bed.add(mob.back());
  }
  bed.add(driven);
  bed.pass(1s);
  ASSERT_EQ(driven.cxes(), MostHandshakes);
  counting.calls = 0;
  for (int visits = 0; visits < 10; ++visits) driven.service();
  EXPECT_EQ(counting.calls, 0U);
  EXPECT_GT(*driven.deadline(), bed.tyme() + 5s);
}

// A byte now and then is no progress that buys time.
TEST_F(Hostile, AHandshakeThatDripsInEndsAtItsDeadline) {
  come(MostHandshakes);
  // A record that promises 16,000 bytes of a handshake message.
  const std::string hello("\x16\x03\x01\x3e\x80\x01\x00\x3e\x7c\x03\x03", 11);
  std::size_t sent = 0;
  for (base::Tyme now{0}; now < 10s; now += 1s, ++sent) {
    for (Client& each : mob) each.tx(hello.substr(sent, 1));
    bed.pass(1s);
  }
  ASSERT_EQ(bed.run([&] { return honest.connected(); }), Outcome::done);
  EXPECT_LE(bed.tyme(), 12s);
  EXPECT_EQ(server.refusal()->code(), std::errc::timed_out);
}

TEST_F(Hostile, JunkIsDroppedAtOnce) {
  come(100);
  for (Client& each : mob) each.tx("GET / HTTP/1.1\r\n\r\n");
  ASSERT_EQ(bed.run([&] { return honest.connected() && server.refused() >= 100; }), Outcome::done);
  EXPECT_LE(bed.tyme(), 10s);
  EXPECT_LE(mostSeen, MostHandshakes);
}

}  // namespace
}  // namespace hio::sim
