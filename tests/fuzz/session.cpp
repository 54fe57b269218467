// A client and a server in the simulator: the fate of each packet and of each call, and what both
// users do, are drawn from the input. Then the faults stop, and all has to come through.
#include <algorithm>
#include <stdexcept>

#include "fuzz/input.hpp"
#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "swarm/checker.hpp"

namespace {

using namespace hio;
using namespace std::chrono_literals;
using core::tcp::Client;
using core::tcp::Phase;
using core::tcp::Server;
using fuzz::Input;
using fuzz::require;

constexpr std::uint16_t Port = 7;

class Run {
 public:
  explicit Run(Input& input) : input_(input) {
    log_.reopen();
    server_.open();
    client_ = std::make_unique<Client>(options_);
    checker_.emplace(*client_, options_, nearNotes_, farNotes_, nearNotes_);
  }

  void play() {
    while (!input_.empty()) {
      user();
      turn();
    }
    calm();
    checker_->checkLog(log_);
  }

 private:
  core::tcp::ClientOptions drawOptions() {
    const std::uint8_t bits = input_.byte();
    core::tcp::ClientOptions options;
    options.host = (bits & 1U) != 0 ? "far" : far_.address();
    options.port = Port;
    options.reconnectable = (bits & 2U) == 0;
    options.onCutoff = (bits & 4U) != 0 ? core::tcp::OnCutoff::drop : core::tcp::OnCutoff::keep;
    options.halfOpen = (bits & 8U) != 0;
    if ((bits & 16U) != 0) options.timeout = std::chrono::milliseconds(100 + input_.byte() * 50);
    if ((bits & 32U) != 0) options.bs = 1 + input_.below(300);
    if ((bits & 64U) != 0) {
      options.limits = {.rxHigh = 1 + input_.below(3000),
                        .txLimit = 1 + input_.below(5000),
                        .rxBudget = 1 + input_.below(3000)};
    }
    options.wl = &log_;
    options.tymth = tymist_.tymen();
    options.net = &nearTap_;
    return options;
  }

  // Most are delivered, so that an input gets somewhere.
  sim::Verdict fateOf(const sim::Packet& packet) {
    const std::uint8_t drawn = input_.byte();
    if (drawn >= 248)
      return packet.kind == sim::Packet::Kind::syn ? sim::Verdict::refuse() : sim::Verdict::drop();
    if (drawn >= 232) return sim::Verdict::drop();
    if (drawn >= 200) return sim::Verdict::deliver(std::chrono::milliseconds(drawn * 4));
    if (drawn >= 160) return sim::Verdict::deliver(1ms, 1 + input_.byte());
    return sim::Verdict::deliver(1ms);
  }

  std::optional<sim::CallVerdict> fateOf(const sim::Call& call) {
    const std::uint8_t drawn = input_.byte();
    if (drawn < 176) return std::nullopt;
    sim::CallVerdict verdict;
    const bool moves = call.op == sim::Op::send || call.op == sim::Op::receive;
    if (drawn < 216 && moves) {
      verdict.most = input_.byte();
    } else if (drawn < 232 && moves) {
      verdict.ending = (drawn & 1U) != 0 ? sim::Ending::reset : sim::Ending::finish;
    } else if (call.op == sim::Op::open) {
      verdict.buffers = {.send = 2 + input_.below(4000), .receive = 2 + input_.below(4000)};
    } else if (call.op == sim::Op::lookup) {
      verdict.late = std::chrono::milliseconds(input_.byte() * 20);
      if ((drawn & 1U) != 0) verdict.code = net::ResolveError::tryAgain;
      if ((drawn & 2U) != 0) verdict.addresses = {net::Ip{.octets = {10, 66, 66, 66}}};
      if ((drawn & 4U) != 0) verdict.addresses.push_back(far_.addresses().front());
    } else if (drawn >= 246) {
      verdict.code = {static_cast<int>(errorOf(call.op)), std::system_category()};
    }
    return verdict;
  }

  // One that this call can have on Linux.
  std::errc errorOf(sim::Op op) {
    static constexpr std::array Moving{std::errc::connection_reset, std::errc::timed_out,
                                       std::errc::interrupted,      std::errc::no_buffer_space,
                                       std::errc::host_unreachable, std::errc::bad_file_descriptor};
    static constexpr std::array Accepting{std::errc::too_many_files_open,
                                          std::errc::connection_aborted};
    static constexpr std::array Other{std::errc::network_unreachable, std::errc::interrupted,
                                      std::errc::address_not_available};
    if (op == sim::Op::accept) return input_.pick(Accepting);
    const bool moves = op == sim::Op::send || op == sim::Op::receive;
    return moves ? input_.pick(Moving) : input_.pick(Other);
  }

  void give(std::size_t count) {
    if (client_->tx(checker_->fresh(count))) checker_->given(count);
  }

  void pass(base::Tyme duration) {
    const auto next = world_.next();
    if (next && *next > tymist_.tyme()) duration = std::min(duration, *next - tymist_.tyme());
    tymist_.tick(duration);
  }

