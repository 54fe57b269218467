#include "torture/rig.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace hio::torture {

using namespace std::chrono_literals;
using base::Tyme;
using core::tcp::Client;
using core::tcp::Failure;
using core::tcp::Phase;
using core::tcp::Remoter;
using core::tcp::Server;
using core::tcp::Stage;

namespace {

constexpr std::uint64_t Never = std::uint64_t(1) << 62U;
constexpr int Port = 7000;
constexpr std::uint64_t ReplySalt = 7;
constexpr std::uint64_t RequestSalt = 3;

Stage stageOf(sim::Op op) {
  switch (op) {
    case sim::Op::open:
      return Stage::open;
    case sim::Op::listen:
      return Stage::listen;
    case sim::Op::accept:
      return Stage::accept;
    case sim::Op::connect:
      return Stage::connect;
    case sim::Op::receive:
      return Stage::receive;
    case sim::Op::send:
    case sim::Op::shutdown:
      return Stage::send;
    case sim::Op::lookup:
      return Stage::resolve;
  }
  return Stage::connect;
}

// A server on [::] sees IPv4 clients so.
core::Address unmapped(const core::Address& ca) {
  constexpr std::string_view Mapped = "::ffff:";
  if (!ca.host.starts_with(Mapped)) return ca;
  return {ca.host.substr(Mapped.size()), ca.port};
}

}  // namespace

Rig::Rig(const Story& story, std::optional<Fault> fault, std::uint64_t starvedAt, bool starvesOn)
    : story_(story),
      fault_(std::move(fault)),
      isStarved_(starvedAt != 0),
      onwards_(starvesOn),
      startAllocations_(starvedAt != 0 ? starvedAt : Never),
      left_(startAllocations_),
      doist_(story.run == Run::loop
                 ? nullptr
                 : std::make_unique<base::Doist>(base::DoistOptions{.tock = 10ms})),
      time_(doist_ ? *doist_ : tymist_),
      world_({.tymth = time_.tymen(), .seed = 1}),
      near_(world_.host("near", {"10.0.0.1", "fd00::1"})),
      far_(world_.host("server", {"10.0.0.2", "fd00::2"})),
      parties_(story.clients) {
  world_.name("good.test", {"10.0.0.2"});
  if (story_.set) story_.set(world_, far_);
  counting_ =
      world_.add(sim::Rule([this](const sim::Call& call) -> std::optional<sim::CallVerdict> {
        const Side side = &call.host == &near_ ? Side::client : Side::server;
        auto& count =
            calls_.at(static_cast<std::size_t>(side)).at(static_cast<std::size_t>(call.op));
        ++count;
        if (!fault_ || !faulty_ || fault_->side != side || fault_->op != call.op)
          return std::nullopt;
        if (fault_->onwards ? count < fault_->nth : count != fault_->nth) return std::nullopt;
        hit_ = true;
        // The kernel tells this of a connection that is gone.
        const bool isGone = call.op == sim::Op::shutdown;
        return sim::CallVerdict{.code = fault_->code,
                                .ending = isGone ? sim::Ending::reset : sim::Ending::none};
      }));
}

Rig::~Rig() {
  if (doist_) doist_->exit();
}

std::uint64_t Rig::allocations() const { return startAllocations_ - left_; }

void Rig::require(bool holds, const std::string& what) const {
  if (holds) return;
  std::string text = what;
  for (const Seen& each : seen_) {
    text += "; " + std::string(each.side == Side::client ? "client: " : "server: ") +
            std::string(nameOf(each.stage)) + ' ' + each.code.message();
  }
  for (const Party& party : parties_) {
    if (!party.client) continue;
    text += " [phase " + std::string(nameOf(party.client->phase())) + ", epoch " +
            std::to_string(party.client->epoch()) + ", failure " +
            (party.client->failure() ? party.client->failure()->message() : "none") + ']';
  }
  throw Violation(text);
}

// Every byte tells where it stands, so that none can be lost, repeated or moved unseen.
std::string Rig::bytes(std::uint64_t from, std::size_t count, std::uint64_t salt) const {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) {
    text[i] = static_cast<char>(((from + i) * 0x9e3779b97f4a7c15U + salt) >> 56U);
  }
  return text;
}

