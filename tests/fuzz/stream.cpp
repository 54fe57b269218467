// A client, or a server with its remoters, on a network in which every call comes to what the input
// says, and a user who does what the input says in between: each byte is accounted for.
#include <stdexcept>
#include <system_error>

#include "fuzz/chance_net.hpp"
#include "hio/core/tcp.hpp"
#include "swarm/checker.hpp"

namespace {

using namespace hio;
using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::Remoter;
using core::tcp::Server;
using fuzz::Input;
using fuzz::require;

constexpr std::array Directions{net::Direction::send, net::Direction::receive,
                                net::Direction::both};

core::tcp::Limits drawLimits(Input& input) {
  return {.rxHigh = 1 + input.below(3000),
          .txLimit = 1 + input.below(5000),
          .rxBudget = 1 + input.below(3000)};
}

// Some calls may throw, for what the network did or for what makes no sense now.
template <class F>
void attempt(F call) {
  try {
    call();
  } catch (const std::system_error&) {
  } catch (const std::logic_error&) {
  }
}

class ClientRun {
 public:
  explicit ClientRun(Input& input) : input_(input) {
    log_.reopen();
    client_ = std::make_unique<Client>(options_);
    checker_.emplace(*client_, options_, notes_, nobody_, notes_);
  }

  void play() {
    while (!input_.empty()) {
      step();
      checker_->check();
    }
    checker_->checkLog(log_);
    calm();
    checker_->checkLog(log_);
  }

 private:
  core::tcp::ClientOptions drawOptions() {
    const std::uint8_t bits = input_.byte();
    core::tcp::ClientOptions options;
    options.host = (bits & 1U) != 0 ? "name.test" : "10.0.0.1";
    options.port = 7;
    options.reconnectable = (bits & 2U) != 0;
    options.onCutoff = (bits & 4U) != 0 ? core::tcp::OnCutoff::drop : core::tcp::OnCutoff::keep;
    options.halfOpen = (bits & 8U) != 0;
    if ((bits & 16U) != 0) options.timeout = std::chrono::milliseconds(input_.byte() * 20);
    if ((bits & 32U) != 0) options.bs = 1 + input_.below(300);
    if ((bits & 64U) != 0) options.limits = drawLimits(input_);
    options.wl = &log_;
    options.tymth = tymist_.tymen();
    options.net = &tap_;
    return options;
  }

  void service() {
    client_->service();
    checker_->checkServiced();
  }

  void give(std::size_t count) {
    if (client_->tx(checker_->fresh(count))) checker_->given(count);
  }

  void step() {
    switch (input_.below(20)) {
      case 0:
        return give(1 + input_.below(2000));
      case 1:
        return client_->rxbs().consume(input_.below(client_->rxbs().size() + 1));
      case 2:
        tymist_.tick(std::chrono::milliseconds(input_.byte() * 10));
        return service();
      case 3:
        if (const auto next = client_->deadline()) tymist_.tyme(std::max(tymist_.tyme(), *next));
        return service();
      case 4:
        return attempt([this] { client_->connect(); });
      case 5:
        client_->serviceConnect();
        return;
      case 6:
        return client_->serviceSends();
      case 7:
        return client_->serviceReceives();
      case 8:
        return client_->serviceReceiveOnce();
      case 9:
        // What goes past txbs must not overtake it.
        if (client_->txbs().empty()) {
          const std::string bytes = checker_->fresh(1 + input_.below(300));
          return attempt([&] { checker_->given(client_->send(bytes)); });
        }
        return;
      case 10:
        return client_->close();
      case 11:
        client_->reopen();
        return;
      case 12:
        client_->open();
        return;
      case 13:
        return client_->drain(std::chrono::milliseconds(input_.byte() * 10));
      case 14:
        return client_->shutdown(input_.pick(Directions));
      case 15:
        return client_->refresh();
      case 16:
        tymist_.tick(std::chrono::seconds(-static_cast<int>(input_.byte())));
        return;
      default:
        return service();
    }
  }

  // All goes well from now on: the client is connected, and all that it was given is handed over.
  void calm() {
    client_->reopen();
    for (int turn = 0; turn < 200'000; ++turn) {
      client_->rxbs().clear();
      service();
      if (client_->connected() && !client_->cutoff() && client_->txbs().empty()) return;
      tymist_.tick(10ms);
    }
    require(false, "connected in time, with nothing left in txbs");
  }

  Input& input_;
  base::Tymist tymist_;
  fuzz::ChanceNet net_{input_, 2};  // more may race than the checker allows
  swarm::Notes notes_{tymist_.tymen()};
  swarm::Notes nobody_{tymist_.tymen()};
  swarm::Tap tap_{net_, notes_};
  core::WireLog log_{{.samed = true}};
  core::tcp::ClientOptions options_ = drawOptions();
  std::unique_ptr<Client> client_;
  std::optional<swarm::Checker> checker_;
};

class ServerRun {
 public:
  explicit ServerRun(Input& input) : input_(input) { server_.open(); }

