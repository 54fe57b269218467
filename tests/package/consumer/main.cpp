// What a user's first program looks like.
#include <hio/core/tcp.hpp>
#include <hio/sim.hpp>

#include <cstdio>

int main() {
  hio::core::tcp::Client plain;
  hio::core::tcp::Client client({.host = "127.0.0.1", .port = 56000});
  std::printf("%s:%d\n", client.host().c_str(), client.port());

  // And its test: the simulator is a library of its own.
  hio::base::Tymist tymist;
  hio::sim::World world({.tymth = tymist.tymen()});
  hio::core::tcp::Client simulated({.host = "nowhere", .net = &world.host("here")});
  simulated.serviceConnect();
  return client.port() == 56000 && !plain.opened() && simulated.failure() ? 0 : 1;
}