// Only what the library is asked to do may lack memory; false when it did.
template <class Call>
bool Rig::guarded(Call call) {
  if (!faulty_) {
    call();
    return true;
  }
  try {
    const test::FailingAllocation failing(left_, onwards_);
    struct Rest {
      std::uint64_t& left;
      ~Rest() { left = test::FailingAllocation::left(); }
    } const rest{left_};
    call();
    return true;
  } catch (const std::bad_alloc&) {
    hit_ = starved_ = true;
    return false;
  } catch (const std::system_error& error) {
    // Without memory, OpenSSL's streams cannot be made.
    if (!isStarved_ || error.code() != std::errc::not_enough_memory) throw;
    hit_ = starved_ = true;
    return false;
  }
}

// ---- the programs -------------------------------------------------------------------------------

void Rig::ensure() {
  if (!server_) {
    core::tcp::ServerOptions options;
    options.halfOpen = story_.server.halfOpen;
    options.limits = story_.server.limits;
    options.timeout = story_.server.timeout;
    options.dropIdle = story_.server.dropIdle;
    options.maxConnections = story_.server.maxConnections;
    options.bs = story_.server.bs;
    options.host = "::";
    options.port = Port;
    options.tymth = time_.tymen();
    options.net = &farNet_;
    if (story_.isLogged) options.wl = &farLog_;
    guarded([&] {
      if (story_.tls) {
        core::tcp::ServerTlsOptions tls;
        tls.context = story_.tls->server;
        server_ = std::make_unique<core::tcp::ServerTls>(options, tls);
      } else {
        server_ = std::make_unique<Server>(options);
      }
    });
  }
  for (Party& party : parties_) {
    if (party.client) continue;
    core::tcp::ClientOptions options = story_.client;
    if (options.host == "127.0.0.1") options.host = "good.test";
    options.port = Port;
    options.tymth = time_.tymen();
    options.net = &nearNet_;
    if (story_.isLogged) options.wl = &nearLog_;
    guarded([&] {
      if (story_.tls) {
        core::tcp::TlsOptions tls;
        tls.context = story_.tls->client;
        if (options.host != "good.test") tls.certedhost = "good.test";
        if (story_.tls->isRefused) tls.certedhost = "other.test";
        party.client = std::make_unique<core::tcp::ClientTls>(options, tls);
      } else {
        party.client = std::make_unique<Client>(options);
      }
    });
  }
  if (!doist_ || !server_ || !parties_.front().client || doist_->deeds() > 0) return;
  // Whoever was aborted is run anew.
  doist_->exit();
  doist_->remove(base::Doers(doist_->doers()));
  guarded([&] {
    base::Doers doers;
    if (story_.run == Run::awaiting) {
      doers.push_back(base::doify([this](base::Tymth, Tyme) { return converse(); }));
    }
    doers.push_back(std::make_shared<core::tcp::ServerDoer>(*server_));
    for (Party& party : parties_) {
      doers.push_back(std::make_shared<core::tcp::ClientDoer>(*party.client));
    }
    doist_->extend(std::move(doers));
    doist_->enter();
  });
}

// What a user writes who waits for things: give, once connected; then wait for the answer.
base::Deed Rig::converse() {
  Client& client = *parties_.front().client;
  while (true) {
    const core::tcp::Waited link = co_await core::tcp::connected(client, 2s);
    if (link != core::tcp::Waited::reached) {
      co_await base::sleep(100ms);
      continue;
    }
    askedFor_ = true;
    (void)co_await core::tcp::drained(client, 1s);
    (void)co_await core::tcp::received(client, 1, 1s);
    (void)co_await base::park(50ms);
  }
}

void Rig::turn() {
  starved_ = false;
  ensure();
  if (!server_ || !std::all_of(parties_.begin(), parties_.end(),
                               [](const Party& party) { return party.client != nullptr; })) {
    return;
  }
  if (server_->failure()) note(Side::server, *server_->failure());
  // A program that supervises its server tries again now and then.
  if (!server_->opened() && time_.tyme() >= listenAt_) {
    listenAt_ = time_.tyme() + 100ms;
    guarded([&] { server_->reopen(); });
  }
  if (server_->failure()) note(Side::server, *server_->failure());
  for (Party& party : parties_) ask(party);
  service();
  check();
}

