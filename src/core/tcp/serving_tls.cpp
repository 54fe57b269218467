#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/tcp/due.hpp"
#include "hio/core/tcp/serving.hpp"

namespace hio::core::tcp {

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
    : Server(std::move(options)),
      context_(initServerContext(tls)),
      timeout_(tls.handshakeTimeout),
      most_(tls.maxHandshakes) {
  if (most_ == 0) throw std::invalid_argument("maxHandshakes is 0; it is at least 1");
  if (timeout_ <= Tyme(0)) {
    throw std::invalid_argument("handshakeTimeout is not above 0; a handshake needs some time");
  }
}

ServerTls::~ServerTls() = default;

void ServerTls::wind(base::Tymth tymth) {
  Server::wind(tymth);
  for (Shaking& shaking : cxes_) shaking.tymer.wind(tymth);
}

void ServerTls::attach(net::Poller* poller, base::Waker waker) {
  Server::attach(poller, std::move(waker));
  for (Shaking& shaking : cxes_) shaking.watched = binding().to(*shaking.incoming.cs);
}

bool ServerTls::notifies() const noexcept {
  return Server::notifies() &&
         std::all_of(cxes_.begin(), cxes_.end(), [](const Shaking& each) { return each.watched; });
}

std::optional<Tyme> ServerTls::deadline() const {
  std::optional<Tyme> next = Server::deadline();
  if (!tymth()) return next;
  for (const Shaking& shaking : cxes_) {
    Tyme at = dueAt(shaking.tymer);
    if (shaking.lacksMemory) {
      at = std::min(at, help::saturatingAdd(tyme(), Starving));
    } else if (shaking.incoming.cs->pending().received) {
      at = tyme();
    }
    next = std::min(next.value_or(at), at);
  }
  return next;
}

void ServerTls::close() {
  Server::close();
  cxes_.clear();
}

void ServerTls::serviceAxes() {
  while (!axes().empty() && cxes_.size() < most_) {
    Incoming incoming = std::move(axes().front());
    axes().pop_front();
    const Address ca = incoming.ca;
    try {
      incoming.cs = context_->wrap(std::move(incoming.cs));
      cxes_.emplace_back(std::move(incoming), timeout_, tymth());
      Shaking& shaking = cxes_.back();
      if (binding().poller != nullptr) {
        shaking.watched = binding().to(*shaking.incoming.cs);
      }
    } catch (const std::bad_alloc&) {
      refuse(ca, std::make_error_code(std::errc::not_enough_memory), {});
    }
  }
}

void ServerTls::serviceCxes() {
  for (auto each = cxes_.begin(); each != cxes_.end();) {
    const auto shaking = each++;
    const net::IoResult result = shaking->incoming.cs->connect();
    shaking->lacksMemory = result.lacksMemory();
    if (result.isBlocked() && (!tymth() || !due(shaking->tymer))) continue;
    // It is out of the list also when there is no memory for what follows.
    std::list<Shaking> over;
    over.splice(over.begin(), cxes_, shaking);
    settle(shaking->incoming, result);
  }
}

// The handshake is done, and the connection gets a remoter; or it failed, or was too slow.
void ServerTls::settle(Incoming& incoming, const net::IoResult& result) {
  if (result.isDone()) {
    admit(std::move(incoming));
  } else if (result.isError()) {
    refuse(incoming.ca, result.code(), incoming.cs->why());
  } else {
    refuse(incoming.ca, std::make_error_code(std::errc::timed_out), "in the handshake");
  }
}

void ServerTls::refuse(const Address& ca, std::error_code code, std::string why) {
  ++refused_;
  wake();  // there is room for one that waits to be accepted
  refusal_.emplace(Stage::handshake, ca, code, std::move(why));
}

void ServerTls::serviceConnects() {
  const std::size_t held = cxes_.size() + axes().size();
  acceptBeside(held, std::min(MostAtOnce, most_ - std::min(most_, held)));
  serviceAxes();
  serviceCxes();
}

std::unique_ptr<Remoter> ServerTls::remoterFor(RemoterOptions options) const {
  return std::make_unique<RemoterTls>(std::move(options));
}

}  // namespace hio::core::tcp
