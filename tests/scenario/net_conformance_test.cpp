// The simulated network against the kernel's: each case is played on both, what every call came to
// is written down, and the two records are the same.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "support/arms.hpp"

namespace hio::test {
namespace {

using net::Direction;
using net::Endpoint;
using net::IoResult;
using net::Listener;
using net::Stream;

std::string textOf(const IoResult& result) {
  switch (result.kind()) {
    case IoResult::Kind::done:
      return "done " + std::to_string(result.count());
    case IoResult::Kind::blocked:
      return result.on() == IoResult::On::read ? "blocked on read" : "blocked on write";
    case IoResult::Kind::ended:
      return "ended";
    case IoResult::Kind::lost:
      return "lost " + std::to_string(result.code().value());
    case IoResult::Kind::failed:
      break;
  }
  return "failed " + std::to_string(result.code().value());
}

// One case on one network.
class Play {
 public:
  explicit Play(ArmKind kind) : arm_(makeArm(kind)) {}

  Arm& arm() { return *arm_; }
  const std::vector<std::string>& record() const { return record_; }
  void note(const std::string& what, const std::string& came) {
    record_.push_back(what + ": " + came);
  }
  // Time for what is on its way.
  void settle() {
    for (int i = 0; i < 3; ++i) arm_->turn();
  }

  void listen(int backlog = 8) {
    listener = arm_->far().listen({.ip = arm_->farIp()}, {.backlog = backlog}).it;
    ASSERT_TRUE(listener);
    target = listener->local();
  }
  std::unique_ptr<Stream> open() { return arm_->near().open(target, {}).it; }
  void connect(Stream& stream, const std::string& who = "connect") {
    note(who, textOf(stream.connect()));
    settle();
    note(who + " again", textOf(stream.connect()));
  }
  std::unique_ptr<Stream> accept() {
    settle();
    auto accepted = listener->accept();
    note("accept", textOf(accepted.result));
    return std::move(accepted.stream);
  }
  // A listener, and a connection through it.
  void pair() {
    listen();
    near = open();
    connect(*near);
    far = accept();
    ASSERT_TRUE(far);
  }
  void send(Stream& stream, std::string_view text, const std::string& who) {
    note(who + " sends", textOf(stream.send(help::bytesOf(text))));
    settle();
  }
  void receive(Stream& stream, const std::string& who) {
    std::array<std::byte, 64> room{};
    const IoResult result = stream.receive(room);
    note(who + " receives",
         textOf(result) + ' ' + std::string(help::textOf(std::span(room).first(result.count()))));
  }
  void shutdown(Stream& stream, Direction direction, const std::string& who) {
    note(who + " shuts down", textOf(stream.shutdown(direction)));
    settle();
  }
  void closeFar() {
    far.reset();
    settle();
  }

  // What it made must go before the network does.
 private:
  std::unique_ptr<Arm> arm_;
  std::vector<std::string> record_;

