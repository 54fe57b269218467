// A simulated network: hosts, what is between them, and virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/net/net.hpp"
#include "hio/net/poller.hpp"
#include "hio/sim/export.hpp"
#include "hio/sim/rules.hpp"
#include "hio/sim/trace.hpp"

namespace hio::sim {

struct HostState;

// One machine: a net::Net for the programs that run on it. Calls come to what they would on Linux,
// with the same error codes. Made by World::host and lives as long as the world. fd() is -1 in all
// that it makes.
class HIO_SIM_EXPORT Host final : public net::Net {
 public:
  ~Host() override;

  const std::string& name() const noexcept;
  // As given, without the loopback addresses that every host has of its own.
  const std::vector<net::Ip>& addresses() const noexcept;
  // The text of the first address.
  std::string address() const { return addresses().front().text(); }

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override;
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override;
  net::Resolver& resolver() override;
  // Drawn from the world's seed.
  std::uint64_t seed() override;

  // The machine loses its power and is up again at once: its connections and listeners are gone
  // without a word to anybody. The programs' streams and listeners fail with ENETDOWN.
  void crash();

 private:
  friend class Fabric;
  explicit Host(std::unique_ptr<HostState> state);

  std::unique_ptr<HostState> state_;
};

struct WorldOptions {
  // The source of time; needed. A time that is set back makes the network's time stand still.
  base::Tymth tymth{};
  // Repeats everything that is left to chance.
  std::uint64_t seed = 0;
  // Of streams that ask for less, as they report them: half of it holds data.
  net::BufferSizes buffers{.send = 87'040, .receive = 131'072};
  // How often what is lost is sent again before ETIMEDOUT: a connection's first packet after 1 s,
  // others after 0.2 s, each time twice as long, 2 minutes at most. As on Linux, that makes 127 s
  // and 15 minutes.
  int synRetries = 6;
  int retries = 15;
  // The ports of outgoing connections and of listeners on port 0, from each host's range.
  std::uint16_t firstPort = 32'768;
  std::uint16_t lastPort = 60'999;
  // Make the bytes part of hash(). Turn off for contents that do not repeat.
  bool hashBytes = true;
  // Told each event as it happens; must not call the network.
  std::function<void(const Event&)> watch{};
};

// Something that is not as it should be at the end of a world.
struct Leftover {
  enum class Kind : std::uint8_t {
    stream,    // not closed by its program
    listener,  // not closed by its program
    unread,    // `bytes` arrived and were never received
    unsent,    // `bytes` were taken for sending and have not arrived
    held,      // a packet that a rule holds
    timer,     // will send again, or give up, at `tyme`
    lookup,    // not answered
  };

  Kind kind{};
  std::string host{};
  net::Endpoint near{};
  net::Endpoint far{};
  std::size_t bytes = 0;
  base::Tyme tyme{0};
  std::string name{};  // of the lookup

  // One line: what is left, and where.
  HIO_SIM_EXPORT std::string text() const;
};
HIO_SIM_EXPORT std::ostream& operator<<(std::ostream& out, const Leftover& left);

// Delivers what is due whenever a program calls its network, or when asked. Two worlds of one seed
// whose programs make the same calls at the same times are the same, event by event. Must outlive
// all streams and listeners on its hosts. Belongs to one thread.
class HIO_SIM_EXPORT World {
 public:
  // Throws std::invalid_argument, saying what to change, for an option out of its range.
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A new host, known to all by its name. Without addresses it gets one of its own, 10.0.0.1 and
  // on. Throws std::invalid_argument for a name or address that another host has, and for text
  // that is no address.
  Host& host(std::string name, const std::vector<std::string>& addresses = {});
  // One more name for a host or several; an answer has their addresses in this order. Throws
  // std::invalid_argument for an address that no host has and for a name that exists.
  void name(std::string name, const std::vector<std::string>& addresses);

  // The rule added last is asked first, and the first answer counts: a fault goes on top of the
  // link that it disturbs. Throws std::invalid_argument when a ready-made rule contradicts one in
  // force.
  [[nodiscard]] RuleGuard add(Rule rule);

  // Delivers what is due by now.
  void service();
  // Stands for the kernel's where a client or server is attached to a poller: its streams are told
  // of what arrives. It watches no descriptors, and its wait() does not wait: it delivers what is
  // due by now and counts that.
  net::Poller& poller() noexcept;
  // When something is due next, on the Tymist; empty: nothing is on its way.
  std::optional<base::Tyme> next();
  // Grows whenever a call of a program or a delivery has changed something: when it stands still
  // over a turn of all programs, nothing happens before next() or a program's own deadline.
  std::uint64_t moves() const noexcept;

  // Over all events so far: equal for the same seed and program, in every process and build.
  std::uint64_t hash() const noexcept;
  std::uint64_t events() const noexcept;
  // For the program's own choices, so that one seed repeats all.
  Random& random() noexcept;
  // What is not closed, delivered or done; empty at the end of a tidy program.
  std::vector<Leftover> leftovers();

 private:
  class SimPoller;

  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<SimPoller> poller_;
};

struct RunOptions {
  // Services the programs; called at least once for each moment.
  std::function<void()> step{};
  std::function<bool()> done{};
  // The earliest deadline of the programs; empty, or not given: they wait for the network only.
  std::function<std::optional<base::Tyme>()> wake{};
  base::Tyme limit = std::chrono::hours(1);
};

enum class Outcome : std::uint8_t {
  done,
  late,   // the limit has passed
  quiet,  // not done, and nothing is going to happen any more
};
HIO_SIM_EXPORT std::ostream& operator<<(std::ostream& out, Outcome outcome);

// Turns the programs in virtual time until done: time jumps to the next moment at which something
// can happen, so that waiting costs nothing. The limit counts from now. Throws std::runtime_error
// when time does not advance over a million turns, naming the moment.
HIO_SIM_EXPORT Outcome run(base::Tymist& tymist, World& world, const RunOptions& turns);

}  // namespace hio::sim
