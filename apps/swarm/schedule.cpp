#include "swarm/schedule.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "swarm/checker.hpp"
#include "swarm/security.hpp"
#include "swarm/turn.hpp"

namespace hio::swarm {
namespace {

using namespace std::chrono_literals;
using base::Tyme;
using core::tcp::Client;
using core::tcp::ClientOptions;
using core::tcp::OnCutoff;
using core::tcp::Phase;
using core::tcp::Server;

constexpr std::uint16_t Port = 7;

class Run {
 public:
  Run(const Plan& plan, const std::function<void(const std::string&)>& watch)
      : plan_(plan), watch_(watch), random_(plan.seed) {
    log_.reopen();
    if (plan_.tls) security_.emplace(random_.fork(), tymist_.tymen());
    if (security_ && weather_.has(Fault::blind)) security_->blind();
    openServer();
    client_ =
        security_ ? security_->client(options_, nearNotes_) : std::make_unique<Client>(options_);
    if (driven_) client_->attach(&world_.poller(), base::Waker(clientTurn_));
    checker_.emplace(*client_, options_, nearNotes_, farNotes_,
                     security_ ? nearRecords_ : nearNotes_);
  }

  Result play() {
    Result result;
    try {
      for (int i = 0; i < plan_.steps; ++i) {
        chaos();
        step();
      }
      calm();
      if (security_) comeBack();
      checker_->checkLog(log_);
    } catch (const Violation& violation) {
      result.violation = violation.what();
    } catch (const std::exception& error) {
      result.violation = std::string("an exception came out: ") + error.what();
    }
    result.tyme = tymist_.tyme();
    result.events = world_.events();
    result.epochs = client_->epoch();
    result.resumed = resumed_;
    result.hash = world_.hash();
    for (const Notes* const notes : {&nearNotes_, &farNotes_}) {
      for (const auto& wire : notes->wires()) {
        result.hash = sim::digestOf(help::bytesOf(wire->received), result.hash);
      }
    }
    return result;
  }

 private:
  void say(const std::string& what) {
    if (watch_) watch_("  -- " + what);
  }

  ClientOptions drawOptions() {
    ClientOptions options;
    const bool byName = weather_.has(Fault::names) || weather_.has(Fault::addresses);
    options.host = byName || random_.chance(300) ? "far" : far_.address();
    options.port = Port;
    options.timeout = random_.chance(700) ? random_.between(100ms, 20s) : Tyme(0);
    // Long enough for an address that answers to have its turn.
    if (weather_.has(Fault::addresses) && options.timeout > 0s) options.timeout += 2s;
    options.reconnectable = random_.chance(800);
    options.bs = random_.chance(200) ? random_.between(std::uint64_t{1}, 100) : 8096;
    options.wl = &log_;
    options.tymth = tymist_.tymen();
    options.onCutoff = random_.chance(300) ? OnCutoff::drop : OnCutoff::keep;
    options.halfOpen = random_.chance(200);
    if (random_.chance(300)) {
      options.limits = {.rxHigh = random_.between(std::uint64_t{1}, 2000),
                        .txLimit = random_.between(std::uint64_t{1}, 5000),
                        .rxBudget = random_.between(std::uint64_t{1}, 2000)};
    }
    options.net = &nearTap_;
    return options;
  }

