#include "hio/sim/rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <stdexcept>

#include "hio/sim/world.hpp"

namespace hio::sim {
namespace {

using base::Tyme;

[[noreturn]] void refuseValue(const std::string& rule, const std::string& what) {
  throw std::invalid_argument("the rule '" + rule + "': " + what);
}

std::string pathOf(const Host& from, const Host& to) { return from.name() + " > " + to.name(); }

std::string fateOfPath(const Host& from, const Host& to) {
  return "what becomes of packets " + pathOf(from, to);
}

std::error_code systemCode(std::errc error) {
  return {static_cast<int>(error), std::system_category()};
}

void checkDifferent(const std::string& rule, const Host& a, const Host& b) {
  if (&a == &b) refuseValue(rule, "it is between a host and itself; give two hosts");
}

// Packets between a and b, in both directions.
auto between(const Host& a, const Host& b) {
  return [a = &a, b = &b](const Packet& packet) {
    return (&packet.from == a && &packet.to == b) || (&packet.from == b && &packet.to == a);
  };
}

void check(const LinkQuality& link) {
  if (link.latency < Tyme(0)) refuseValue("link", "latency is below 0");
  if (link.jitter < Tyme(0)) refuseValue("link", "jitter is below 0");
  if (link.piece == 0) refuseValue("link", "piece is 0, so nothing could pass; it is at least 1");
}

// Delays packets; each direction of each pair of hosts is a line of its own.
class Line {
 public:
  explicit Line(LinkQuality link) : link_(link) {}

  Verdict operator()(const Packet& packet) {
    const std::size_t bytes = std::min(packet.bytes, link_.piece);
    Tyme delay = link_.latency;
    if (link_.jitter > Tyme(0)) delay += packet.random.between(Tyme(0), link_.jitter);
    if (link_.bytesPerSecond > 0) {
      Tyme& free = freeAt_[pathOf(packet.from, packet.to)];
      free = help::saturatingAdd(std::max(free, packet.tyme), timeFor(bytes));
      delay = help::saturatingAdd(delay, free - packet.tyme);
    }
    return Verdict::deliver(delay, link_.piece);
  }

 private:
  Tyme timeFor(std::size_t bytes) const {
    constexpr std::uint64_t Second = 1'000'000'000;
    const std::uint64_t whole = bytes / link_.bytesPerSecond;
    const std::uint64_t rest = bytes % link_.bytesPerSecond;
    // Exact as long as a second's bytes times 10^9 fit, which is 18 GB/s.
    return Tyme(static_cast<std::int64_t>(whole * Second + rest * Second / link_.bytesPerSecond));
  }

  LinkQuality link_;
  std::map<std::string, Tyme> freeAt_;
};

// Counts the calls that a rule is about.
class Counter {
 public:
  Counter(const std::string& rule, Nth which) : which_(which) {
    if (which.nth == 0) refuseValue(rule, "nth is 0; the first call is 1");
    if (which.times == 0) refuseValue(rule, "times is 0, so it would do nothing");
  }
  bool isIt() {
    ++count_;
    return count_ >= which_.nth && count_ - which_.nth < which_.times;
  }

