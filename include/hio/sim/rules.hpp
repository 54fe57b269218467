// Rules of a simulated network: what becomes of a packet, and what a program's call comes to.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/net/net.hpp"
#include "hio/sim/export.hpp"
#include "hio/sim/random.hpp"

namespace hio::sim {

class Host;
class Fabric;

inline constexpr std::size_t All = std::numeric_limits<std::size_t>::max();

// One packet on its way. A reference is good only while the rule is asked.
struct Packet {
  enum class Kind : std::uint8_t { syn, synAck, data, fin, ack, probe, reset };

  Kind kind;
  const Host& from;
  const Host& to;
  net::Endpoint source;
  net::Endpoint target;
  std::size_t bytes;         // of payload; headers are not counted
  std::uint64_t connection;  // from 1, in the order of their first packets
  base::Tyme tyme;           // when it is sent, on a time that never goes back
  Random& random;            // repeats with the world's seed
};

// What becomes of a packet. TCP makes the best of it: what is dropped is sent again, later and
// later, until it is given up with ETIMEDOUT.
struct Verdict {
  enum class Kind : std::uint8_t {
    deliver,  // after `delay`, never before an earlier packet of the same connection
    drop,
    hold,    // stays in flight until the rule is removed, then arrives at once
    refuse,  // is thrown away and answered with a reset
  };

  Kind kind = Kind::deliver;
  base::Tyme delay{0};
  std::size_t most = All;  // bytes of data that go in one packet; the rest follows in others

  static Verdict deliver(base::Tyme delay, std::size_t most = All) noexcept {
    return {Kind::deliver, delay, most};
  }
  static Verdict drop() noexcept { return {.kind = Kind::drop}; }
  static Verdict hold() noexcept { return {.kind = Kind::hold}; }
  static Verdict refuse() noexcept { return {.kind = Kind::refuse}; }
};

enum class Op : std::uint8_t { open, listen, accept, connect, receive, send, shutdown, lookup };
HIO_SIM_EXPORT std::string_view nameOf(Op op) noexcept;

// One call of a program on its host's network. A reference is good only while the rule is asked.
struct Call {
  Op op;
  const Host& host;
  net::Endpoint at;       // where the stream leads, or the listener listens
  std::uint64_t stream;   // its number; 0: none yet
  std::size_t bytes;      // that the program wants moved
  std::uint64_t moved;    // that this stream has moved so far by this operation
  std::string_view name;  // that is looked up
  base::Tyme tyme;
  Random& random;
};

// How the connection ends. By a receive, it loses what has arrived and was not received yet.
enum class Ending : std::uint8_t {
  none,
  reset,   // both sides find the connection reset
  finish,  // both sides see the other's clean end, after what was sent so far; what is sent later
           // is answered with a reset
};

// What a call comes to; what is not said is as usual.
struct CallVerdict {
  std::error_code code{};            // it fails so, once
  std::size_t most = All;            // it moves at most so many bytes; 0: it is blocked
  Ending ending = Ending::none;      // the connection ends so first
  net::BufferSizes buffers{};        // of the new stream, as reported; 0: as usual
  base::Tyme late{0};                // a lookup: when it is answered, from now
  std::vector<net::Ip> addresses{};  // a lookup: the answer; empty: the true one
};

// A rule is asked about every packet, or about every call, and answers for those that are its own;
// an empty answer leaves the packet or call to the next rule. Any lambda from `const Packet&` or
// `const Call&` to the optional fate is one; it may draw from `random` and keep state of its own,
// and must not call the network.
class Rule {
 public:
  using OnPacket = std::function<std::optional<Verdict>(const Packet&)>;
  using OnCall = std::function<std::optional<CallVerdict>(const Call&)>;

  template <class F>
  requires(std::invocable<F&, const Packet&> && !std::same_as<F, Rule>)
      Rule(F onPacket, std::string name = "a rule for packets",
           std::vector<std::string> settles = {})
      : onPacket_(std::move(onPacket)), name_(std::move(name)), settles_(std::move(settles)) {}
  template <class F>
  requires(std::invocable<F&, const Call&> && !std::same_as<F, Rule>)
      Rule(F onCall, std::string name = "a rule for calls", std::vector<std::string> settles = {})
      : onCall_(std::move(onCall)), name_(std::move(name)), settles_(std::move(settles)) {}

