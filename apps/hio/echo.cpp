// hio echo: a server that sends back what it gets.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "commands.hpp"
#include "hio/core/tcp/serving.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

using core::Address;
using core::tcp::Remoter;
using core::tcp::Server;

constexpr std::size_t Bound = 256U << 10U;  // of a connection's bytes, in each of its two buffers

class Echo {
 public:
  explicit Echo(const EchoOptions& options)
      : verbose_(options.verbose),
        server_({.ha = Address(options.host, core::checkedPort(options.port, "port")),
                 .tymth = tymist_.tymen(),
                 .halfOpen = true,
                 .limits = {.rxHigh = Bound, .txLimit = 2 * Bound, .rxBudget = Bound},
                 .keepAlive = true}) {}

  ExitCode run();

 private:
  void serve(const Address& ca, Remoter& remoter);
  void wait();
  void note(const std::string& text) const {
    if (verbose_) complain("hio: " + text);
  }

  bool verbose_;
  Interrupts interrupts_;
  Waiter waiter_;
  help::MonoTimer clock_;
  base::Tymist tymist_;
  Server server_;
  std::set<Address> known_;  // those whose coming was told
};

ExitCode Echo::run() {
  if (!server_.open()) {
    throw Problem(ExitCode::unexpected, server_.failure()->message());
  }
  say("listening on " + server_.ha().text());
  while (!interrupts_.asked()) {
    tymist_.tyme(clock_.elapsed());
    server_.service();
    for (const auto& [ca, remoter] : server_.ixes()) serve(ca, *remoter);
    wait();
  }
  note(fmt::format("interrupted with {} connections", server_.ixes().size()));
  server_.close();
  return ExitCode::ok;
}

void Echo::serve(const Address& ca, Remoter& remoter) {
  if (known_.insert(ca).second) note(ca.text() + " has come");
  auto& rxbs = remoter.rxbs();
  auto& txbs = remoter.txbs();
  // A client that sends and does not read fills its buffers, and then TCP holds it back.
  if (!remoter.cutoff() && txbs.size() < Bound && !rxbs.empty()) {
    const auto some = rxbs.view().first(std::min(rxbs.size(), 2 * Bound - txbs.size()));
    if (remoter.tx(some)) rxbs.consume(some.size());
    remoter.serviceSends();
  }
  if (remoter.ended() && rxbs.empty() && txbs.empty()) remoter.shutdownSend();
  if (!remoter.cutoff()) return;
  remoter.clearRxbs();  // the next service() removes it
  known_.erase(ca);
  const auto& traffic = remoter.traffic();
  note(fmt::format("{} has gone: received {}, sent {}{}{}", ca.text(), bytesText(traffic.received),
                   bytesText(traffic.sent), remoter.failure() ? ": " : "",
                   remoter.failure() ? remoter.failure()->message() : ""));
}

void Echo::wait() {
  waiter_.clear();
  waiter_.add(interrupts_.fd(), true, false);
  std::optional<base::Tyme> most;
  // Out of descriptors, say: the listener would be ready all the time.
  if (server_.failure()) {
    most = std::chrono::milliseconds(100);
  } else {
    waiter_.add(server_.fd(), true, false);
  }
  for (const auto& [ca, remoter] : server_.ixes()) {
    const auto wants = remoter->wants();
    waiter_.add(remoter->fd(), wants.read, wants.write);
    if (remoter->cutoff()) most = base::Tyme(0);  // it is to be removed
  }
  waiter_.wait(most);
}

}  // namespace

ExitCode runEcho(const EchoOptions& options) { return Echo(options).run(); }

}  // namespace hio::tool
