#include "support/arms.hpp"

#include <poll.h>
#include <sys/socket.h>

#include "support/loopback.hpp"

namespace hio::test {
namespace {

class LoopbackArm final : public Arm {
 public:
  net::Net& near() override { return net::systemNet(); }
  net::Net& far() override { return net::systemNet(); }
  net::Ip farIp() const override { return {.octets = {127, 0, 0, 1}}; }
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
  net::Ip farIp() const override { return far_.addresses().front(); }
  void turn() override {
    tymist.tick();
    world_.service();
  }
  void reset(std::unique_ptr<net::Stream> stream) override {
    const auto rule = world_.add(sim::Rule([](const sim::Call&) {
      return std::optional(sim::CallFate{.ending = sim::Ending::reset});
    }));
    (void)stream->shutdown(net::Direction::both);
  }

 private:
  sim::World world_{{.tymth = tymist.tymen()}};
  sim::Host& near_ = world_.host("near");
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

std::ostream& operator<<(std::ostream& out, ArmKind kind) {
  return out << (kind == ArmKind::simulator ? "simulator" : "loopback");
}

}  // namespace hio::test