 private:
  Nth which_;
  std::uint64_t count_ = 0;
};

Rule onSyn(const Host& host, std::uint16_t port, Verdict verdict, std::string name) {
  name += ' ' + host.name() + ':' + std::to_string(port);
  return {[host = &host, port, verdict](const Packet& packet) -> std::optional<Verdict> {
            if (packet.kind != Packet::Kind::syn || &packet.to != host) return std::nullopt;
            if (packet.target.port != port) return std::nullopt;
            return verdict;
          },
          std::move(name),
          {"attempts to connect to " + host.name() + ':' + std::to_string(port)}};
}

}  // namespace

std::string_view nameOf(Op op) noexcept {
  static constexpr std::array<std::string_view, 8> Names{"open",    "listen", "accept",   "connect",
                                                         "receive", "send",   "shutdown", "lookup"};
  return Names.at(static_cast<std::size_t>(op));
}

Rule link(const Host& a, const Host& b, LinkQuality link) {
  check(link);
  checkDifferent("link", a, b);
  return {[line = Line(link),
           ours = between(a, b)](const Packet& packet) mutable -> std::optional<Verdict> {
            if (!ours(packet)) return std::nullopt;
            return line(packet);
          },
          "link " + pathOf(a, b),
          {"the link " + pathOf(a, b), "the link " + pathOf(b, a)}};
}

Rule link(LinkQuality link) {
  check(link);
  return {[line = Line(link)](const Packet& packet) mutable -> std::optional<Verdict> {
            if (&packet.from == &packet.to) return std::nullopt;
            return line(packet);
          },
          "link of all",
          {"the links of all"}};
}

Rule partition(const Host& a, const Host& b) {
  checkDifferent("partition", a, b);
  return {[ours = between(a, b)](const Packet& packet) -> std::optional<Verdict> {
            if (!ours(packet)) return std::nullopt;
            return Verdict::drop();
          },
          "partition " + pathOf(a, b),
          {fateOfPath(a, b), fateOfPath(b, a)}};
}

Rule partitionOneWay(const Host& from, const Host& to) {
  checkDifferent("partitionOneWay", from, to);
  return {[from = &from, to = &to](const Packet& packet) -> std::optional<Verdict> {
            if (&packet.from != from || &packet.to != to) return std::nullopt;
            return Verdict::drop();
          },
          "partitionOneWay " + pathOf(from, to),
          {fateOfPath(from, to)}};
}

Rule loss(const Host& a, const Host& b, std::uint32_t perMille) {
  checkDifferent("loss", a, b);
  if (perMille > 1000) refuseValue("loss", "perMille is above 1000");
  return {[ours = between(a, b), perMille](const Packet& packet) -> std::optional<Verdict> {
            if (!ours(packet) || !packet.random.chance(perMille)) return std::nullopt;
            return Verdict::drop();
          },
          "loss " + pathOf(a, b),
          {"the losses " + pathOf(a, b), "the losses " + pathOf(b, a)}};
}

Rule hold(const Host& a, const Host& b) {
  checkDifferent("hold", a, b);
  return {[ours = between(a, b)](const Packet& packet) -> std::optional<Verdict> {
            if (!ours(packet)) return std::nullopt;
            return Verdict::hold();
          },
          "hold " + pathOf(a, b),
          {fateOfPath(a, b), fateOfPath(b, a)}};
}

Rule refuse(const Host& host, std::uint16_t port) {
  return onSyn(host, port, Verdict::refuse(), "refuse");
}

Rule blackHole(const Host& host, std::uint16_t port) {
  return onSyn(host, port, Verdict::drop(), "blackHole");
}

Rule fail(const Host& host, Op op, std::errc error, Nth which) {
  const std::string name = "fail " + host.name() + ' ' + std::string(nameOf(op));
  return {[host = &host, op, error,
           counter = Counter(name, which)](const Call& call) mutable -> std::optional<CallVerdict> {
            if (&call.host != host || call.op != op || !counter.isIt()) return std::nullopt;
            return CallVerdict{.code = systemCode(error)};
          },
          name};
}

Rule end(const Host& host, Op op, Ending ending, Nth which) {
  const std::string name = "end " + host.name() + ' ' + std::string(nameOf(op));
  if (op == Op::open || op == Op::listen || op == Op::lookup) {
    refuseValue(name, "there is no connection at that call; take connect, send or receive");
  }
  return {[host = &host, op, ending,
           counter = Counter(name, which)](const Call& call) mutable -> std::optional<CallVerdict> {
            if (&call.host != host || call.op != op || !counter.isIt()) return std::nullopt;
            return CallVerdict{.ending = ending};
          },
          name};
}

Rule endAtByte(const Host& host, Op op, Ending ending, std::uint64_t bytes) {
  const std::string name = "endAtByte " + host.name() + ' ' + std::string(nameOf(op));
  if (op != Op::send && op != Op::receive) {
    refuseValue(name, "that operation moves no bytes; take send or receive");
  }
  return {[host = &host, op, ending, bytes](const Call& call) -> std::optional<CallVerdict> {
            if (&call.host != host || call.op != op) return std::nullopt;
            if (call.moved >= bytes) return CallVerdict{.ending = ending};
            if (call.bytes <= bytes - call.moved) return std::nullopt;
            return CallVerdict{.most = static_cast<std::size_t>(bytes - call.moved)};
          },
          name};
}

Rule pieces(const Host& host, std::size_t most) {
  if (most == 0) refuseValue("pieces", "most is 0, so nothing could move; it is at least 1");
  return {[host = &host, most](const Call& call) -> std::optional<CallVerdict> {
            if (&call.host != host || (call.op != Op::send && call.op != Op::receive)) {
              return std::nullopt;
            }
            const std::uint64_t drawn = call.random.between(std::uint64_t{1}, most);
            return CallVerdict{.most = static_cast<std::size_t>(drawn)};
          },
          "pieces " + host.name(),
          {"the pieces of " + host.name()}};
}

Rule buffers(const Host& host, net::BufferSizes sizes) {
  if (sizes.send < 2 || sizes.receive < 2) {
    refuseValue("buffers", "a size is below 2, of which half holds data; it is at least 2");
  }
  return {[host = &host, sizes](const Call& call) -> std::optional<CallVerdict> {
            if (&call.host != host || (call.op != Op::open && call.op != Op::listen)) {
              return std::nullopt;
            }
            return CallVerdict{.buffers = sizes};
          },
          "buffers " + host.name(),
          {"the buffers of " + host.name()}};
}

Rule answers(std::string name, std::vector<Answer> each) {
  if (each.empty()) refuseValue("answers", "there is no answer; give one at least");
  for (const Answer& answer : each) {
    if (answer.late < Tyme(0)) refuseValue("answers", "late is below 0");
  }
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return {[name, each = std::move(each),
           at = std::size_t{0}](const Call& call) mutable -> std::optional<CallVerdict> {
            if (call.op != Op::lookup || call.name != name) return std::nullopt;
            const Answer& answer = each[std::min(at++, each.size() - 1)];
            return CallVerdict{
                .code = answer.code, .late = answer.late, .addresses = answer.addresses};
          },
          "answers " + name,
          {"the answers about " + name}};
}

}  // namespace hio::sim