 public:
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
  Endpoint target{};
};

void onBoth(const std::function<void(Play&)>& play) {
  Play simulated(ArmKind::simulator);
  Play real(ArmKind::loopback);
  play(simulated);
  play(real);
  EXPECT_EQ(simulated.record(), real.record());
  EXPECT_GE(real.record().size(), 2U);
}

TEST(NetConformance, ConnectingAndAccepting) {
  onBoth([](Play& play) {
    play.listen();
    play.note("accept", textOf(play.listener->accept().result));
    auto stream = play.open();
    play.note("knows no end", stream->local() == Endpoint{} ? "yes" : "no");
    play.connect(*stream);
    play.note("knows its peer", stream->peer() == play.target ? "yes" : "no");
    const auto far = play.accept();
    play.note("the ends agree",
              far->peer() == stream->local() && far->local() == stream->peer() ? "yes" : "no");
    play.note("accepted is connected", textOf(far->connect()));
    play.note("nothing into no room", textOf(stream->receive({})));
    play.note("send nothing", textOf(stream->send(std::span<const std::byte>())));
    play.receive(*stream, "near");
    play.note("accept", textOf(play.listener->accept().result));
  });
}

TEST(NetConformance, Refused) {
  onBoth([](Play& play) {
    play.listen();
    play.listener.reset();
    auto stream = play.open();
    play.connect(*stream);
    play.note("once more", textOf(stream->connect()));
    play.receive(*stream, "near");
    play.send(*stream, "x", "near");
    play.shutdown(*stream, Direction::both, "near");
    play.target.port = 0;
    auto toNothing = play.open();
    play.connect(*toNothing, "to port 0");
  });
}

TEST(NetConformance, BeforeConnecting) {
  onBoth([](Play& play) {
    play.listen();
    auto one = play.open();
    play.receive(*one, "near");
    play.receive(*one, "near");
    play.note("connect", textOf(one->connect()));
    auto two = play.open();
    play.send(*two, "x", "near");
    auto three = play.open();
    play.shutdown(*three, Direction::send, "near");
    auto four = play.open();
    play.note("connect", textOf(four->connect()));
    play.settle();
    play.send(*four, "early", "near");
    play.receive(*four, "near");
    play.note("connect", textOf(four->connect()));
  });
}

TEST(NetConformance, ListeningTwice) {
  onBoth([](Play& play) {
    play.listen();
    const auto listen = [&play](const Endpoint& at) {
      const auto made = play.arm().far().listen(at, {});
      play.note("listen", made.it ? "listens" : std::to_string(made.code.value()));
    };
    listen(play.target);
    listen({.ip = {}, .port = play.target.port});
    listen({.ip = {.octets = {192, 0, 2, 77}}});
    listen({.ip = {}});
    play.listener.reset();
    listen(play.target);
  });
}

TEST(NetConformance, AnyAddressIsThisMachine) {
  onBoth([](Play& play) {
    auto listener = play.arm().near().listen({}, {}).it;
    play.target = {.ip = {}, .port = listener->local().port};
    auto stream = play.open();
    play.connect(*stream);
    const net::Ip home{.octets = {127, 0, 0, 1}};
    play.note("at home", stream->peer().ip == home && stream->local().ip == home ? "yes" : "no");
  });
}

TEST(NetConformance, AListenerOnAllIpv6AddressesTakesIpv4) {
  onBoth([](Play& play) {
    auto listener = play.arm().near().listen({.ip = {.family = net::Family::v6}}, {}).it;
    if (!listener) return;
    const std::uint16_t port = listener->local().port;
    const auto clash = play.arm().near().listen({.ip = {}, .port = port}, {});
    play.note("listen on 0.0.0.0 too", std::to_string(clash.code.value()));
    play.target = {.ip = {.octets = {127, 0, 0, 1}}, .port = port};
    auto stream = play.open();
    play.connect(*stream);
    play.settle();
    const auto far = listener->accept().stream;
    play.note("local", far->local().ip.text());
    play.note("peer", far->peer().ip.text());
  });
}

TEST(NetConformance, CleanEnd) {
  onBoth([](Play& play) {
    play.pair();
    play.send(*play.far, "last", "far");
    play.closeFar();
    for (int i = 0; i < 3; ++i) play.receive(*play.near, "near");
    for (int i = 0; i < 3; ++i) play.send(*play.near, "x", "near");
    play.receive(*play.near, "near");
    play.shutdown(*play.near, Direction::both, "near");
  });
}

TEST(NetConformance, SendingToOneThatClosedBeforeReading) {
  onBoth([](Play& play) {
    play.pair();
    play.send(*play.far, "last", "far");
    play.closeFar();
    play.send(*play.near, "x", "near");
    for (int i = 0; i < 3; ++i) play.receive(*play.near, "near");
    play.send(*play.near, "x", "near");
    play.receive(*play.near, "near");
  });
}

TEST(NetConformance, ClosedWithOurBytesUnread) {
  for (const bool sendsFirst : {false, true}) {
    onBoth([sendsFirst](Play& play) {
      play.pair();
      play.send(*play.near, "unread", "near");
      play.closeFar();
      if (sendsFirst) play.send(*play.near, "x", "near");
      for (int i = 0; i < 3; ++i) play.receive(*play.near, "near");
      for (int i = 0; i < 2; ++i) play.send(*play.near, "x", "near");
      play.shutdown(*play.near, Direction::send, "near");
    });
  }
}

TEST(NetConformance, ShutDownAndClosedWithOurBytesUnread) {
  onBoth([](Play& play) {
    play.pair();
    play.send(*play.far, "last", "far");
    play.send(*play.near, "unread", "near");
    play.shutdown(*play.far, Direction::both, "far");
    play.closeFar();
    for (int i = 0; i < 3; ++i) play.receive(*play.near, "near");
    for (int i = 0; i < 2; ++i) play.send(*play.near, "x", "near");
  });
}

TEST(NetConformance, DataThenReset) {
  for (const bool sendsFirst : {false, true}) {
    onBoth([sendsFirst](Play& play) {
      play.pair();
      play.send(*play.far, "last words", "far");
      play.arm().reset(std::move(play.far));
      play.settle();
      if (sendsFirst) play.send(*play.near, "x", "near");
      for (int i = 0; i < 3; ++i) play.receive(*play.near, "near");
      for (int i = 0; i < 2; ++i) play.send(*play.near, "x", "near");
    });
  }
}

TEST(NetConformance, HalfClosedHere) {
  for (const bool triesToSend : {false, true}) {
    onBoth([triesToSend](Play& play) {
      play.pair();
      play.send(*play.near, "question", "near");
      play.shutdown(*play.near, Direction::send, "near");
      if (triesToSend) play.send(*play.near, "x", "near");
      play.receive(*play.near, "near");
      for (int i = 0; i < 3; ++i) play.receive(*play.far, "far");
      play.send(*play.far, "answer", "far");
      play.receive(*play.near, "near");
      play.closeFar();
      play.receive(*play.near, "near");
      play.shutdown(*play.near, Direction::send, "near");
    });
  }
}

TEST(NetConformance, ReceivingShutDownHere) {
  onBoth([](Play& play) {
    play.pair();
    play.send(*play.far, "one", "far");
    play.shutdown(*play.near, Direction::receive, "near");
    for (int i = 0; i < 2; ++i) play.receive(*play.near, "near");
    play.send(*play.far, "two", "far");
    for (int i = 0; i < 2; ++i) play.receive(*play.near, "near");
    play.send(*play.near, "x", "near");
    play.receive(*play.far, "far");
  });
}

TEST(NetConformance, BothShutDownHere) {
  onBoth([](Play& play) {
    play.pair();
    play.shutdown(*play.near, Direction::both, "near");
    play.receive(*play.near, "near");
    play.receive(*play.far, "far");
    for (int i = 0; i < 3; ++i) play.send(*play.far, "x", "far");
    play.receive(*play.far, "far");
    play.receive(*play.near, "near");
    play.send(*play.near, "x", "near");
  });
}

TEST(NetConformance, AListenerThatClosesResetsThoseWhoWait) {
  onBoth([](Play& play) {
    play.listen();
    auto one = play.open();
    play.connect(*one);
    auto two = play.open();
    play.note("connect", textOf(two->connect()));
    play.settle();
    play.listener.reset();
    play.settle();
    play.receive(*one, "one");
    play.receive(*one, "one");
    play.note("connect", textOf(two->connect()));
    play.receive(*two, "two");
  });
}

TEST(NetConformance, AFullQueueLeavesOthersWaiting) {
  onBoth([](Play& play) {
    play.listen(1);
    std::vector<std::unique_ptr<Stream>> streams;
    for (int i = 0; i < 3; ++i) {
      streams.push_back(play.open());
      play.connect(*streams.back());
    }
    (void)play.accept();
    (void)play.accept();
    (void)play.accept();
  });
}

TEST(NetConformance, GivenUpBeforeItWasAccepted) {
  for (const bool byReset : {false, true}) {
    onBoth([byReset](Play& play) {
      play.listen();
      auto stream = play.open();
      play.connect(*stream);
      if (byReset) {
        play.arm().reset(std::move(stream));
      } else {
        stream.reset();
      }
      const auto far = play.accept();
      if (!far) return;
      for (int i = 0; i < 2; ++i) play.receive(*far, "far");
      for (int i = 0; i < 2; ++i) play.send(*far, "x", "far");
    });
  }
}

TEST(NetConformance, AFullPipeBlocksAndOpensAgain) {
  onBoth([](Play& play) {
    play.pair();
    const std::string megabyte(1U << 20U, 'x');
    IoResult result = IoResult::done();
    std::size_t sent = 0;
    std::size_t received = 0;
    while ((result = play.near->send(help::bytesOf(megabyte))).isDone()) sent += result.count();
    play.note("full", textOf(result));
    std::vector<std::byte> room(1U << 20U);
    EXPECT_TRUE(play.arm().turnUntil([&] { return received == sent; },
                                     [&] {
                                       const IoResult some = play.far->receive(room);
                                       received += some.count();
                                     }));
    play.receive(*play.far, "far");
    play.send(*play.near, "more", "near");
    play.receive(*play.far, "far");
  });
}

}  // namespace
}  // namespace hio::test
