// A client in a loop of libuv's: one descriptor, one timer, one function.
// Usage: loop_libuv HOST PORT. Sends a line, prints the line that comes back. The server may come
// up late. Exit code 1: no answer within ten seconds.
#include <uv.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "hio/core/tcp.hpp"

using namespace std::chrono_literals;
using namespace hio;

struct Program {
  std::unique_ptr<net::Poller> poller = net::systemPoller({.spin = 0s});
  core::tcp::Client client;
  net::PollerPacer pacer{*poller};
  base::Doist doist{{.pacer = &pacer}};
  uv_poll_t descriptor{};
  uv_timer_t timer{};

  Program(const char* host, const char* port)
      : client({.timeout = 5s, .host = host, .port = std::atoi(port), .reconnectable = true}) {
    const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
    doist.extend({std::make_shared<core::tcp::ClientDoer>(client, driven)});
    doist.enter();
    client.tx("hello\n");
    uv_poll_init(uv_default_loop(), &descriptor, poller->fd());
    uv_timer_init(uv_default_loop(), &timer);
    descriptor.data = timer.data = this;
    uv_poll_start(&descriptor, UV_READABLE, [](uv_poll_t* it, int, int) { turn(it->data); });
    turn(this);
  }
  bool answered() const { return client.rxbs().text().find('\n') != std::string_view::npos; }
  static void turn(void* data) {
    Program& self = *static_cast<Program*>(data);
    self.doist.poll();
    if (self.answered() || self.doist.tyme() > 10s) return uv_stop(uv_default_loop());
    const base::Tyme sleep = std::min<base::Tyme>(self.doist.maxSleep().value_or(1s), 1s);
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(sleep);
    uv_timer_start(
        &self.timer, [](uv_timer_t* it) { turn(it->data); },
        static_cast<std::uint64_t>(rounded.count()), 0);
  }
};

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Program program(argv[1], argv[2]);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  std::cout << program.client.rxbs().text();
  return program.answered() ? 0 : 1;
}
