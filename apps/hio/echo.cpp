// hio echo: a server that sends back what it gets.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "commands.hpp"
#include "failing.hpp"
#include "hio/core/tcp/serving_tls.hpp"
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
        server_(makeServer({.ha = Address(options.host, core::checkedPort(options.port, "port")),
                            .tymth = tymist_.tymen(),
                            .halfOpen = true,
                            .limits = {.rxHigh = Bound, .txLimit = 2 * Bound, .rxBudget = Bound},
                            .keepAlive = true},
                           options.tls)),
        tlsServer_(dynamic_cast<core::tcp::ServerTls*>(server_.get())) {}

  ExitCode run();

 private:
  void serve(const Address& ca, Remoter& remoter);
  void tellRefusals();
  void wait();
  void note(const std::string& text) const {
    if (verbose_) complain("hio: " + text);
  }

  bool verbose_;
  Interrupts interrupts_;
  Waiter waiter_;
  help::MonoTimer clock_;
  base::Tymist tymist_;
  std::unique_ptr<Server> server_;
  core::tcp::ServerTls* tlsServer_;  // the same; null over TCP
  std::set<Address> known_;          // those whose coming was told
  std::uint64_t refused_ = 0;        // handshakes that failed, as far as told
  bool moved_ = false;               // something was taken in this turn
};

ExitCode Echo::run() {
  if (!server_->open()) {
    throw Problem(ExitCode::unexpected, server_->failure()->message());
  }
  server_->attach(&waiter_.poller());
  say("listening on " + server_->ha().text());
  while (!interrupts_.asked()) {
    tymist_.tyme(clock_.elapsed());
    server_->service();
    tellRefusals();
    moved_ = false;
    for (const auto& [ca, remoter] : server_->ixes()) serve(ca, *remoter);
    wait();
  }
  note(fmt::format("interrupted with {} connections", server_->ixes().size()));
  server_->close();
  return ExitCode::ok;
}

void Echo::serve(const Address& ca, Remoter& remoter) {
  if (known_.insert(ca).second) {
    const net::TlsInfo info = tlsInfoOf(remoter);
    note(ca.text() + " has come" + (info.version.empty() ? "" : ": " + settledText(info)));
  }
  auto& rxbs = remoter.rxbs();
  auto& txbs = remoter.txbs();
  // A client that sends and does not read fills its buffers, and then TCP holds it back.
  if (!remoter.cutoff() && txbs.size() < Bound && !rxbs.empty()) {
    const auto some = rxbs.view().first(std::min(rxbs.size(), 2 * Bound - txbs.size()));
    if (remoter.tx(some)) rxbs.consume(some.size());
    moved_ = true;
    remoter.serviceSends();
  }
  // Nothing can be sent back any more: room for what is left to read, up to the end.
  if (remoter.failure() && !rxbs.empty()) {
    remoter.clearRxbs();
    remoter.wake();
    moved_ = true;
  }
  // The shutdown is the end: all is sent before, also what TLS has taken and not passed on yet.
  if (remoter.ended() && rxbs.empty() && txbs.empty() && !remoter.unsent()) remoter.shutdownSend();
  if (!remoter.cutoff()) return;
  remoter.clearRxbs();  // the next service() removes it
  known_.erase(ca);
  const auto& traffic = remoter.traffic();
  note(fmt::format("{} has gone: received {}, sent {}{}{}", ca.text(), bytesText(traffic.received),
                   bytesText(traffic.sent), remoter.failure() ? ": " : "",
                   remoter.failure() ? remoter.failure()->message() : ""));
}

void Echo::tellRefusals() {
  if (tlsServer_ == nullptr || tlsServer_->refused() == refused_) return;
  const std::uint64_t more = tlsServer_->refused() - refused_;
  refused_ += more;
  note((more > 1 ? fmt::format("{} were refused, the last: ", more) : std::string()) +
       reasonOf(*tlsServer_->refusal()));
}

void Echo::wait() {
  waiter_.clear();
  waiter_.add(interrupts_.fd(), true, false);
  std::optional<base::Tyme> most;
  if (const auto deadline = server_->deadline()) most = *deadline - tymist_.tyme();
  waiter_.wait(moved_ ? base::Tyme(0) : most);
}

}  // namespace

ExitCode runEcho(const EchoOptions& options) { return Echo(options).run(); }

}  // namespace hio::tool
