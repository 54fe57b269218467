// Two simulated hosts, and a connection between them that a test drives by hand.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "hio/sim.hpp"
#include "support/fake_net.hpp"

namespace hio::test {

struct SimPair : testing::Test {
  base::Tymist tymist;
  sim::World world{{.tymth = tymist.tymen(), .seed = 1}};
  sim::Host& near = world.host("near");
  sim::Host& far = world.host("far");
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<net::Stream> peer;

  void listen(std::uint16_t port = 80) {
    listener = far.listen({.ip = far.addresses().front(), .port = port}, {}).it;
    ASSERT_TRUE(listener);
  }
  std::unique_ptr<net::Stream> open(std::uint16_t port = 80) {
    return near.open({.ip = far.addresses().front(), .port = port}, {}).it;
  }
  void connect() {
    if (!listener) listen();
    stream = open();
    ASSERT_TRUE(stream->connect().isBlocked());
    ASSERT_TRUE(jumpUntil([&] { return stream->connect().isDone(); }));
    ASSERT_TRUE(jumpUntil([&] {
      peer = listener->accept().stream;
      return peer != nullptr;
    }));
  }
  // Goes from event to event; false when nothing is due any more.
  bool jumpUntil(const std::function<bool()>& done) {
    while (!done()) {
      const auto next = world.next();
      if (!next) return done();
      if (*next > tymist.tyme()) tymist.tyme(*next);
      world.service();
    }
    return true;
  }
  void tick(base::Tyme by) {
    tymist.tick(by);
    world.service();
  }
  static net::IoResult send(net::Stream& to, std::string_view text) {
    return to.send(help::bytesOf(text));
  }
  // Everything that has arrived.
  static std::string receive(net::Stream& from) {
    std::string text;
    std::array<std::byte, 4096> room{};
    for (;;) {
      const net::IoResult result = from.receive(room);
      if (!result.isDone()) return text;
      text += help::textOf(std::span(room).first(result.count()));
    }
  }
  static net::IoResult receiveOnce(net::Stream& from) {
    std::array<std::byte, 64> room{};
    return from.receive(room);
  }
};

}  // namespace hio::test
