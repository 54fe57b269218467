#include "support/arms.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "hio/help/bytearray.hpp"
#include "support/loopback.hpp"

namespace hio::test {
namespace {

class LoopbackArm final : public Arm {
 public:
  net::Net& near() override { return net::systemNet(); }
  net::Net& far() override { return net::systemNet(); }
  net::Ip farIp(net::Family family) const override {
    net::Ip ip{.family = family};
    if (family == net::Family::v4) ip.octets[0] = 127;
    ip.octets[family == net::Family::v4 ? 3 : 15] = 1;
    return ip;
  }
  void turn() override {
    ::poll(nullptr, 0, 1);
    tymist.tick();
  }
  void reset(std::unique_ptr<net::Stream> stream) override {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(stream->fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }
};

class SimArm final : public Arm {
 public:
  net::Net& near() override { return near_; }
  net::Net& far() override { return far_; }
  net::Ip farIp(net::Family family) const override {
    return far_.addresses().at(family == net::Family::v4 ? 0 : 1);
  }
  void turn() override {
    tymist.tick();
    world_.service();
  }
  void reset(std::unique_ptr<net::Stream> stream) override {
    const auto rule = world_.add(sim::Rule([](const sim::Call&) {
      return std::optional(sim::CallVerdict{.ending = sim::Ending::reset});
    }));
    (void)stream->shutdown(net::Direction::both);
  }

 private:
  sim::World world_{{.tymth = tymist.tymen()}};
  sim::Host& near_ = world_.host("near", {"10.0.0.1", "fd00::1"});
  sim::Host& far_ = world_.host("far", {"10.0.0.2", "fd00::2"});
};

}  // namespace

bool Arm::turnUntil(const std::function<bool()>& done, const std::function<void()>& step) {
  return test::turnUntil(done, [&] {
    step();
    turn();
  });
}

std::unique_ptr<Arm> makeArm(ArmKind kind) {
  if (kind == ArmKind::simulator) return std::make_unique<SimArm>();
  return std::make_unique<LoopbackArm>();
}

bool Peer::take() {
  std::array<std::byte, 65536> room{};
  for (;;) {
    const net::IoResult result = stream_->receive(room);
    if (!result.isDone()) return !result.isBlocked();
    taken_ += help::textOf(std::span(room).first(result.count()));
  }
}

bool Peer::send(std::string_view text) {
  return arm_.turnUntil([&] {
    while (!text.empty()) {
      const net::IoResult result = stream_->send(help::bytesOf(text));
      if (!result.isDone()) return false;
      text.remove_prefix(result.count());
    }
    return true;
  });
}

bool Peer::takes(std::size_t count) {
  return arm_.turnUntil([&] { return take() || taken_.size() >= count; });
}

bool Peer::takesAll() {
  return arm_.turnUntil([&] { return take(); });
}

std::ostream& operator<<(std::ostream& out, ArmKind kind) {
  return out << (kind == ArmKind::simulator ? "simulator" : "loopback");
}

}  // namespace hio::test