  void play() {
    while (!input_.empty()) {
      step();
      check();
    }
    server_.close();
    require(net_.openNow() == 0, "a closed server has no stream");
    require(server_.ixes().empty(), "a closed server has no remoter");
  }

 private:
  // What one connection has been through, seen from its remoter's user.
  struct Story {
    std::string given{};
    std::string taken{};  // from rxbs and past it
  };

  core::tcp::ServerOptions drawOptions() {
    const std::uint8_t bits = input_.byte();
    core::tcp::ServerOptions options;
    options.port = 7;
    options.halfOpen = (bits & 1U) != 0;
    options.dropIdle = (bits & 2U) != 0;
    options.timeout = std::chrono::milliseconds(1 + input_.byte() * 20);
    if ((bits & 4U) != 0) options.bs = 1 + input_.below(300);
    if ((bits & 8U) != 0) options.limits = drawLimits(input_);
    if ((bits & 16U) != 0) options.maxConnections = 1 + input_.below(4);
    options.tymth = tymist_.tymen();
    options.net = &tap_;
    return options;
  }

  Remoter* drawRemoter() {
    const auto& ixes = server_.ixes();
    if (ixes.empty()) return nullptr;
    return std::next(ixes.begin(), static_cast<long>(input_.below(ixes.size())))->second.get();
  }

  void step() {
    const std::size_t what = input_.below(18);
    if (what >= 10) return server_.service();
    if (what == 0) {
      tymist_.tick(std::chrono::milliseconds(input_.byte() * 10));
      return;
    }
    if (what == 1) {
      server_.reopen();
      return;
    }
    Remoter* const remoter = drawRemoter();
    if (remoter == nullptr) return server_.service();
    Story& story = stories_[remoter->ca()];
    switch (what) {
      case 2: {
        const std::string bytes(1 + input_.below(2000), static_cast<char>(story.given.size()));
        if (remoter->tx(bytes)) story.given += bytes;
        return;
      }
      case 3: {
        const std::size_t count = input_.below(remoter->rxbs().size() + 1);
        story.taken += remoter->rxbs().text().substr(0, count);
        return remoter->rxbs().consume(count);
      }
      case 4:
        if (remoter->rxbs().empty()) {
          return attempt([&] {
            if (const auto bytes = remoter->receive()) story.taken += help::textOf(*bytes);
          });
        }
        return;
      case 5:
        if (remoter->txbs().empty()) {
          const std::string bytes(1 + input_.below(300), static_cast<char>(story.given.size()));
          return attempt([&] { story.given += bytes.substr(0, remoter->send(bytes)); });
        }
        return;
      case 6:
        return remoter->shutdown(input_.pick(Directions));
      case 7:
        return remoter->close();
      case 8:
        (void)server_.removeIx(remoter->ca());
        return;
      default:
        return remoter->service();
    }
  }

  void check() {
    require(server_.ixes().size() <= options_.maxConnections,
            "no more connections than are wanted");
    for (const auto& wire : notes_.wires()) {
      const core::Address ca(wire->far);
      const Story& story = stories_[ca];
      require(story.given.starts_with(wire->sent), "what was handed over was given, in order");
      require(wire->received.starts_with(story.taken), "what was taken was received, in order");
      const auto found = server_.ixes().find(ca);
      if (found == server_.ixes().end()) continue;
      const Remoter& remoter = *found->second;
      require(story.given == wire->sent + std::string(remoter.txbs().text()),
              "what was given is handed over or queued");
      require(wire->received == story.taken + std::string(remoter.rxbs().text()),
              "what was received is taken or in rxbs");
      require(remoter.txbs().size() <= options_.limits.txLimit, "txbs keeps its limit");
      require(remoter.rxbs().size() <= options_.limits.rxHigh, "rxbs keeps its limit");
      require(remoter.traffic().sent == wire->sent.size(), "traffic().sent");
      require(remoter.traffic().received == wire->received.size(), "traffic().received");
      require(!remoter.failure() || wire->error, "a failure without an error");
      require(remoter.opened() == wire->open, "a remoter's stream is open as long as it is");
    }
  }

  Input& input_;
  base::Tymist tymist_;
  fuzz::ChanceNet net_{input_};
  swarm::Notes notes_{tymist_.tymen()};
  swarm::Tap tap_{net_, notes_};
  core::tcp::ServerOptions options_ = drawOptions();
  Server server_{options_};
  std::map<core::Address, Story> stories_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min<std::size_t>(size, 4096));
  const bool isServer = input.flag();
  try {
    if (isServer) {
      ServerRun(input).play();
    } else {
      ClientRun(input).play();
    }
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  return 0;
}