  // What both users, their machines and the clock do between two turns.
  void user() {
    switch (input_.below(24)) {
      case 0:
        return give(1 + input_.below(3000));
      case 1:
        return client_->rxbs().consume(input_.below(client_->rxbs().size() + 1));
      case 2:
        if (!server_.ixes().empty()) serve(input_.below(server_.ixes().size()));
        return;
      case 3:
        tymist_.tick(std::chrono::seconds(input_.byte()));
        return;
      case 4:
        tymist_.tick(std::chrono::seconds(-static_cast<int>(input_.byte())));
        return;
      case 5:
        server_.reopen();
        return;
      case 6:
        far_.crash();
        server_.reopen();
        return;
      case 7:
        return client_->close();
      case 8:
        client_->reopen();
        return;
      case 9:
        return client_->shutdownSend();
      case 10:
        return client_->drain(std::chrono::milliseconds(input_.byte() * 10));
      case 11:
        isStalled_ = !isStalled_;
        return;
      default:
        return pass(std::chrono::milliseconds(input_.byte()));
    }
  }

  // What the server's user does with one connection.
  void serve(std::size_t which) {
    const auto found = std::next(server_.ixes().begin(), static_cast<long>(which));
    core::tcp::Remoter& remoter = *found->second;
    switch (input_.below(4)) {
      case 0:
        return remoter.shutdownSend();
      case 1:
        return remoter.close();
      default: {
        const std::string text(1 + input_.below(3000), static_cast<char>('a' + input_.below(26)));
        const auto wire = std::find_if(
            farNotes_.wires().rbegin(), farNotes_.wires().rend(),
            [&found](const auto& each) { return core::Address(each->far) == found->first; });
        require(wire != farNotes_.wires().rend(), "a remoter without a connection");
        if (remoter.tx(text)) (*wire)->given += text;
      }
    }
  }

  void turn() {
    client_->service();
    checker_->checkServiced();
    if (isStalled_) return;
    server_.service();
    for (const auto& [ca, remoter] : server_.ixes()) remoter->clearRxbs();
    checker_->check();
  }

  // From here on nothing disturbs: within an hour the client is connected and all has arrived.
  void calm() {
    packets_.remove();
    calls_.remove();
    isStalled_ = false;
    if (!server_.opened()) server_.reopen();
    client_->reopen();
    const base::Tyme limit = help::saturatingAdd(tymist_.tyme(), 1h);
    base::Tyme probeAt = tymist_.tyme();
    while (!isDelivered()) {
      require(tymist_.tyme() <= limit, "all is delivered within an hour without faults");
      if (!options_.reconnectable && client_->cutoff()) client_->reopen();
      if (!server_.opened()) server_.reopen();
      if (tymist_.tyme() >= probeAt) {
        if (client_->txbs().empty()) give(1);  // does the far side know this connection still?
        probeAt = tymist_.tyme() + 1s;
      }
      client_->rxbs().clear();
      const std::uint64_t before = world_.moves();
      turn();
      if (world_.moves() != before) continue;
      base::Tyme next = probeAt;
      if (const auto event = world_.next()) next = std::min(next, *event);
      if (const auto deadline = client_->deadline()) next = std::min(next, *deadline);
      tymist_.tyme(std::max(next, tymist_.tyme() + 1ms));
    }
  }

  bool isDelivered() const {
    if (client_->phase() != Phase::connected || !client_->txbs().empty()) return false;
    const swarm::Wire& wire = *nearNotes_.wires().back();
    return !wire.sent.empty() && std::any_of(farNotes_.wires().begin(), farNotes_.wires().end(),
                                             [&wire](const auto& there) {
                                               return there->far == wire.near && there->open &&
                                                      there->received.size() == wire.sent.size();
                                             });
  }

  Input& input_;
  base::Tymist tymist_;
  sim::World world_{{.tymth = tymist_.tymen(), .seed = 1}};
  sim::Host& near_ = world_.host("near");
  sim::Host& far_ = world_.host("far");
  sim::RuleGuard packets_ = world_.add(
      sim::Rule([this](const sim::Packet& packet) { return std::optional(fateOf(packet)); }));
  sim::RuleGuard calls_ =
      world_.add(sim::Rule([this](const sim::Call& call) { return fateOf(call); }));
  swarm::Notes nearNotes_{tymist_.tymen()};
  swarm::Notes farNotes_{tymist_.tymen()};
  swarm::Tap nearTap_{near_, nearNotes_};
  swarm::Tap farTap_{far_, farNotes_};
  core::WireLog log_{{.samed = true}};
  core::tcp::ClientOptions options_ = drawOptions();
  Server server_{{.port = Port,
                  .tymth = tymist_.tymen(),
                  .halfOpen = (input_.byte() & 1U) != 0,
                  .net = &farTap_}};
  std::unique_ptr<Client> client_;
  std::optional<swarm::Checker> checker_;
  bool isStalled_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min<std::size_t>(size, 4096));
  try {
    Run(input).play();
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  return 0;
}
