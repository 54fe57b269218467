#include "hio/core/tcp/doing.hpp"

#include <utility>

namespace hio::core::tcp {

using base::Forever;
using base::Tyme;

ClientDoer::ClientDoer(Client& client, LinkDoerOptions options)
    : Doer({.tock = options.tock, .tymth = options.tymth}),
      client_(client),
      poller_(options.poller) {
  if (options.tymth) client_.wind(std::move(options.tymth));
}

ClientDoer::~ClientDoer() = default;

void ClientDoer::wind(base::Tymth tymth) {
  Doer::wind(tymth);
  client_.wind(std::move(tymth));
}

void ClientDoer::enter() {
  if (poller_ != nullptr) client_.attach(poller_, waker());
  client_.reopen();
}

bool ClientDoer::recur(Tyme /*tyme*/) {
  client_.service();
  return false;
}

std::optional<Tyme> ClientDoer::due() {
  if (!client_.notifies()) return std::nullopt;
  return client_.deadline().value_or(Forever);
}

void ClientDoer::exit() {
  client_.close();
  if (poller_ != nullptr) client_.attach(nullptr);
}

ServerDoer::ServerDoer(Server& server, LinkDoerOptions options)
    : Doer({.tock = options.tock, .tymth = options.tymth}),
      server_(server),
      poller_(options.poller) {
  if (options.tymth) server_.wind(std::move(options.tymth));
}

ServerDoer::~ServerDoer() = default;

void ServerDoer::wind(base::Tymth tymth) {
  Doer::wind(tymth);
  server_.wind(std::move(tymth));
}

void ServerDoer::enter() {
  if (poller_ != nullptr) server_.attach(poller_, waker());
  server_.reopen();
}

bool ServerDoer::recur(Tyme /*tyme*/) {
  server_.service();
  return false;
}

std::optional<Tyme> ServerDoer::due() {
  if (!server_.notifies()) return std::nullopt;
  return server_.deadline().value_or(Forever);
}

void ServerDoer::exit() {
  server_.close();
  if (poller_ != nullptr) server_.attach(nullptr);
}

bool EchoServerDoer::recur(Tyme tyme) {
  const bool done = ServerDoer::recur(tyme);
  for (Remoter* const remoter : server().serviced()) {
    if (remoter->rxbs().empty()) continue;
    const bool taken = remoter->tx(remoter->rxbs().view());
    // What can no longer be sent back must not be in the way of reading up to the end.
    if (!taken && !remoter->failure()) continue;
    remoter->clearRxbs();
    remoter->wake();
    if (taken) remoter->serviceSends();
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
