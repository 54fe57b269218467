#include "swarm/schedule.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "swarm/checker.hpp"

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
    server_->open();
    client_ = std::make_unique<Client>(options_);
    checker_.emplace(*client_, options_, nearTap_, farTap_);
  }

  Result play() {
    Result result;
    try {
      for (int i = 0; i < plan_.steps; ++i) {
        chaos();
        step();
      }
      calm();
      checker_->checkLog(log_);
    } catch (const Violation& violation) {
      result.violation = violation.what();
    } catch (const std::exception& error) {
      result.violation = std::string("an exception came out: ") + error.what();
    }
    result.tyme = tymist_.tyme();
    result.events = world_.events();
    result.epochs = client_->epoch();
    result.hash = world_.hash();
    return result;
  }

 private:
  void say(const std::string& what) {
    if (watch_) watch_("  -- " + what);
  }

  ClientOptions drawOptions() {
    ClientOptions options;
    options.host = weather_.has(Fault::names) || random_.chance(300) ? "far" : far_.address();
    options.port = Port;
    options.timeout = random_.chance(700) ? random_.between(100ms, 20s) : Tyme(0);
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
    if (random_.chance(300)) give(random_.between(std::uint64_t{1}, 3000));
    if (random_.chance(500)) take(random_.below(client_->rxbs().size() + 1));
    if (weather_.strikes(Fault::restart, 15)) {
      say("the server is restarted");
      server_->close();
      upAt_ = help::later(tymist_.tyme(), random_.between(Tyme(0), 5s));
    }
    if (weather_.strikes(Fault::crash, 10)) {
      say("the server's machine crashes");
      far_.crash();
      server_->close();
      upAt_ = help::later(tymist_.tyme(), random_.between(Tyme(0), 20s));
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
        client_->wind(tymist_.tymen());
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

  void moveTime() {
    if (weather_.strikes(Fault::clock, 20)) {
      const Tyme jump =
          random_.chance(500) ? -random_.between(Tyme(0), 1h) : random_.between(Tyme(0), 24h);
      say("the clock jumps by " + std::to_string(jump.count()) + " ns");
      tymist_.tick(jump);
      return;
    }
    if (weather_.strikes(Fault::clock, 50)) return;
    std::optional<Tyme> next = world_.next();
    const auto deadline = client_->deadline();
    if (deadline && (!next || *deadline < *next)) next = deadline;
    const Tyme step =
        random_.chance(50) ? random_.between(Tyme(0), 20s) : random_.between(Tyme(0), 200ms);
    if (next && *next > tymist_.tyme() && *next - tymist_.tyme() < step) {
      tymist_.tyme(*next);
    } else {
      tymist_.tick(step);
    }
  }

  void give(std::size_t count) {
    if (client_->tx(checker_->fresh(count))) checker_->given(count);
  }

  void take(std::size_t count) { client_->rxbs().consume(count); }

  // One turn of both programs, and the checks.
  void step() {
    if (!server_->opened() && tymist_.tyme() >= upAt_) server_->open();
    client_->service();
    checker_->checkServiced();
    if (stallTurns_ > 0) {
      --stallTurns_;
      return;
    }
    server_->service();
    for (const auto& [ca, remoter] : server_->ixes()) serve(ca, *remoter);
    checker_->check();
  }

  void serve(const core::Address& ca, core::tcp::Remoter& remoter) {
    const auto wire =
        std::find_if(farTap_.wires().rbegin(), farTap_.wires().rend(),
                     [&ca](const auto& each) { return core::Address(each->far) == ca; });
    if (wire == farTap_.wires().rend()) throw Violation("a remoter without a connection");
    remoter.clearRxbs();
    if (isCalm_ || !random_.chance(200)) return;
    std::string text(random_.between(std::uint64_t{1}, 2000), '\0');
    for (char& c : text) c = static_cast<char>('a' + random_.below(26));
    if (remoter.tx(text)) (*wire)->given += text;
  }

  // The faults stop: the client is connected and everything it hands over arrives, in time.
  void calm() {
    say("the faults stop");
    weather_.clear();
    isCalm_ = true;
    upAt_ = tymist_.tyme();
    if (!client_->opened() || givenUp_ || !options_.reconnectable) client_->reopen();
    const Tyme limit = help::later(tymist_.tyme(), 1h);
    Tyme probeAt = tymist_.tyme();
    while (!isDelivered()) {
      if (tymist_.tyme() > limit)
        throw Violation("no liveness: an hour without faults, and " + std::string(whatLacks()));
      if (!options_.reconnectable && client_->cutoff()) client_->reopen();
      if (tymist_.tyme() >= probeAt && client_->txbs().size() < 10) {
        give(1);  // finds out whether the far side still knows this connection
        probeAt = tymist_.tyme() + 1s;
      }
      take(client_->rxbs().size());
      const std::uint64_t before = world_.moves();
      step();
      if (world_.moves() != before) continue;
      Tyme next = probeAt;
      if (const auto event = world_.next()) next = std::min(next, *event);
      if (const auto deadline = client_->deadline()) next = std::min(next, *deadline);
      tymist_.tyme(std::max(next, tymist_.tyme() + 1ms));
    }
  }

  bool isDelivered() const { return whatLacks().empty(); }

  std::string_view whatLacks() const {
    if (client_->phase() != Phase::connected) return "the client is not connected";
    if (!client_->txbs().empty()) return "txbs is not empty";
    const Wire& wire = *nearTap_.wires().back();
    if (wire.sent.empty()) return "nothing was sent";
    for (const auto& there : farTap_.wires()) {
      if (there->far == wire.near && there->open && there->received.size() == wire.sent.size()) {
        return {};
      }
    }
    return "not everything has arrived";
  }

  Plan plan_;
  const std::function<void(const std::string&)>& watch_;
  sim::Random random_;
  base::Tymist tymist_;
  sim::World world_{{.tymth = tymist_.tymen(),
                     .seed = random_.next(),
                     .watch = watch_ ? [this](const sim::Event& event) { watch_(event.text()); }
                                     : std::function<void(const sim::Event&)>()}};
  sim::Host& near_ = world_.host("near");
  sim::Host& far_ = world_.host("far");
  Weather weather_{world_, near_, far_, plan_.mix, random_.fork()};
  Tap nearTap_{near_};
  Tap farTap_{far_};
  core::WireLog log_{{.samed = true}};
  ClientOptions options_ = drawOptions();
  std::unique_ptr<Server> server_ = std::make_unique<Server>(core::tcp::ServerOptions{
      .port = Port, .tymth = tymist_.tymen(), .halfOpen = random_.chance(300), .net = &farTap_});
  std::unique_ptr<Client> client_;
  std::optional<Checker> checker_;
  Tyme upAt_{0};
  int stallTurns_ = 0;
  bool givenUp_ = false;  // by its user, who has to reopen
  bool isCalm_ = false;
};

}  // namespace

Plan Plan::of(std::uint64_t seed, int steps) {
  sim::Random random(~seed);
  return {.seed = seed, .steps = steps, .mix = Mix::draw(random)};
}

std::string Plan::text() const {
  return std::to_string(seed) + ' ' + std::to_string(steps) + ' ' + mix.text();
}

Result play(const Plan& plan, const std::function<void(const std::string&)>& watch) {
  return Run(plan, watch).play();
}

Plan shrunk(Plan plan) {
  const auto fails = [](const Plan& tried) { return !play(tried).violation.empty(); };
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