  // What the network, the clock and both users do between two steps.
  void chaos() {
    weather_.turn(tymist_.tyme());
    moveTime();
    if (weather_.strikes(Fault::rewind, 20)) rewind();
    if (random_.chance(300)) give(random_.between(std::uint64_t{1}, 3000));
    if (random_.chance(500)) take(random_.below(client_->rxbs().size() + 1));
    if (weather_.strikes(Fault::restart, 15)) {
      say("the server is restarted");
      server_->close();
      upAt_ = help::saturatingAdd(tymist_.tyme(), random_.between(Tyme(0), 5s));
    }
    if (security_ && client_->phase() == Phase::stopped && random_.chance(100)) {
      say("the user does not believe it");
      client_->reopen();
    }
    if (weather_.strikes(Fault::crash, 10)) {
      say("the server's machine crashes");
      far_.crash();
      server_->close();
      upAt_ = help::saturatingAdd(tymist_.tyme(), random_.between(Tyme(0), 20s));
    }
    if (weather_.strikes(Fault::stall, 20)) {
      stallTurns_ = static_cast<int>(random_.between(std::uint64_t{1}, 20));
    }
    if (weather_.strikes(Fault::user, 30)) annoy();
    if (!options_.reconnectable && client_->cutoff() && random_.chance(200)) {
      say("the user reopens");
      client_->reopen();
    }
  }

  void annoy() {
    switch (random_.below(8)) {
      case 0:
        say("the user closes");
        client_->close();
        break;
      case 1:
        say("the user reopens");
        client_->reopen();
        break;
      case 2:
        say("the user shuts sending down");
        givenUp_ = true;
        client_->shutdownSend();
        break;
      case 3:
        say("the user drains");
        givenUp_ = true;
        client_->drain(random_.between(Tyme(0), 5s));
        break;
      case 4:
        say("the user winds anew");
        client_->wind(client_->tymth());
        break;
      case 5:
        say("the user refreshes");
        client_->refresh();
        break;
      case 6:
        for (const auto& [ca, remoter] : server_->ixes()) {
          say("the server ends the sending of one");
          remoter->shutdownSend();
          break;
        }
        break;
      default:
        for (const auto& [ca, remoter] : server_->ixes()) {
          say("the server closes one");
          remoter->close();
          break;
        }
    }
  }

  // The client gets another source of time, which goes on from anywhere.
  void rewind() {
    ownTymist_ = std::make_unique<base::Tymist>(random_.between(-1h, 1h));
    say("the client is wound onto a time of its own, " +
        std::to_string(ownTymist_->tyme().count()) + " ns");
    client_->wind(ownTymist_->tymen());
  }

  void pass(Tyme step) {
    tymist_.tick(step);
    if (ownTymist_) ownTymist_->tick(step);
    if (step >= Tyme(0)) return;
    clientTurn_->wake();
    serverTurn_->wake();
  }

  // The client's, on the world's time.
  std::optional<Tyme> deadline() const {
    const auto own = client_->deadline();
    if (!own) return own;
    return help::saturatingAdd(tymist_.tyme(), help::saturatingSubtract(*own, client_->tyme()));
  }

  void moveTime() {
    if (weather_.strikes(Fault::clock, 20)) {
      const Tyme jump =
          random_.chance(500) ? -random_.between(Tyme(0), 1h) : random_.between(Tyme(0), 24h);
      say("the clock jumps by " + std::to_string(jump.count()) + " ns");
      pass(jump);
      return;
    }
    if (weather_.strikes(Fault::clock, 50)) return;
    std::optional<Tyme> next = world_.next();
    const auto due = deadline();
    if (due && (!next || *due < *next)) next = due;
    const Tyme step =
        random_.chance(50) ? random_.between(Tyme(0), 20s) : random_.between(Tyme(0), 200ms);
    const bool jumps = next && *next > tymist_.tyme() && *next - tymist_.tyme() < step;
    pass(jumps ? *next - tymist_.tyme() : step);
  }

  void give(std::size_t count) {
    if (client_->tx(checker_->fresh(count))) checker_->given(count);
  }

  void take(std::size_t count) {
    const bool wasFull = client_->full();
    client_->rxbs().consume(count);
    if (wasFull) client_->wake();
  }

  // One turn of both programs, and the checks.
  void step() {
    if (!server_->opened() && tymist_.tyme() >= upAt_) openServer();
    serviceClient();
    checker_->checkServiced();
    if (security_) checkSecurity();
    if (stallTurns_ > 0) {
      --stallTurns_;
      return;
    }
    serviceServer();
    for (const auto& [ca, remoter] : server_->ixes()) serve(ca, *remoter);
    checker_->check();
  }

