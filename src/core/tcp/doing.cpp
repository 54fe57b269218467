#include "hio/core/tcp/doing.hpp"

#include <algorithm>
#include <utility>

namespace hio::core::tcp {

using base::Forever;
using base::Tyme;

template <class T>
LinkDoer<T>::LinkDoer(T& serviced, LinkDoerOptions options)
    : Doer({.tock = options.tock, .tymth = options.tymth}),
      serviced_(serviced),
      poller_(options.poller) {
  if (options.tymth) serviced_.wind(std::move(options.tymth));
}

template <class T>
LinkDoer<T>::~LinkDoer() = default;

template <class T>
void LinkDoer<T>::wind(base::Tymth tymth) {
  Doer::wind(tymth);
  serviced_.wind(std::move(tymth));
}

template <class T>
void LinkDoer<T>::enter() {
  if (net::Poller* const poller = poller_.get()) {
    serviced_.attach(poller, waker());
    attached_ = true;
  }
  serviced_.reopen();
}

template <class T>
bool LinkDoer<T>::recur(Tyme /*tyme*/) {
  if (!poller_) detach();  // it may have been destroyed
  serviced_.service();
  return false;
}

template <class T>
std::optional<Tyme> LinkDoer<T>::due() {
  if (!serviced_.notifies()) return std::nullopt;
  return serviced_.deadline().value_or(Forever);
}

template <class T>
void LinkDoer<T>::exit() {
  serviced_.close();
  detach();
}

template <class T>
void LinkDoer<T>::detach() {
  if (std::exchange(attached_, false)) serviced_.attach(nullptr);
}

template class LinkDoer<Client>;
template class LinkDoer<Server>;

ClientDoer::ClientDoer(Client& client, LinkDoerOptions options)
    : LinkDoer(client, std::move(options)) {}

ClientDoer::~ClientDoer() = default;

ServerDoer::ServerDoer(Server& server, LinkDoerOptions options)
    : LinkDoer(server, std::move(options)) {}

ServerDoer::~ServerDoer() = default;

bool EchoServerDoer::recur(Tyme tyme) {
  const bool done = ServerDoer::recur(tyme);
  for (Remoter* const remoter : server().serviced()) {
    help::Bytearray& received = remoter->rxbs();
    const std::size_t before = received.size();
    while (!received.empty()) {
      const std::size_t count = std::min(remoter->txRoom(), received.size());
      if (count > 0 && remoter->tx(received.view().first(count))) {
        received.consume(count);
        remoter->serviceSends();
        continue;
      }
      // What can no longer be sent back must not be in the way of reading up to the end.
      if (remoter->failure()) remoter->clearRxbs();
      break;
    }
    if (received.size() < before) remoter->wake();
  }
  return done;
}

WireLogDoer::WireLogDoer(WireLog& log, base::DoerOptions options)
    : Doer(std::move(options)), log_(log) {}

void WireLogDoer::enter() {
  if (!log_.opened()) log_.reopen();
}

bool WireLogDoer::recur(Tyme /*tyme*/) { return false; }

void WireLogDoer::exit() { log_.close(); }

}  // namespace hio::core::tcp
