// The two networks that one test body runs on: the simulated one and the kernel's loopback.
#pragma once

#include <functional>
#include <memory>
#include <ostream>

#include "hio/sim.hpp"

namespace hio::test {

enum class ArmKind { simulator, loopback };

class Arm {
 public:
  virtual ~Arm() = default;
  Arm(const Arm&) = delete;
  Arm& operator=(const Arm&) = delete;

  // Where the programs under test run, and where their peers do.
  virtual net::Net& near() = 0;
  virtual net::Net& far() = 0;
  // An address of far() that near() reaches.
  virtual net::Ip farIp() const = 0;
  // Lets the network work for a moment, and time go on.
  virtual void turn() = 0;
  // Destroys the stream in such a way that its peer sees a reset.
  virtual void reset(std::unique_ptr<net::Stream> stream) = 0;

  base::Tymist tymist{base::Tyme(0), std::chrono::milliseconds(1)};

  // Turns until done; false when it takes far too long.
  bool turnUntil(
      const std::function<bool()>& done, const std::function<void()>& step = [] {});

 protected:
  Arm() = default;
};

std::unique_ptr<Arm> makeArm(ArmKind kind);

// For GoogleTest's names.
std::ostream& operator<<(std::ostream& out, ArmKind kind);

}  // namespace hio::test
