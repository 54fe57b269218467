// A client in a loop of GLib's, as programs with GTK have: one descriptor, one timer, one function.
// Usage: loop_glib HOST PORT. Sends a line, prints the line that comes back. The server may come up
// late. Exit code 1: no answer within ten seconds.
#include <glib-unix.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "hio/core/tcp.hpp"

using namespace std::chrono_literals;
using namespace hio;

struct Program {
  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  std::unique_ptr<net::Poller> poller = net::systemPoller({.spin = 0s});
  core::tcp::Client client;
  net::PollerPacer pacer{*poller};
  base::Doist doist{{.pacer = &pacer}};
  guint timer = 0;

  Program(const char* host, const char* port)
      : client({.timeout = 5s, .host = host, .port = std::atoi(port), .reconnectable = true}) {
    const core::tcp::LinkDoerOptions driven{.poller = poller.get()};
    doist.extend({std::make_shared<core::tcp::ClientDoer>(client, driven)});
    doist.enter();
    client.tx("hello\n");
    g_unix_fd_add(
        poller->fd(), G_IO_IN, [](int, GIOCondition, void* data) { return turn(data), 1; }, this);
    timer = g_timeout_add(0, onTime, this);
  }
  ~Program() { g_main_loop_unref(loop); }
  bool answered() const { return client.rxbs().text().find('\n') != std::string_view::npos; }
  static int onTime(void* data) {
    static_cast<Program*>(data)->timer = 0;  // it ends by itself
    return turn(data), 0;
  }
  static void turn(void* data) {
    Program& self = *static_cast<Program*>(data);
    self.doist.poll();
    if (self.answered() || self.doist.tyme() > 10s) return g_main_loop_quit(self.loop);
    if (self.timer != 0) g_source_remove(self.timer);
    const base::Tyme sleep = std::min<base::Tyme>(self.doist.maxSleep().value_or(1s), 1s);
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(sleep);
    self.timer = g_timeout_add(static_cast<guint>(rounded.count()), onTime, data);
  }
};

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Program program(argv[1], argv[2]);
  g_main_loop_run(program.loop);
  std::cout << program.client.rxbs().text();
  return program.answered() ? 0 : 1;
}