void Rig::service() {
  const std::uint64_t opens = nearNet_.count().opens;
  if (doist_) {
    const Tyme before = time_.tyme();
    guarded([&] { doist_->recur(); });
    time_.tyme(before);  // the driver passes the time
    // An error leaves the others running; all begin anew.
    if (starved_) doist_->exit();
    for (Party& party : parties_) observe(party);
    serve();
    return;
  }
  for (Party& party : parties_) {
    guarded([&] { party.client->service(); });
    observe(party);
  }
  // At most one attempt for each call, on each address.
  require(nearNet_.count().opens - opens <= 3 * parties_.size(), "a storm of attempts");
  guarded([&] { server_->service(); });
  serve();
}

// Gives the client what it is to send, as far as it takes it.
void Rig::ask(Party& party) {
  Client& client = *party.client;
  if (party.isDone || (story_.run == Run::awaiting && !askedFor_)) return;
  party.wanted = std::max<std::uint64_t>(
      party.wanted, story_.request * std::max<std::uint64_t>(1, party.epochs.size()));
  while (party.given.size() < party.wanted) {
    const std::size_t size = std::min<std::size_t>(story_.piece, party.wanted - party.given.size());
    const std::string piece = bytes(party.given.size(), size, RequestSalt);
    bool taken = false;
    if (!guarded([&] { taken = client.tx(piece); }) || !taken) break;
    party.given += piece;
  }
  const bool isGiven = party.given.size() == party.wanted;
  if (story_.drains && isGiven && client.connected() && !client.cutoff()) {
    guarded([&] { client.drain(5s); });
    party.mayStop = true;
  }
  if (story_.shutsSend && isGiven && client.connected() && !client.cutoff() &&
      client.txbs().empty()) {
    guarded([&] { client.shutdownSend(); });
  }
}

void Rig::observe(Party& party) {
  Client& client = *party.client;
  see(party);
  if (!reached(party)) return;
  if (!std::exchange(party.isDone, true) && story_.shutsReceive) client.shutdownReceive();
}

void Rig::see(Party& party) {
  Client& client = *party.client;
  if (client.failure()) note(Side::client, *client.failure());
  require(client.txbs().consumed() + client.txbs().size() == party.given.size(),
          "bytes given to tx() are neither queued nor handed over");
  const auto& traffic = client.traffic();
  if (client.epoch() != party.epochs.size()) {
    require(client.epoch() == party.epochs.size() + 1, "more than one connection in a call");
    party.epochs.push_back({.ca = client.ca(), .start = client.txbs().consumed() - traffic.sent});
  }
  if (party.epochs.empty()) return;
  Epoch& epoch = party.epochs.back();
  epoch.sent = traffic.sent;
  require(epoch.start + epoch.sent == client.txbs().consumed(), "traffic().sent is not what went");
  // Bytes of an earlier connection are at the front.
  const std::size_t stale = client.staleRx();
  require(stale == 0 || party.epochs.size() > 1, "stale bytes on a first connection");
  const std::size_t most = std::max(stale, std::min(story_.taken, client.rxbs().size()));
  const std::string got(client.rxbs().text().substr(0, most));
  if (stale > 0) party.epochs[party.epochs.size() - 2].received += got.substr(0, stale);
  epoch.received += got.substr(stale);
  client.rxbs().consume(most);
  require(epoch.received.size() + client.rxbs().size() == traffic.received,
          "traffic().received is not what came");
  const std::uint64_t moved = traffic.sent + traffic.received + client.epoch();
  if (moved != party.moved) {
    party.moved = moved;
    party.movedAt = time_.tyme();
  }
}

