#include "hio/core/tcp/serving_tls.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/tcp/handshakes.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// Of one visit: connections that are accepted or give way, each of which costs some 20 us.
constexpr std::size_t MostAtOnce = 32;

}  // namespace

std::shared_ptr<net::TlsContext> initServerContext(const ServerTlsOptions& options) {
  if (!options.context) {
    return net::TlsContext::server(
        {.identity = {.key = {.path = options.keypath}, .certificate = {.path = options.certpath}},
         .trust = {.ca = {.path = options.cafilepath}},
         .protocol = {.minVersion = options.version.value_or(net::TlsVersion::tls12),
                      .maxVersion = options.version.value_or(net::TlsVersion::tls13)},
         .clients = options.certify.value_or(ClientCerts::required)});
  }
  if (options.version || options.certify || !options.keypath.empty() || !options.certpath.empty() ||
      !options.cafilepath.empty()) {
    throw std::invalid_argument(
        "version, certify, keypath, certpath and cafilepath are decided by the context that is "
        "given beside them; give one of both");
  }
  if (!options.context->isServer()) throw std::invalid_argument("context is one for clients");
  return options.context;
}

ServerTls::ServerTls(ServerOptions options, ServerTlsOptions tls)
    : Server(std::move(options)), context_(initServerContext(tls)), most_(tls.maxHandshakes) {
  if (most_ == 0) throw std::invalid_argument("maxHandshakes is 0; it is at least 1");
  if (tls.maxHandshakeSteps == 0) {
    throw std::invalid_argument("maxHandshakeSteps is 0; it is at least 1");
  }
  if (tls.handshakeTimeout <= Tyme(0)) {
    throw std::invalid_argument("handshakeTimeout is not above 0; a handshake needs some time");
  }
  cxes_ = std::make_unique<Handshakes>(
      waker(), Handshakes::Limits{tls.handshakeTimeout, tls.maxHandshakeSteps});
}

ServerTls::~ServerTls() = default;

std::size_t ServerTls::cxes() const noexcept { return cxes_->size(); }

void ServerTls::wind(base::Tymth tymth) {
  Server::wind(std::move(tymth));
  cxes_->restart(now());
}

void ServerTls::attach(net::Poller* poller, base::Waker waker) {
  Server::attach(poller, std::move(waker));
  cxes_->attach(binding());
}

bool ServerTls::notifies() const noexcept { return Server::notifies() && cxes_->notifies(); }

void ServerTls::close() {
  Server::close();
  cxes_->clear();
}

std::size_t ServerTls::room() const noexcept {
  const std::size_t held = cxes() + axes().size();
  const std::size_t connections = Server::room();
  return std::min(connections - std::min(connections, cxes()), most_ - std::min(most_, held));
}

void ServerTls::serviceAxes() {
  while (!axes().empty() && cxes() < most_) {
    Incoming incoming = std::move(axes().front());
    axes().pop_front();
    try {
      cxes_->add(incoming.ca, context_->wrap(std::move(incoming.cs)), binding(), now());
    } catch (const std::bad_alloc&) {
      refuse(incoming.ca, std::make_error_code(std::errc::not_enough_memory), {});
    }
  }
}

void ServerTls::serviceCxes() {
  cxes_->beginVisit(now());
  // The handshake is done, and the connection gets a remoter; or it failed, or was too slow.
  while (auto over = cxes_->next()) {
    Incoming& incoming = over->incoming;
    if (over->result.isDone()) {
      admit(std::move(incoming));
    } else if (over->result.isError()) {
      refuse(incoming.ca, over->result.code(), incoming.cs->why());
    } else {
      refuse(incoming.ca, std::make_error_code(std::errc::timed_out), "in the handshake");
    }
  }
  makeWay();
}

// All places are taken: as long as connections wait, handshakes that are silent give theirs up.
void ServerTls::makeWay() {
  if (!opened()) return;
  for (std::size_t count = 0; count < MostAtOnce && room() == 0 && cxes() > 0; ++count) {
    if (!cxes_->canGiveWay()) return;
    if (axes().empty()) serviceAccepts(1);
    if (axes().empty()) return;
    const Incoming gone = cxes_->giveWay();
    HIO_PROBE("server.handshake.gave-way");
    refuse(gone.ca, std::make_error_code(std::errc::timed_out), "gave way to a new connection");
    serviceAxes();
  }
}

void ServerTls::refuse(const Address& ca, std::error_code code, std::string why) {
  ++refused_;
  refusal_.emplace(Stage::handshake, ca, code, std::move(why));
}

void ServerTls::serviceConnects() {
  serviceAccepts(std::min(MostAtOnce, room()));
  serviceAxes();
  serviceCxes();
}

std::optional<Tyme> ServerTls::connectsDue() const {
  std::optional<Tyme> next = Server::connectsDue();
  const auto at = [&next](std::optional<Tyme> when) {
    if (when) next = std::min(next.value_or(*when), *when);
  };
  at(cxes_->due(tyme()));
  if (mayHaveMore() && room() == 0) at(cxes_->givesWayAt());
  return next;
}

std::unique_ptr<Remoter> ServerTls::remoterFor(RemoterOptions options) const {
  return std::make_unique<RemoterTls>(std::move(options));
}

}  // namespace hio::core::tcp
