#include "hio/core/tcp/serving.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/tcp/due.hpp"
#include "core/tcp/roster.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// A flood of connections must not keep one service() for ever.
constexpr std::size_t MostAtOnce = 1024;

AcceptorOptions acceptorOptions(const ServerOptions& options) {
  return {.ha = options.ha.empty() ? Address(options.host, checkedPort(options.port, "port"))
                                   : options.ha,
          .bs = options.bs,
          .tymth = options.tymth,
          .bl = options.bl,
          .noDelay = options.noDelay,
          .keepAlive = options.keepAlive,
          .net = options.net};
}

}  // namespace

// ---- Remoter ------------------------------------------------------------------------------------

Remoter::Remoter(RemoterOptions options)
    : Link({.bs = options.bs,
            .txbs = nullptr,
            .rxbs = nullptr,
            .wl = options.wl,
            .halfOpen = options.halfOpen,
            .limits = options.limits,
            .tymth = options.tymth}),
      ha_(std::move(options.ha)),
      ca_(std::move(options.ca)),
      tymer_({.duration = options.timeout, .tymth = options.tymth}),
      refreshable_(options.refreshable) {
  if (!options.cs) throw std::invalid_argument("cs is null; a remoter needs a connection");
  adopt(std::move(options.cs));
}

Remoter::~Remoter() {
  if (turn_) turn_->leave();
}

void Remoter::refresh() {
  if (tymth()) tymer_.start();
}

void Remoter::moved() {
  if (refreshable_) refresh();
}

// Asked once by each service() of the server: the connection is over, and what it brought has been
// read or was there to be read for long enough.
bool Remoter::closeIfOver() {
  if (opened() && !cutoff()) return false;
  close();
  HIO_PROBE_IF("server.spent.read", rxbs().empty());
  HIO_PROBE_IF("server.spent.lingers", !rxbs().empty());
  if (rxbs().empty()) return true;
  return tymth() ? due(tymer_) : std::exchange(graced_, true);
}

void Remoter::wind(base::Tymth tymth) {
  Link::wind(tymth);
  tymer_.wind(std::move(tymth));
}

void Remoter::close() {
  if (!opened()) return;
  discard();
  wake();
}

void Remoter::service() {
  serviceSends();
  serviceReceives();
}

// ---- Server -------------------------------------------------------------------------------------

// Keeps in mind that the server was woken, and wakes whom it was given.
class Server::Bell final : public base::Wakeable {
 public:
  void wake() noexcept override {
    rung = true;
    outer.wake();
  }
  void wakeAfterVisit() noexcept override {
    rung = true;
    outer.wakeAfterVisit();
  }

  bool rung = false;  // since the last service() began
  base::Waker outer;
};

Server::Server(ServerOptions options)
    : Acceptor(acceptorOptions(options)),
      options_(std::move(options)),
      bell_(std::make_shared<Bell>()),
      waker_(bell_),
      roster_(std::make_unique<Roster>(
          waker_, options_.dropIdle ? std::optional(options_.timeout) : std::nullopt)) {
  if (options_.maxConnections == 0)
    throw std::invalid_argument("maxConnections is 0; it is at least 1 connection");
  if (options_.dropIdle && options_.timeout <= Tyme(0)) {
    throw std::invalid_argument("dropIdle needs a timeout above 0, or every connection is dropped");
  }
  Acceptor::attach(nullptr, waker_);
}

Server::~Server() = default;

const Server::Ixes& Server::ixes() const noexcept { return roster_->ixes(); }

const std::vector<Remoter*>& Server::serviced() const noexcept { return roster_->serviced(); }

std::optional<Tyme> Server::now() const { return tymth() ? std::optional(tyme()) : std::nullopt; }

void Server::wind(base::Tymth tymth) {
  Acceptor::wind(tymth);
  roster_->wind(tymth);
  wake();
}

void Server::attach(net::Poller* poller, base::Waker waker) {
  bell_->outer = std::move(waker);
  Acceptor::attach(poller, waker_);
  roster_->attach(binding());
}

std::optional<Tyme> Server::deadline() const {
  if (!tymth() || !shouldListen()) return std::nullopt;
  if (bell_->rung || tyme() < servicedAt_) return tyme();
  return next_;
}

void Server::close() {
  Acceptor::close();
  HIO_PROBE_IF("server.close.linked", !ixes().empty());
  roster_->clear();
}

void Server::serviceAxes() {
  while (!axes().empty()) {
    Incoming incoming = std::move(axes().front());
    axes().pop_front();
    admit(std::move(incoming));
  }
}

void Server::admit(Incoming incoming) {
  Address ha(incoming.cs->local());
  roster_->admit(remoterFor({.ha = std::move(ha),
                             .ca = std::move(incoming.ca),
                             .cs = std::move(incoming.cs),
                             .timeout = options_.timeout,
                             .bs = options_.bs,
                             .wl = options_.wl,
                             .tymth = tymth(),
                             .halfOpen = options_.halfOpen,
                             .limits = options_.limits}),
                 binding());
}

std::unique_ptr<Remoter> Server::remoterFor(RemoterOptions options) const {
  return std::make_unique<Remoter>(std::move(options));
}

std::size_t Server::room() const noexcept {
  const std::size_t held = ixes().size() + axes().size();
  return options_.maxConnections - std::min(options_.maxConnections, held);
}

void Server::serviceConnects() {
  serviceAccepts(std::min(MostAtOnce, room()));
  serviceAxes();
}

std::optional<Tyme> Server::connectsDue() const {
  const bool more = !axes().empty() || (mayHaveMore() && room() > 0);
  return more ? std::optional(tyme()) : acceptDue();
}

void Server::serviceReceivesAllIx() {
  for (const auto& [ca, remoter] : ixes()) remoter->serviceReceives();
}

void Server::serviceSendsAllIx() {
  for (const auto& [ca, remoter] : ixes()) remoter->serviceSends();
}

void Server::service() {
  const auto at = now();
  // Where it throws, service() is to be called again at once.
  next_ = at;
  if (at) servicedAt_ = *at;
  bell_->rung = false;
  roster_->removeSpent(at);
  roster_->serviceReady(at);
  serviceConnects();
  roster_->serviceAdmitted(at);
  if (!at) return;
  next_ = roster_->due(*at);
  if (const auto connects = connectsDue()) next_ = std::min(next_.value_or(*connects), *connects);
}

Remoter& Server::ix(const Address& ca) const {
  const auto found = ixes().find(ca);
  if (found == ixes().end()) {
    throw std::invalid_argument("Invalid connection address '" + ca.text() + '\'');
  }
  return *found->second;
}

void Server::serviceReceivesIx(const Address& ca) { ix(ca).serviceReceives(); }

bool Server::transmitIx(std::span<const std::byte> data, const Address& ca) {
  return ix(ca).tx(data);
}

bool Server::transmitIx(std::string_view text, const Address& ca) { return ix(ca).tx(text); }

void Server::shutdownIx(const Address& ca, net::Direction direction) { ix(ca).shutdown(direction); }

void Server::closeIx(const Address& ca) { ix(ca).close(); }

void Server::closeAllIx() {
  for (const auto& [ca, remoter] : ixes()) remoter->close();
}

std::unique_ptr<Remoter> Server::removeIx(const Address& ca, bool close) {
  Remoter& remoter = ix(ca);
  if (close) remoter.close();
  wake();  // there is room for one that waits to be accepted
  return roster_->remove(Address(remoter.ca()));
}

}  // namespace hio::core::tcp