void Rig::serve() {
  if (server_->failure()) note(Side::server, *server_->failure());
  if (auto* const tls = dynamic_cast<core::tcp::ServerTls*>(server_.get())) {
    if (tls->refusal()) note(Side::server, *tls->refusal());
  }
  for (auto& [ca, peer] : peers_) peer.isOpen = false;
  std::vector<core::Address> toCut;
  for (const auto& [ca, remoter] : server_->ixes()) {
    Peer& peer = peers_[unmapped(ca)];
    peer.isOpen = true;
    if (remoter->failure()) note(Side::server, *remoter->failure());
    require(remoter->traffic().sent + remoter->txbs().size() == peer.given.size(),
            "bytes given to a remoter are neither queued nor handed over");
    const std::string came(remoter->rxbs().text());
    const auto give = [&, &to = *remoter](const std::string& text) {
      bool taken = false;
      if (!guarded([&] { taken = to.tx(text); }) || !taken) return false;
      peer.given += text;
      return true;
    };
    const bool canSay = remoter->opened() && !remoter->cutoff();
    bool isRead = true;
    if (story_.serve == Serve::echo && canSay && !came.empty()) isRead = give(came);
    if (isRead) {
      peer.received += came;
      remoter->clearRxbs();
    }
    const bool speaks =
        story_.serve == Serve::source || (story_.serve == Serve::afterEnd && remoter->ended());
    if (speaks && canSay && peer.given.empty()) give(bytes(0, story_.reply, ReplySalt));
    if (story_.serve == Serve::afterEnd && canSay && !peer.given.empty() &&
        remoter->txbs().empty()) {
      remoter->shutdownSend();
    }
    if (canSay && cut_ + 1 < story_.connections && peer.received.size() >= story_.request / 2 &&
        remoter->txbs().empty()) {
      toCut.push_back(ca);
    }
  }
  for (const core::Address& ca : toCut) {
    ++cut_;
    server_->removeIx(ca);
  }
}

// ---- what has to hold ---------------------------------------------------------------------------

void Rig::note(Side side, const Failure& failure) {
  const std::string text = failure.message();
  require(text.find(failure.code().message()) != std::string::npos,
          "a failure that does not name its reason: " + text);
  require(!failure.address().empty() && text.find(failure.address().text()) != std::string::npos,
          "a failure that does not name the address: " + text);
  const auto isSame = [&](const Seen& each) {
    return each.side == side && each.stage == failure.stage() && each.code == failure.code();
  };
  if (std::none_of(seen_.begin(), seen_.end(), isSame)) {
    seen_.push_back({side, failure.stage(), failure.code()});
  }
}

void Rig::check() {
  std::size_t streams = 0;
  for (const Party& party : parties_) {
    const Client& client = *party.client;
    const bool isLinked = client.connected() && !client.cutoff();
    // The last word of a drain may fail, which the next call learns.
    const bool isWrong =
        isLinked && parties_.size() == 1 && nearNet_.count().failed && !client.full() && !starved_;
    failedFor_ = isWrong ? failedFor_ + 1 : 0;
    require(failedFor_ < 2, "connected, with a stream that has failed");
    require(!isLinked || !story_.tls || !story_.tls->isRefused, "connected to a stranger");
    const bool mayRace = client.phase() == Phase::connecting;
    if (client.opened()) streams += mayRace ? 3U : 1U;
    // Of earlier connections nothing can come any more.
    const std::size_t latest = std::min<std::size_t>(2, party.epochs.size());
    for (const Epoch& epoch : std::span(party.epochs).last(latest)) {
      const auto peer = peers_.find(epoch.ca);
      const std::string_view told =
          peer == peers_.end() ? std::string_view() : std::string_view(peer->second.given);
      require(told.starts_with(epoch.received), "received what the server did not send");
    }
  }
  require(nearNet_.count().streams <= static_cast<int>(streams), "a stream too many is open");
  for (auto& [ca, peer] : peers_) {
    if (!peer.isOpen || peer.received.empty()) continue;
    if (peer.party == nullptr) match(ca, peer);
    const Epoch& epoch = peer.party->epochs.at(peer.epoch);
    const auto sent = std::string_view(peer.party->given).substr(epoch.start, epoch.sent);
    require(sent.starts_with(peer.received), "the server received what was not sent");
  }
}

