// The inside of a world: its time, its events, its rules and its TCP.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/sim/world.hpp"
#include "sim/connection.hpp"

namespace hio::sim {

class SimStream;

inline std::error_code codeOf(std::errc error) noexcept {
  return {static_cast<int>(error), std::system_category()};
}

struct Segment {
  Connection* connection = nullptr;
  std::uint8_t side = 0;  // of the sender
  Packet::Kind kind{};
  std::uint64_t seq = 0;
  std::size_t bytes = 0;
  std::uint64_t ack = 0;
  std::uint64_t edge = 0;
};

// What a lookup comes to.
struct LookedUp {
  std::vector<net::Ip> ips{};
  std::error_code code{};
  base::Tyme at{0};  // on the network's time
};

class Fabric {
 public:
  explicit Fabric(WorldOptions options);

  // ---- hosts and names (fabric.cpp)
  Host& addHost(std::string name, const std::vector<std::string>& addresses);
  void addName(std::string name, const std::vector<std::string>& addresses);
  Host* ownerOf(const net::Ip& ip) const;
  LookedUp answerOf(const Host& host, std::string_view name);
  void crash(Host& host);
  std::vector<Leftover> leftovers();
  const WorldOptions& options() const noexcept { return options_; }
  Random& random() noexcept { return random_; }

  // ---- time and events (fabric.cpp)
  // Delivers what is due; every call of a program starts with it.
  void sync();
  std::optional<base::Tyme> next();
  base::Tyme clock() const noexcept { return clock_; }
  void wakeAt(base::Tyme at);
  void moved() noexcept { ++moves_; }
  std::uint64_t moves() const noexcept { return moves_; }
  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t events() const noexcept { return events_; }
  void tell(Event::Kind kind, const Host& host, Event event = {});
  void tell(Event::Kind kind, const End& end, Event event = {});
  void tellBytes(Event::Kind kind, const End& end, std::span<const std::byte> bytes);

  // ---- rules (ruling.cpp)
  RuleGuard add(Rule rule);
  void remove(std::uint64_t number) noexcept;
  // What the rules make of a call; the parts of it that are the same for all are filled in here.
  struct Asking {
    Op op;
    net::Endpoint at{};
    std::uint64_t stream = 0;
    std::size_t bytes = 0;
    std::uint64_t moved = 0;
    std::string_view name{};
  };
  CallVerdict ask(const Host& host, const Asking& asking);

  // ---- streams and listeners that programs have
  std::uint64_t enter(SimStream& stream);
  void leave(std::uint64_t stream) { streams_.erase(stream); }
  std::uint64_t enterLookup(const Host& host, std::string name);
  void leaveLookup(std::uint64_t number) { lookups_.erase(number); }

  // ---- TCP (tcp.cpp, arriving.cpp)
  // Starts connecting; null, and `code` set, when that cannot be.
  Connection* connect(Host& host, const net::Endpoint& peer, const net::BufferSizes& buffers,
                      std::error_code& code);
  std::error_code listen(ListenSocket& listener);
  void closeListener(ListenSocket& listener);
  std::size_t send(Connection& connection, std::size_t side, std::span<const std::byte> bytes);
  std::size_t receive(Connection& connection, std::size_t side, std::span<std::byte> room);
  void shutdownSend(Connection& connection, std::size_t side);
  void close(Connection& connection, std::size_t side);
  void breakUp(Connection& connection, Ending ending);
  // This end has failed without a word to the far one.
  static void sever(Connection& connection, std::size_t side);
  // The program has received all that it will.
  static void discardIncoming(End& end) noexcept;
  net::BufferSizes sizesFor(const net::BufferSizes& wanted, const net::BufferSizes& ruled) const;

 private:
  enum class What : std::uint8_t { arrive, timer, wake };
  struct Due {
    base::Tyme at;
    std::uint64_t order;
    What what;
    std::uint32_t timer;
    Segment segment;
  };
  struct Later {
    bool operator()(const Due& a, const Due& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct Active {
    std::uint64_t number;
    Rule rule;
    bool removed = false;
  };
  struct Held {
    std::uint64_t rule;
    Segment segment;
  };

  base::Tyme networkNow();
  void schedule(base::Tyme at, What what, const Segment& segment, std::uint32_t timer = 0);
  bool isVoid(const Due& due) const noexcept;
  void dropVoid();
  void happen(const Due& due);
  Verdict verdictOf(const Segment& segment, std::uint64_t& rule);
  void sweepRules() noexcept;

  Segment segmentOf(Connection& connection, std::size_t side, Packet::Kind kind) const;
  // Gives how many bytes of data went.
  std::size_t transmit(Segment segment);
  void post(const Segment& segment, base::Tyme at);
  void lose(const Segment& segment);
  void push(Connection& connection, std::size_t side);
  void arm(Connection& connection, std::size_t side);
  static void disarm(End& end) noexcept;
  void expire(Connection& connection, std::size_t side);
  void resend(Connection& connection, std::size_t side);
  void answer(Connection& connection, std::size_t side, Packet::Kind kind);
  void arrive(const Segment& segment);
  void arriveSyn(const Segment& segment);
  void arriveSynAck(const Segment& segment);
  void arriveReset(Connection& connection, std::size_t side);
  void arriveAck(const Segment& segment);
  void arriveData(const Segment& segment);
  void arriveFin(const Segment& segment);
  void establish(Connection& connection);
  void fail(End& end, std::errc error);
  // Its program may have something to do.
  static void inform(const End& end) noexcept;
  void forgetIfDone(Connection& connection);
  ListenSocket* listenerFor(const Host& host, const net::Endpoint& target) const;
  std::uint16_t takePort(Host& host, const net::Endpoint& peer, bool toItself);

  WorldOptions options_;
  Random random_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<net::Ip, Host*> owners_;
  std::map<std::string, std::vector<net::Ip>, std::less<>> names_;

  base::Tyme seen_{0};    // on the Tymist
  base::Tyme shift_{0};   // from the Tymist's time to the network's
  base::Tyme clock_{0};   // the network's
  std::vector<Due> due_;  // a heap
  std::uint64_t order_ = 0;
  std::uint64_t moves_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t events_ = 0;

  std::vector<std::unique_ptr<Active>> rules_;
  std::uint64_t ruleNumber_ = 0;
  std::size_t packetRules_ = 0;
  std::size_t callRules_ = 0;
  int asking_ = 0;
  std::vector<Held> held_;

  std::list<Connection> connections_;
  std::uint64_t connectionNumber_ = 0;
  std::map<std::uint64_t, SimStream*> streams_;
  std::uint64_t streamNumber_ = 0;
  struct Asked {
    const Host* host;
    std::string name;
  };
  std::map<std::uint64_t, Asked> lookups_;
  std::uint64_t lookupNumber_ = 0;
};

}  // namespace hio::sim