  const std::string& name() const noexcept { return name_; }

 private:
  friend class Fabric;
  OnPacket onPacket_{};
  OnCall onCall_{};
  std::string name_;
  std::vector<std::string> settles_;  // no two rules of a world settle the same
};

// Keeps a rule in force; removes it when destroyed, which releases what it holds. Must not outlive
// the world, unless stay() was called.
class HIO_SIM_EXPORT RuleGuard {
 public:
  RuleGuard() noexcept = default;
  RuleGuard(Fabric& fabric, std::uint64_t number) noexcept : fabric_(&fabric), number_(number) {}
  ~RuleGuard() { remove(); }
  RuleGuard(RuleGuard&& other) noexcept
      : fabric_(std::exchange(other.fabric_, nullptr)), number_(other.number_) {}
  RuleGuard& operator=(RuleGuard&& other) noexcept {
    std::swap(fabric_, other.fabric_);
    std::swap(number_, other.number_);
    return *this;
  }

  void remove() noexcept;
  // Leaves the rule in force for the rest of the world's life.
  void stay() noexcept { fabric_ = nullptr; }

 private:
  Fabric* fabric_ = nullptr;
  std::uint64_t number_ = 0;
};

// ---- ready-made rules ---------------------------------------------------------------------------
// All throw std::invalid_argument for a value out of its range, saying what to change.

struct LinkQuality {
  base::Tyme latency{0};             // one way
  base::Tyme jitter{0};              // evenly added, from 0 to this
  std::uint64_t bytesPerSecond = 0;  // each way; 0: no limit
  std::size_t piece = All;           // most bytes in a packet
};
// How packets between two hosts travel, both ways.
HIO_SIM_EXPORT Rule link(const Host& a, const Host& b, LinkQuality link);
// How all packets between different hosts travel.
HIO_SIM_EXPORT Rule link(LinkQuality link);

// Nothing passes between a and b; nothing from `from` to `to`.
HIO_SIM_EXPORT Rule partition(const Host& a, const Host& b);
HIO_SIM_EXPORT Rule partitionOneWay(const Host& from, const Host& to);
// So many packets in a thousand are lost, each way.
HIO_SIM_EXPORT Rule loss(const Host& a, const Host& b, std::uint32_t perMille);
// Packets between a and b stay in flight until the rule is removed.
HIO_SIM_EXPORT Rule hold(const Host& a, const Host& b);
// Attempts to connect to that port are refused, or never answered, as by a firewall.
HIO_SIM_EXPORT Rule refuse(const Host& host, std::uint16_t port);
HIO_SIM_EXPORT Rule blackHole(const Host& host, std::uint16_t port);

// Which calls of an operation: the nth on that host since the rule was added, from 1, and those
// after it, so many in all.
struct Nth {
  std::uint64_t nth = 1;
  std::uint64_t times = 1;
};
HIO_SIM_EXPORT Rule fail(const Host& host, Op op, std::errc error, Nth which = {});
// The connection ends at those calls.
HIO_SIM_EXPORT Rule end(const Host& host, Op op, Ending ending, Nth which = {});
// Each connection of the host ends once it has sent or received so many bytes.
HIO_SIM_EXPORT Rule endAtByte(const Host& host, Op op, Ending ending, std::uint64_t bytes);
// Each send and receive of the host moves from 1 to `most` bytes, drawn evenly.
HIO_SIM_EXPORT Rule pieces(const Host& host, std::size_t most);
// New streams of the host have buffers of so many bytes, as they report them: half of it holds
// data.
HIO_SIM_EXPORT Rule buffers(const Host& host, net::BufferSizes sizes);

struct Answer {
  std::vector<net::Ip> addresses{};  // empty, and no code: the true ones
  std::error_code code{};            // such as net::ResolveError::tryAgain
  base::Tyme late{0};
};
// The lookups of `name`, on any host, are answered so, one after the other; the last one goes on.
HIO_SIM_EXPORT Rule answers(std::string name, std::vector<Answer> each);

}  // namespace hio::sim