  void openServer() {
    // With TLS it may show another certificate each time.
    if (security_ || server_ == nullptr) {
      identity_ = Identity::good;
      if (weather_.has(Fault::identity) && !isCalm_ && random_.chance(500)) {
        identity_ = static_cast<Identity>(random_.between(std::uint64_t{1}, 4));
        say("the server shows certificate " + std::to_string(static_cast<int>(identity_)));
      }
      server_ = security_ ? security_->server(serverOptions_, farNotes_, identity_)
                          : std::make_unique<Server>(serverOptions_);
    }
    server_->open();
    if (driven_) server_->attach(&world_.poller(), base::Waker(serverTurn_));
  }

  bool isDue(const Turn& turn) {
    if (!driven_) return true;
    world_.service();
    return turn.isDue(tymist_.tyme());
  }

  void serviceClient() {
    if (!isDue(*clientTurn_)) return;
    clientTurn_->begin();
    client_->service();
    clientTurn_->end(client_->notifies() ? deadline().value_or(base::Forever) : tymist_.tyme());
  }

  void checkSecurity() {
    checker_->checkFramed(nearRecords_);
    checker_->checkFramed(farRecords_);
    for (; secured_ < nearNotes_.wires().size(); ++secured_) {
      const Wire& wire = *nearNotes_.wires()[secured_];
      const std::string objection = security_->objection(wire, options_.host);
      if (!objection.empty()) throw Violation(objection);
      if (wire.tls.resumed) ++resumed_;
    }
  }

  // A remoter that has something to be read stays until it is read, or its time is over.
  void serviceServer() {
    if (!isDue(*serverTurn_)) return;
    std::vector<std::pair<core::Address, const core::tcp::Remoter*>> unread;
    for (const auto& [ca, remoter] : server_->ixes()) {
      if (!remoter->rxbs().empty() && !remoter->tymer().expired()) {
        unread.emplace_back(ca, remoter.get());
      }
    }
    serverTurn_->begin();
    server_->service();
    serverTurn_->end(server_->notifies() ? server_->deadline().value_or(base::Forever)
                                         : tymist_.tyme());
    for (const auto& [ca, remoter] : unread) {
      const auto found = server_->ixes().find(ca);
      if (found == server_->ixes().end() || found->second.get() != remoter) {
        throw Violation("the server dropped what " + ca.text() +
                        " had sent before its program could read it");
      }
    }
  }

  void serve(const core::Address& ca, core::tcp::Remoter& remoter) {
    const auto& wires = farNotes_.wires();
    const auto wire = std::find_if(wires.rbegin(), wires.rend(), [&ca](const auto& each) {
      return core::Address(each->far) == ca;
    });
    if (wire == wires.rend()) throw Violation("a remoter without a connection");
    if (isCalm_ || !weather_.strikes(Fault::lazy, 700)) {
      const bool wasFull = remoter.full();
      remoter.clearRxbs();
      if (wasFull) remoter.wake();
    }
    if (isCalm_ || !random_.chance(200)) return;
    std::string text(random_.between(std::uint64_t{1}, 2000), '\0');
    for (char& c : text) c = static_cast<char>('a' + random_.below(26));
    answer(**wire, remoter, text);
  }

  static void answer(Wire& wire, core::tcp::Remoter& remoter, const std::string& text) {
    if (remoter.tx(text)) wire.given += text;
  }