// Whose connection it is.
void Rig::match(const core::Address& ca, Peer& peer) const {
  for (const Party& party : parties_) {
    for (std::size_t at = party.epochs.size(); at-- > 0;) {
      if (party.epochs.at(at).ca != ca) continue;
      peer.party = &party;
      peer.epoch = at;
      return;
    }
  }
  require(false, "the server received from a connection that no client had");
}

bool Rig::reached(const Party& party) const {
  const Client& client = *party.client;
  if (story_.tls && story_.tls->isRefused) {
    return client.failure() && net::verdictOf(client.failure()->code()) == 62;
  }
  if (party.epochs.size() < story_.connections) return false;
  const Epoch& epoch = party.epochs.back();
  const auto found = peers_.find(epoch.ca);
  if (found == peers_.end()) return false;
  const Peer& peer = found->second;
  if (story_.leavesUnread) return client.full();
  if (story_.drains && client.phase() != Phase::stopped) return false;
  switch (story_.serve) {
    case Serve::echo:
      return epoch.received.size() >= story_.request;
    case Serve::sink:
      return peer.received.size() >= story_.request;
    case Serve::source:
      return epoch.received.size() >= story_.reply;
    case Serve::afterEnd:
      return epoch.received.size() == story_.reply && peer.received.size() >= story_.request &&
             client.cutoff();
  }
  return false;
}

bool Rig::allReached() const {
  return std::all_of(parties_.begin(), parties_.end(),
                     [](const Party& party) { return party.isDone; });
}

// Somebody still tries, or waits.
bool Rig::goesOn() const {
  return std::any_of(parties_.begin(), parties_.end(), [&](const Party& party) {
    if (!party.client) return true;
    const Phase phase = party.client->phase();
    return !party.isDone && phase != Phase::stopped &&
           (phase != Phase::cutoff || story_.client.reconnectable);
  });
}

// ---- time ---------------------------------------------------------------------------------------

void Rig::pass(bool moved) {
  turnsNow_ = moved ? turnsNow_ + 1 : 0;
  if (moved && turnsNow_ < 50) return;
  turnsNow_ = 0;
  // Nobody tells of a socket that is ready again after an error of the moment.
  Tyme next = time_.tyme() + 100ms;
  const auto at = [&](std::optional<Tyme> when) {
    if (when) next = std::min(next, *when);
  };
  at(world_.next());
  if (server_) at(server_->deadline());
  for (const Party& party : parties_) {
    if (party.client) at(party.client->deadline());
  }
  time_.tyme(std::max(next, time_.tyme() + (moved ? 20ms : 1ms)));
}

bool Rig::strive(Tyme limit) {
  const Tyme end = time_.tyme() + limit;
  while (time_.tyme() < end && goesOn()) {
    const std::uint64_t before = world_.moves();
    turn();
    if (allReached()) return true;
    pass(world_.moves() != before && !starved_);
  }
  return allReached();
}

// Without help: nothing has failed for good, and it was this side that failed.
bool Rig::mayRecover(const Party& party) const {
  if (!story_.client.reconnectable || isStarved_ || story_.drains || story_.shutsSend) return false;
  if (!fault_ || fault_->side == Side::server || fault_->isTransient()) return false;
  return party.client->phase() != Phase::stopped;
}

void Rig::recover() {
  faulty_ = false;
  for (Party& party : parties_) party.movedAt = time_.tyme();
  const Tyme end = time_.tyme() + 10min;
  while (!allReached()) {
    require(time_.tyme() < end, "the faults have ended, and nothing goes on");
    const std::uint64_t before = world_.moves();
    turn();
    pass(world_.moves() != before);
    for (Party& party : parties_) {
      if (!party.isDone && helps(party)) party.movedAt = time_.tyme();
    }
  }
}

bool Rig::helps(Party& party) {
  Client& client = *party.client;
  const Phase phase = client.phase();
  const bool isOver =
      phase == Phase::stopped || (phase == Phase::cutoff && !story_.client.reconnectable);
  if (!isOver && time_.tyme() < party.movedAt + 65s) return false;
  require(!mayRecover(party), "the faults have ended, and the client does not go on by itself");
  client.reopen();
  return true;
}

