#include "hio/core/tcp/serving.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/tcp/due.hpp"
#include "core/tcp/ready_line.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

net::Ip listenable(const std::string& host) {
  if (const auto ip = settleHost(host)) return *ip;
  throw std::invalid_argument("host is '" + host +
                              "'; a server listens on a number, \"localhost\" or \"\"");
}

// The same address as a client on this machine reaches it.
Address reachable(net::Ip ip, std::uint16_t port) {
  if (ip.isAny()) {
    const bool v4 = ip.family == net::Family::v4;
    ip.octets[v4 ? 0 : 15] = v4 ? 127 : 1;
    if (v4) ip.octets[3] = 1;
  }
  return {ip.text(), port};
}

void addOnce(std::vector<std::shared_ptr<Turn>>& turns, const std::shared_ptr<Turn>& turn) {
  if (std::find(turns.begin(), turns.end(), turn) == turns.end()) turns.push_back(turn);
}

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

// ---- Acceptor -----------------------------------------------------------------------------------

Acceptor::Acceptor(AcceptorOptions options)
    : Tymee(options.tymth),
      options_(std::move(options)),
      net_(options_.net != nullptr ? options_.net : &net::systemNet()),
      ip_(listenable(options_.ha.host)),
      ha_(options_.ha),
      eha_(reachable(ip_, options_.ha.port)) {
  if (options_.bs == 0) throw std::invalid_argument("bs is 0; it is at least 1 byte");
  if (options_.bl < 1) {
    throw std::invalid_argument("bl is " + std::to_string(options_.bl) + "; it is at least 1");
  }
}

Acceptor::~Acceptor() = default;

net::BufferSizes Acceptor::actualBufSizes() const {
  return listener_ ? listener_->bufferSizes() : net::BufferSizes{};
}

int Acceptor::fd() const noexcept { return listener_ ? listener_->fd() : -1; }

void Acceptor::attach(net::Poller* poller, base::Waker waker) {
  binding_ = {poller, std::move(waker)};
  notified_ = listener_ != nullptr && listener_->attach(binding_.poller, binding_.waker);
  wake();
}

bool Acceptor::notifies() const noexcept {
  return binding_.poller != nullptr && (listener_ == nullptr || notified_);
}

bool Acceptor::open() {
  listener_.reset();
  failure_.reset();
  auto made = net_->listen({.ip = ip_, .port = ha_.port},
                           {.backlog = options_.bl,
                            .stream = {.buffers = {.send = options_.bs, .receive = options_.bs},
                                       .noDelay = options_.noDelay,
                                       .keepAlive = options_.keepAlive}});
  if (!made.it) {
    HIO_PROBE("acceptor.listen.failed");
    failure_.emplace(Stage::listen, Address(ip_.text(), ha_.port), made.code);
    return false;
  }
  listener_ = std::move(made.it);
  notified_ = binding_.poller != nullptr && listener_->attach(binding_.poller, binding_.waker);
  wake();
  ha_ = Address(listener_->local());
  eha_ = reachable(listener_->local().ip, ha_.port);
  return true;
}

bool Acceptor::reopen() {
  close();
  return open();
}

void Acceptor::close() {
  listener_.reset();
  axes_.clear();
}

net::Listener::Accepted Acceptor::acceptOne() {
  auto accepted = listener_->accept();
  acceptLacksMemory_ = accepted.result.lacksMemory();
  if (accepted.result.isError()) {
    HIO_PROBE("acceptor.accept.failed");
    failure_.emplace(Stage::accept, ha_, accepted.result.code());
  } else {
    failure_.reset();
  }
  return accepted;
}

std::optional<Tyme> Acceptor::acceptDue() const {
  if (!listener_ || (!failure_ && !acceptLacksMemory_)) return std::nullopt;
  return help::saturatingAdd(std::min(askedAt_, tyme()), Starving);
}

