// Answers of a resolver, late, wrong and changing, and what becomes of the addresses in them: which
// are tried, in which order, when, and what is told of those that fail.
#include <map>
#include <stdexcept>
#include <vector>

#include "fuzz/chance_net.hpp"
#include "hio/core/tcp.hpp"

namespace {

using namespace hio;
using core::tcp::Client;
using core::tcp::Phase;
using fuzz::ChanceNet;
using fuzz::Input;
using fuzz::require;

constexpr base::Tyme Stagger = std::chrono::milliseconds(250);

// Families take turns, the first one's first, each in the answer's order (RFC 8305, 4).
std::vector<net::Ip> turnsOf(std::vector<net::Ip> ips) {
  std::vector<net::Ip> turns;
  auto family = ips.front().family;
  while (!ips.empty()) {
    auto next = std::find_if(ips.begin(), ips.end(),
                             [family](const net::Ip& ip) { return ip.family == family; });
    if (next == ips.end()) next = ips.begin();
    family = next->family == net::Family::v4 ? net::Family::v6 : net::Family::v4;
    turns.push_back(*next);
    ips.erase(next);
  }
  return turns;
}

class Run {
 public:
  explicit Run(Input& input) : input_(input) {}

  void play() {
    while (!input_.empty()) {
      step();
      check();
    }
    // All names have an address and all connect from now on.
    client_.reopen();
    for (int turn = 0; turn < 10'000 && !linked(); ++turn) {
      tymist_.tick(std::chrono::milliseconds(50));
      client_.service();
      check();
    }
    require(linked(), "connected once all goes well");
  }

 private:
  core::tcp::ClientOptions drawOptions() {
    const std::uint8_t bits = input_.byte();
    core::tcp::ClientOptions options{.host = "name.test", .port = 7, .reconnectable = true};
    if ((bits & 1U) != 0) options.timeout = std::chrono::milliseconds(1 + input_.byte() * 10);
    if ((bits & 2U) != 0) options.retry.attempts = 1 + input_.below(5);
    options.tymth = tymist_.tymen();
    options.net = &net_;
    return options;
  }

  bool linked() const { return client_.connected() && !client_.cutoff(); }

  void step() {
    switch (input_.below(16)) {
      case 0:
        client_.reopen();
        break;
      case 1:
        client_.close();
        break;
      case 2:
        client_.host(input_.flag() ? "name.test" : "other.test");
        break;
      case 3:
      case 4:
      case 5:
        tymist_.tick(std::chrono::milliseconds(input_.byte()));
        break;
      case 6:
      case 7:
      case 8:
        if (const auto next = client_.deadline()) tymist_.tyme(std::max(*next, tymist_.tyme()));
        break;
      default:
        client_.rxbs().clear();
        client_.service();
        require(client_.phase() != Phase::connecting || !client_.deadline() ||
                    *client_.deadline() > tymist_.tyme(),
                "an address is overdue");
    }
  }

  void check() {
    checkTimes();
    for (; checked_ < net_.answers().size(); ++checked_) checkAnswer(checked_, true);
    if (checked_ > 0) checkAnswer(checked_ - 1, false);
    if (client_.phase() == Phase::connected) {
      require(net_.openNow() == 1 && net_.opened().back()->open == net_.opened().back()->connected,
              "connected, and other streams are open still");
    } else if (client_.phase() != Phase::connecting && client_.phase() != Phase::cutoff) {
      require(net_.openNow() == 0, "a stream is open for nothing");
    }
    checkFailure();
  }

  // An address joins when the one before has failed, or is too slow.
  void checkTimes() {
    const auto& opened = net_.opened();
    for (std::size_t at = times_.size(); at < opened.size(); ++at) {
      times_.push_back(tymist_.tyme());
      if (at == firstOf(at)) continue;
      require(opened[at - 1]->error || times_[at] - times_[at - 1] >= Stagger,
              "an address is tried too early");
    }
  }

  // The first stream of the attempt that the stream belongs to.
  std::size_t firstOf(std::size_t at) const {
    std::size_t first = 0;
    for (const auto& answer : net_.answers()) {
      if (answer.openedBefore <= at) first = answer.openedBefore;
    }
    return first;
  }

  void checkAnswer(std::size_t which, bool isOver) const {
    const ChanceNet::Answer& answer = net_.answers()[which];
    require(answer.name == "name.test" || answer.name == "other.test", "a name nobody gave");
    const bool isLast = which + 1 == net_.answers().size();
    const std::size_t end =
        isLast || !isOver ? net_.opened().size() : net_.answers()[which + 1].openedBefore;
    if (answer.code) return require(end == answer.openedBefore, "a stream without an address");
    const auto turns = turnsOf(answer.ips);
    require(end - answer.openedBefore <= turns.size(), "an address is tried again in one attempt");
    for (std::size_t at = answer.openedBefore; at < end; ++at) {
      const net::Endpoint expected{.ip = turns[at - answer.openedBefore], .port = 7};
      require(net_.opened()[at]->target == expected, "the addresses' order");
    }
  }

  void checkFailure() {
    const core::tcp::Failure* const failure = client_.failure();
    if (failure == nullptr || failure == seen_) return;
    seen_ = failure;
    require(!failure->message().empty() && failure->code(), "a failure says what and why");
    if (net_.answers().empty()) return;
    const ChanceNet::Answer& answer = net_.answers().back();
    if (failure->stage() == core::tcp::Stage::resolve) {
      const bool isLate = failure->code() == std::errc::timed_out;
      require(isLate || failure->code() == answer.code, "the resolver's reason");
      if (answer.code == net::ResolveError::badName && !isLate) {
        require(client_.phase() == Phase::stopped, "tried on with a name that cannot exist");
      }
    }
    // Each stream of the attempt that has failed, once.
    std::map<core::Address, std::vector<std::error_code>> errors;
    for (std::size_t at = answer.openedBefore; at < net_.opened().size(); ++at) {
      const auto& opened = *net_.opened()[at];
      if (opened.error) errors[core::Address(opened.target)].push_back(opened.error);
    }
    for (const auto& each : failure->tries()) {
      auto& left = errors[each.address];
      const auto found = std::find(left.begin(), left.end(), each.code);
      require(found != left.end(), "told of a failure that none of the addresses had");
      left.erase(found);
    }
  }

  Input& input_;
  base::Tymist tymist_;
  ChanceNet net_{input_};
  Client client_{drawOptions()};
  std::vector<base::Tyme> times_;  // of net_.opened()
  std::size_t checked_ = 0;
  const core::tcp::Failure* seen_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min<std::size_t>(size, 2048));
  try {
    Run(input).play();
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  return 0;
}
