// A client in a loop of one's own around poll(2): one descriptor, one timeout, one function.
// Usage: loop_poll HOST PORT. Sends a line, prints the line that comes back. The server may come up
// late. Exit code 1: no answer within ten seconds.
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "hio/core/tcp.hpp"

using namespace std::chrono_literals;
using namespace hio;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto poller = net::systemPoller({.spin = 0s});
  core::tcp::Client client(
      {.timeout = 5s, .host = argv[1], .port = std::atoi(argv[2]), .reconnectable = true});
  net::PollerPacer pacer(*poller);
  base::Doist doist({.pacer = &pacer});
  const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
  doist.extend({std::make_shared<core::tcp::ClientDoer>(client, driven)});
  doist.enter();
  client.tx("hello\n");

  while (client.rxbs().text().find('\n') == std::string_view::npos) {
    if (doist.tyme() > 10s) return 1;
    doist.poll();
    // Any other descriptors of the program go here, too.
    pollfd watched{.fd = poller->fd(), .events = POLLIN, .revents = 0};
    const base::Tyme sleep = std::min<base::Tyme>(doist.maxSleep().value_or(1s), 1s);
    ::poll(&watched, 1,
           static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(sleep).count()));
  }
  std::cout << client.rxbs().text();
}