std::optional<Acceptor::Incoming> Acceptor::accept() {
  if (!listener_) throw std::logic_error("accept: the server is closed; open it first");
  auto accepted = acceptOne();
  if (failure_) throw std::system_error(failure_->code(), failure_->message());
  if (!accepted.stream) return std::nullopt;
  Address ca(accepted.stream->peer());
  return Incoming{std::move(accepted.stream), std::move(ca)};
}

void Acceptor::serviceAccepts(std::size_t most) {
  if (tymth()) askedAt_ = tyme();
  for (std::size_t count = 0; listener_ && count < most; ++count) {
    auto accepted = acceptOne();
    if (!accepted.stream) return;
    Address ca(accepted.stream->peer());
    axes_.push_back({std::move(accepted.stream), std::move(ca)});
  }
}

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
bool Remoter::spent() {
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

Server::Server(ServerOptions options)
    : Acceptor(acceptorOptions(options)), options_(std::move(options)) {
  if (options_.maxConnections == 0)
    throw std::invalid_argument("maxConnections is 0; it is at least 1 connection");
  if (options_.dropIdle && options_.timeout <= Tyme(0)) {
    throw std::invalid_argument("dropIdle needs a timeout above 0, or every connection is dropped");
  }
}

Server::~Server() = default;

void Server::wind(base::Tymth tymth) {
  Acceptor::wind(tymth);
  for (const auto& [ca, remoter] : ixes_) remoter->wind(tymth);
  idleLookAt_ = Tyme::min();
  wake();
}

void Server::attach(net::Poller* poller, base::Waker waker) {
  for (const auto& [ca, remoter] : ixes_) {
    if (remoter->turn_) std::exchange(remoter->turn_, nullptr)->leave();
  }
  lingering_.clear();
  starving_.clear();
  readyLine_ = poller != nullptr ? std::make_unique<ReadyLine>(waker) : nullptr;
  Acceptor::attach(poller, std::move(waker));
  for (const auto& [ca, remoter] : ixes_) attachIx(*remoter);
}

// The remoter is serviced once in any case: what it has not been told of may be there already.
void Server::attachIx(Remoter& remoter) {
  if (!readyLine_) return remoter.attach(nullptr);
  remoter.turn_ = std::make_shared<Turn>(*readyLine_, remoter);
  remoter.attach(binding().poller, base::Waker(remoter.turn_));
}

std::optional<Tyme> Server::deadline() const {
  if (!tymth()) return std::nullopt;
  std::optional<Tyme> next;
  const auto at = [&next](Tyme when) { next = next ? std::min(*next, when) : when; };
  if (readyLine_ && !readyLine_->empty()) at(tyme());
  if (const auto again = acceptDue()) at(*again);
  if (!starving_.empty()) at(dueAt(pause_, tyme()));
  for (const auto& turn : lingering_) {
    const Remoter* const remoter = turn->remoter();
    if (remoter != nullptr) at(remoter->rxbs().empty() ? tyme() : dueAt(remoter->tymer_));
  }
  if (options_.dropIdle && !ixes_.empty()) at(std::max(idleLookAt_, tyme()));
  return next;
}

void Server::close() {
  Acceptor::close();
  HIO_PROBE_IF("server.close.linked", !ixes_.empty());
  ixes_.clear();
  serviced_.clear();
  lingering_.clear();
  starving_.clear();
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
  Address ca = incoming.ca;
  auto remoter = remoterFor({.ha = std::move(ha),
                             .ca = std::move(incoming.ca),
                             .cs = std::move(incoming.cs),
                             .timeout = options_.timeout,
                             .bs = options_.bs,
                             .wl = options_.wl,
                             .tymth = tymth(),
                             .halfOpen = options_.halfOpen,
                             .limits = options_.limits});
  if (readyLine_) attachIx(*remoter);
  // A second connection from one address means that the first is gone: it is replaced.
  ixes_.insert_or_assign(std::move(ca), std::move(remoter));
}

std::unique_ptr<Remoter> Server::remoterFor(RemoterOptions options) const {
  return std::make_unique<Remoter>(std::move(options));
}

void Server::acceptBeside(std::size_t others, std::size_t most) {
  const std::size_t held = ixes_.size() + others;
  serviceAccepts(std::min(most, options_.maxConnections - std::min(options_.maxConnections, held)));
}

void Server::serviceConnects() {
  acceptBeside(0, MostAtOnce);
  serviceAxes();
}

void Server::serviceReceivesAllIx() {
  for (const auto& [ca, remoter] : ixes_) remoter->serviceReceives();
}

void Server::serviceSendsAllIx() {
  for (const auto& [ca, remoter] : ixes_) remoter->serviceSends();
}

void Server::service() {
  serviced_.clear();
  removeSpent();
  serviceConnects();
  if (readyLine_) {
    takeTurns();
  } else {
    for (const auto& [ca, remoter] : ixes_) serviced_.push_back(remoter.get());
  }
  for (Remoter* const remoter : serviced_) remoter->serviceReceives();
  for (Remoter* const remoter : serviced_) remoter->serviceSends();
  if (!readyLine_) return;
  for (Remoter* const remoter : serviced_) {
    const auto& turn = remoter->turn_;
    if (remoter->cutoff() || !remoter->opened()) addOnce(lingering_, turn);
    if (remoter->ready() || !remoter->notifies()) turn->wake();
    if (remoter->lacksMemory()) starve(*remoter);
  }
}

void Server::starve(const Remoter& remoter) {
  if (!tymth()) return remoter.turn_->wake();
  if (starving_.empty()) pause_ = help::Deadline(Starving, tyme());
  addOnce(starving_, remoter.turn_);
}

void Server::takeTurns() {
  if (!starving_.empty() && due(pause_, tyme())) {
    for (const auto& turn : starving_) turn->wake();
    starving_.clear();
  }
  while (Turn* const turn = readyLine_->take()) serviced_.push_back(turn->remoter());
}

bool Server::over(Remoter& remoter) const {
  return remoter.spent() || (options_.dropIdle && tymth() && due(remoter.tymer_));
}

void Server::removeSpent() {
  const auto gone = [this](const auto& entry) { return over(*entry.second); };
  if (!readyLine_) {
    std::erase_if(ixes_, gone);
    return;
  }
  std::erase_if(lingering_, [this](const std::shared_ptr<Turn>& turn) {
    Remoter* const remoter = turn->remoter();
    if (remoter == nullptr) return true;
    if (!over(*remoter)) return false;
    ixes_.erase(Address(remoter->ca()));
    return true;
  });
  if (!options_.dropIdle || !tymth() || tyme() < idleLookAt_) return;
  std::erase_if(ixes_, gone);
  Tyme next = help::saturatingAdd(tyme(), options_.timeout);
  for (const auto& [ca, remoter] : ixes_) next = std::min(next, dueAt(remoter->tymer_));
  // Not for each connection a look at all of them.
  idleLookAt_ = std::max(next, help::saturatingAdd(tyme(), options_.timeout / 16));
}

Remoter& Server::ix(const Address& ca) const {
  const auto found = ixes_.find(ca);
  if (found == ixes_.end()) {
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
  for (const auto& [ca, remoter] : ixes_) remoter->close();
}

std::unique_ptr<Remoter> Server::removeIx(const Address& ca, bool close) {
  if (close) closeIx(ca);
  ix(ca);
  auto node = ixes_.extract(ca);
  std::erase(serviced_, node.mapped().get());
  if (auto turn = std::exchange(node.mapped()->turn_, nullptr)) {
    turn->leave();
    node.mapped()->attach(nullptr);
  }
  wake();  // there is room for one that waits to be accepted
  return std::move(node.mapped());
}

}  // namespace hio::core::tcp
