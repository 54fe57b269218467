// What the simulated machines' kernels know of connections and listeners.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <system_error>
#include <vector>

#include "hio/help/bytearray.hpp"
#include "hio/net/net.hpp"
#include "hio/net/poller.hpp"
#include "hio/sim/world.hpp"

namespace hio::sim {

inline bool isLoopback(const net::Ip& ip) noexcept {
  if (ip.family == net::Family::v4) return ip.octets[0] == 127;
  net::Ip rest = ip;
  rest.octets[15] = 0;
  return rest.isAny() && ip.octets[15] == 1;
}

enum class State : std::uint8_t { closed, synSent, synReceived, established, timeWait };

// One end of a connection. Bytes are numbered from 0 in each direction; the FIN comes after the
// last one.
struct End {
  Host* host = nullptr;
  net::Endpoint local{};
  net::Endpoint remote{};
  std::uint64_t stream = 0;  // the program's stream; 0: none yet
  State state = State::closed;
  std::error_code error{};  // told once, by the next call
  bool open = false;        // the program has the stream, or can still accept it

  help::Bytearray out;     // taken from the program and not yet acknowledged
  std::uint64_t next = 0;  // the first byte not yet sent
  std::uint64_t edge = 0;  // the far side has room for bytes before this one
  std::size_t sendRoom = 0;
  bool finWanted = false;
  bool finSent = false;
  bool finAcked = false;

  help::Bytearray in;  // arrived and not yet received by the program
  std::uint64_t arrived = 0;
  std::uint64_t advertised = 0;  // the edge that the far side was told
  std::size_t receiveRoom = 0;
  bool finArrived = false;
  bool readShut = false;
  bool deaf = false;  // a rule has ended what the program receives: the rest arrives for nothing

  int tries = 0;            // unanswered in a row
  int probes = 0;           // of a window that stays closed
  bool probing = false;     // the timer waits for room, not for an acknowledgement
  bool recovering = false;  // only what was lost first is sent, until it is acknowledged
  bool armed = false;
  std::uint32_t timer = 0;  // of the timer that counts; earlier ones are void
  base::Tyme timerAt{0};
  base::Tyme lastArrival = base::Tyme::min();  // of packets that this end sent
  net::ReadinessHandler* watcher = nullptr;    // told when something has changed; may be null

  std::uint64_t acked() const noexcept { return out.consumed(); }
  std::uint64_t total() const noexcept { return out.consumed() + out.size(); }
  // Before which byte there is room.
  std::uint64_t roomEnd() const noexcept { return (deaf ? arrived : in.consumed()) + receiveRoom; }
  bool isDead() const noexcept { return state == State::closed || state == State::timeWait; }
  // What a call of the program would not have to wait for.
  net::Readiness readiness() const noexcept {
    const bool failed = error || state == State::closed;
    return {.readable = failed || !in.empty() || finArrived || deaf || readShut,
            .writable = failed || finWanted || (state != State::synSent && out.size() < sendRoom),
            .ending = failed};
  }
  bool isOutstanding() const noexcept {
    return state == State::synSent || state == State::synReceived || !out.empty() ||
           (finWanted && !finAcked);
  }
};

struct ListenSocket;

struct Connection {
  std::uint64_t number = 0;
  std::array<End, 2> ends{};         // the one that connects, the one that listens
  ListenSocket* listener = nullptr;  // where it waits to be accepted
  std::size_t pending = 0;           // events that name it
  bool isFinished = false;           // by a rule
  std::list<Connection>::iterator self{};
};

// A listening socket.
struct ListenSocket {
  Host* host = nullptr;
  net::Endpoint local{};
  std::size_t most = 0;  // connections that wait at once
  net::BufferSizes buffers{};
  std::vector<Connection*> halfOpen{};
  std::deque<Connection*> queue{};
  bool down = false;  // the host has crashed
  net::ReadinessHandler* watcher = nullptr;

  bool isFull() const noexcept { return halfOpen.size() + queue.size() >= most; }
};

class SimResolver final : public net::Resolver {
 public:
  SimResolver(Fabric& fabric, Host& host) noexcept : fabric_(fabric), host_(host) {}
  std::unique_ptr<net::Lookup> lookup(std::string name) override;

 private:
  Fabric& fabric_;
  Host& host_;
};

struct HostState {
  Fabric* fabric = nullptr;
  std::string name{};
  std::vector<net::Ip> ips{};
  std::vector<ListenSocket*> listeners{};  // in the order of their listen()
  std::vector<bool> ports{};  // of outgoing connections, from the first port of the range
  std::size_t nextPort = 0;
  Random seeds{0};
  std::unique_ptr<SimResolver> resolver{};
};

}  // namespace hio::sim