void Rig::finish() {
  faulty_ = false;
  if (doist_) doist_->exit();
  for (Party& party : parties_) {
    if (party.client) party.client->close();
  }
  if (server_) server_->close();
  require(nearNet_.count().streams == 0 && nearNet_.count().open == 0,
          "closed, and the client's network has something open");
  require(farNet_.count().open == 0, "closed, and the server's network has something open");
  for (int turns = 0; turns < 1000; ++turns) {
    const auto next = world_.next();
    if (!next) break;
    time_.tyme(std::max(*next, time_.tyme()));
    world_.service();
  }
  const auto left = world_.leftovers();
  require(left.empty(), left.empty() ? "" : "left over: " + left.front().text());
}

void Rig::judge(bool reached) const {
  if (!fault_ || !hit_) {
    require(reached || isStarved_, "not reached, though nothing failed");
    return;
  }
  if (fault_->isTransient()) {
    require(reached || fault_->onwards || fault_->isOfOneConnection(),
            "an error of the moment, and the goal is not reached");
    const bool isTold = std::any_of(seen_.begin(), seen_.end(),
                                    [&](const Seen& each) { return each.code == fault_->code; });
    require(!isTold, "an error of the moment is told as a failure");
    return;
  }
  const auto isIt = [&](const Seen& each) {
    // TLS sends where it receives, and the other way round.
    const bool isStage =
        each.stage == stageOf(fault_->op) ||
        (story_.tls && (each.stage == Stage::handshake || each.stage == Stage::receive ||
                        each.stage == Stage::send));
    return each.side == fault_->side && each.code == fault_->code && isStage;
  };
  const bool isTold = std::any_of(seen_.begin(), seen_.end(), isIt);
  // What TLS says when it closes, or is refused, has nobody to tell that it was not heard.
  const bool isLastWord = story_.tls && fault_->op == sim::Op::send &&
                          (story_.connections > 1 || story_.drains || story_.tls->isRefused);
  const bool needNotTell =
      fault_->op == sim::Op::shutdown || isLastWord || (story_.isRaced && reached);
  require(isTold || needNotTell, "a fault that nobody tells");
  if (fault_->onwards || !story_.client.reconnectable || fault_->side == Side::server) return;
  if (story_.drains || story_.shutsSend) return;
  const bool isLasting = !core::tcp::isRetryable(
      Failure(stageOf(fault_->op), core::Address("10.0.0.2", Port), fault_->code));
  require(reached || isLasting, "one fault, and the client does not go on by itself");
}

// ---- plays --------------------------------------------------------------------------------------

namespace {

Outcome played(const Story& story, const std::optional<Fault>& fault, std::uint64_t starvedAt,
               bool onwards) {
  Outcome outcome;
  const std::uint64_t before = test::allocations().live();
  try {
    Rig rig(story, fault, starvedAt, onwards);
    try {
      const bool lasts = onwards || (fault && fault->onwards);
      outcome.reached = rig.strive(lasts ? 5s : 60s);
      outcome.hit = rig.hit();
      outcome.calls = rig.calls();
      outcome.allocations = rig.allocations();
      rig.judge(outcome.reached);
      if (!outcome.reached) rig.recover();
      rig.finish();
    } catch (const std::exception& error) {
      outcome.wrong = error.what();
    }
  } catch (const std::exception& error) {
    outcome.wrong = std::string("at the start or the end: ") + error.what();
  }
  if (starvedAt != 0) outcome.hit = outcome.allocations >= starvedAt;
  if (!outcome.wrong.empty()) return outcome;  // the text is live
  const std::uint64_t after = test::allocations().live();
  // Sessions and other things that are kept for the next connection.
  if (!story.tls && after != before) {
    outcome.wrong = std::to_string(static_cast<std::int64_t>(after - before)) + " blocks leaked";
  }
  return outcome;
}

}  // namespace

Outcome play(const Story& story) { return played(story, std::nullopt, 0, false); }

Outcome play(const Story& story, const Fault& fault) { return played(story, fault, 0, false); }

Outcome playStarved(const Story& story, std::uint64_t nth, bool onwards) {
  return played(story, std::nullopt, nth, onwards);
}

}  // namespace hio::torture