  // The faults stop: the client is connected and everything it hands over arrives, in time.
  void calm() {
    say("the faults stop");
    weather_.clear();
    isCalm_ = true;
    upAt_ = tymist_.tyme();
    mayRefuse_ = security_ && weather_.has(Fault::identity);
    if (identity_ != Identity::good) server_->close();
    // Without a timeout nothing ends a handshake with a server that has gone without a word.
    const bool waits = client_->phase() == Phase::handshaking && options_.timeout == 0s;
    if (!client_->opened() || givenUp_ || !options_.reconnectable || waits) client_->reopen();
    deliver();
  }

  void deliver() {
    probeAt_ = tymist_.tyme();
    quietlyUntil([this] { return whatLacks(); });
  }

  // Turns without faults until nothing is lacking.
  template <class WhatLacks>
  void quietlyUntil(const WhatLacks& whatLacks) {
    const Tyme limit = help::saturatingAdd(tymist_.tyme(), 1h);
    while (!std::string_view(whatLacks()).empty()) {
      if (tymist_.tyme() > limit)
        throw Violation("no liveness: an hour without faults, and " + std::string(whatLacks()));
      const bool refused = client_->phase() == Phase::stopped && std::exchange(mayRefuse_, false);
      if (refused || (!options_.reconnectable && client_->cutoff())) client_->reopen();
      if (tymist_.tyme() >= probeAt_ && client_->txbs().size() < 10) {
        give(1);  // finds out whether the far side still knows this connection
        probeAt_ = tymist_.tyme() + 1s;
      }
      take(client_->rxbs().size());
      const std::uint64_t before = world_.moves();
      step();
      if (world_.moves() != before) continue;
      Tyme next = probeAt_;
      if (const auto event = world_.next()) next = std::min(next, *event);
      if (const auto due = deadline()) next = std::min(next, *due);
      if (driven_) next = std::min(next, serverTurn_->due(tymist_.tyme()));
      pass(std::max(next - tymist_.tyme(), Tyme(1ms)));
    }
  }

  // The last connection ends cleanly, and the next one resumes its session.
  void comeBack() {
    say("the client goes and comes back");
    // From a connection that has met no fault yet.
    client_->reopen();
    deliver();
    const Wire& here = *nearNotes_.wires().back();
    Wire* const there = Checker::peerOf(farNotes_, here);
    for (const auto& [ca, remoter] : server_->ixes()) {
      if (core::Address(there->far) == ca) answer(*there, *remoter, "a ticket came before this");
    }
    quietlyUntil([&] {
      return here.received.size() == there->sent.size() && there->sent.size() == there->given.size()
                 ? ""
                 : "the client has not got the answer";
    });
    const std::size_t before = nearNotes_.wires().size();
    client_->reopen();
    deliver();
    quietlyUntil([&] { return there->ended || there->error ? "" : "the server was told nothing"; });
    if (!there->ended) throw Violation("the server was not told of a clean end");
    if (nearNotes_.wires().size() != before + 1)
      throw Violation("it took more than one connection");
    if (security_->resumes() && !nearNotes_.wires().back()->tls.resumed) {
      throw Violation("the session was not resumed");
    }
  }

  std::string_view whatLacks() const {
    if (client_->phase() != Phase::connected) return "the client is not connected";
    if (!client_->txbs().empty()) return "txbs is not empty";
    const Wire& wire = *nearNotes_.wires().back();
    if (wire.sent.empty()) return "nothing was sent";
    const Wire* const there = Checker::peerOf(farNotes_, wire);
    const bool arrived =
        there != nullptr && there->open && there->received.size() == wire.sent.size();
    return arrived ? "" : "not everything has arrived";
  }

