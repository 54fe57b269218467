// A client in a loop of Asio's: one descriptor, one timer, one function.
// Usage: loop_asio HOST PORT. Sends a line, prints the line that comes back. The server may come up
// late. Exit code 1: no answer within ten seconds.
#include <asio.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>

#include "hio/core/tcp.hpp"

using namespace std::chrono_literals;
using namespace hio;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  asio::io_context io;
  const auto poller = net::systemPoller({.spin = 0s});
  core::tcp::Client client(
      {.timeout = 5s, .host = argv[1], .port = std::atoi(argv[2]), .reconnectable = true});
  net::PollerPacer pacer(*poller);
  base::Doist doist({.pacer = &pacer});
  const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
  doist.extend({std::make_shared<core::tcp::ClientDoer>(client, driven)});
  doist.enter();
  client.tx("hello\n");

  bool answered = false;
  asio::posix::stream_descriptor descriptor(io, poller->fd());
  asio::steady_timer timer(io);
  const std::function<void()> turn = [&] {
    doist.poll();
    answered = client.rxbs().text().find('\n') != std::string_view::npos;
    if (answered) return io.stop();
    timer.expires_after(doist.maxSleep().value_or(1h));
    timer.async_wait([&](asio::error_code error) {
      if (!error) turn();
    });
  };
  const std::function<void()> watch = [&] {
    descriptor.async_wait(descriptor.wait_read, [&](asio::error_code error) {
      if (error) return;
      turn();
      watch();
    });
  };
  turn();
  watch();
  io.run_for(10s);
  descriptor.release();  // it stays the poller's
  std::cout << client.rxbs().text();
  return answered ? 0 : 1;
}
