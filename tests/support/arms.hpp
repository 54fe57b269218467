// The two networks that one test body runs on: the simulated one and the kernel's loopback.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

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
  virtual net::Ip farIp(net::Family family = net::Family::v4) const = 0;
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

// The far end of a connection, driven by hand.
class Peer {
 public:
  Peer(Arm& arm, std::unique_ptr<net::Stream> stream) : arm_(arm), stream_(std::move(stream)) {}

  // Takes what is there now; true at the end of the stream.
  bool take();
  const std::string& taken() const { return taken_; }
  // Turns until all is sent, so many bytes are taken, or the end has come; false after far too
  // long.
  bool send(std::string_view text);
  bool takes(std::size_t count);
  bool takesAll();
  void shutdownSend() { (void)stream_->shutdown(net::Direction::send); }
  void close() { stream_.reset(); }
  void reset() { arm_.reset(std::move(stream_)); }

 private:
  Arm& arm_;
  std::unique_ptr<net::Stream> stream_;
  std::string taken_;
};

// For GoogleTest's names.
std::ostream& operator<<(std::ostream& out, ArmKind kind);

}  // namespace hio::test