  Plan plan_;
  const std::function<void(const std::string&)>& watch_;
  sim::Random random_;
  base::Tymist tymist_;
  sim::World world_{{.tymth = tymist_.tymen(),
                     .seed = random_.next(),
                     .hashBytes = !plan_.tls,
                     .watch = watch_ ? [this](const sim::Event& event) { watch_(event.text()); }
                                     : std::function<void(const sim::Event&)>()}};
  sim::Host& near_ = world_.host("near", {"10.0.0.1", "fd00::1"});
  sim::Host& far_ =
      world_.host("far", plan_.mix.has(Fault::addresses)
                             ? std::vector<std::string>{"10.0.0.2", "fd00::2", "10.0.0.3"}
                             : std::vector<std::string>{"10.0.0.2"});
  Weather weather_{world_, near_, far_, plan_.mix, random_.fork()};
  // What the programs move; with TLS what is below it, too.
  Notes nearNotes_{tymist_.tymen()};
  Notes farNotes_{tymist_.tymen()};
  Notes nearRecords_{tymist_.tymen()};
  Notes farRecords_{tymist_.tymen()};
  Tap nearTap_{near_, plan_.tls ? nearRecords_ : nearNotes_};
  Tap farTap_{far_, plan_.tls ? farRecords_ : farNotes_};
  core::WireLog log_{{.samed = true}};
  ClientOptions options_ = drawOptions();
  core::tcp::ServerOptions serverOptions_{.host = plan_.mix.has(Fault::addresses) ? "::" : "",
                                          .port = Port,
                                          .tymth = tymist_.tymen(),
                                          .halfOpen = random_.chance(300),
                                          .net = &farTap_};
  std::optional<Security> security_;
  Identity identity_ = Identity::good;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::optional<Checker> checker_;
  std::unique_ptr<base::Tymist> ownTymist_;  // of the client, once it was wound onto one
  std::size_t secured_ = 0;                  // connections that were looked at
  std::uint64_t resumed_ = 0;
  Tyme probeAt_{0};
  Tyme upAt_{0};
  const bool driven_ = plan_.mix.has(Fault::driven);
  const std::shared_ptr<Turn> clientTurn_ = std::make_shared<Turn>();
  const std::shared_ptr<Turn> serverTurn_ = std::make_shared<Turn>();
  int stallTurns_ = 0;
  bool givenUp_ = false;  // by its user, who has to reopen
  bool isCalm_ = false;
  bool mayRefuse_ = false;  // a certificate that was on its way when the faults stopped
};

}  // namespace

Plan Plan::of(std::uint64_t seed, int steps, bool tls) {
  sim::Random random(~seed);
  return {.seed = seed, .steps = steps, .mix = Mix::draw(random), .tls = tls};
}

std::optional<Plan> Plan::parse(const std::string& line) {
  std::istringstream words(line);
  Plan plan;
  std::string faults;
  std::string tls;
  words >> plan.seed >> plan.steps >> faults;
  const auto mix = Mix::parse(faults);
  if (words.fail() || !mix) return std::nullopt;
  plan.mix = *mix;
  plan.tls = (words >> tls) && tls == "tls";
  if (!plan.tls && !tls.empty()) return std::nullopt;
  return plan;
}

std::string Plan::text() const {
  return std::to_string(seed) + ' ' + std::to_string(steps) + ' ' + mix.text() +
         (tls ? " tls" : "");
}

Result play(const Plan& plan, const std::function<void(const std::string&)>& watch) {
  return Run(plan, watch).play();
}

Plan shrunk(Plan plan) {
  const auto fails = [](const Plan& tried) { return !play(tried).violation.empty(); };
  if (Plan plain = plan; plan.tls) {
    plain.tls = false;
    if (fails(plain)) plan = plain;
  }
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (std::size_t i = 0; i < Faults; ++i) {
      Plan tried = plan;
      tried.mix = plan.mix.without(static_cast<Fault>(i));
      if (!plan.mix.has(static_cast<Fault>(i)) || !fails(tried)) continue;
      plan = tried;
      smaller = true;
    }
    for (int cut = plan.steps / 2; cut > 0; cut /= 2) {
      Plan tried = plan;
      tried.steps -= cut;
      if (!fails(tried)) continue;
      plan = tried;
      smaller = true;
    }
  }
  return plan;
}

}  // namespace hio::swarm
