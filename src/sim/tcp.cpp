// What the simulated kernels do for their programs' calls, and sending.
#include <algorithm>
#include <utility>

#include "sim/fabric.hpp"

namespace hio::sim {
namespace {

using base::Tyme;
using namespace std::chrono_literals;

constexpr Tyme FirstSynRetry = 1s;
constexpr Tyme FirstRetry = 200ms;
constexpr Tyme MostRetry = 2min;
constexpr int SynAckRetries = 5;
constexpr int OrphanRetries = 8;
constexpr std::size_t MostQueued = 4096;  // net.core.somaxconn

Tyme pauseBefore(const End& end) noexcept {
  const bool opening = end.state == State::synSent || end.state == State::synReceived;
  Tyme pause = opening ? FirstSynRetry : FirstRetry;
  for (int i = 0; i < std::max(end.tries, end.probes) && pause < MostRetry; ++i) pause *= 2;
  return std::min(pause, MostRetry);
}

net::Ip loopbackOf(net::Family family) noexcept {
  net::Ip ip{.family = family};
  if (family == net::Family::v4) ip.octets[0] = 127;
  ip.octets[family == net::Family::v4 ? 3 : 15] = 1;
  return ip;
}

bool isOwn(const Host& host, const net::Ip& ip) noexcept {
  return isLoopback(ip) ||
         std::find(host.addresses().begin(), host.addresses().end(), ip) != host.addresses().end();
}

// Whether two listeners stand in each other's way. [::] stands for every IPv4 address too.
bool clash(const net::Endpoint& a, const net::Endpoint& b) noexcept {
  if (a.port != b.port) return false;
  const auto covers = [](const net::Ip& any, const net::Ip& other) {
    return any.isAny() && (any.family == net::Family::v6 || other.family == net::Family::v4);
  };
  return a.ip == b.ip || covers(a.ip, b.ip) || covers(b.ip, a.ip);
}

}  // namespace

net::BufferSizes Fabric::sizesFor(const net::BufferSizes& wanted,
                                  const net::BufferSizes& ruled) const {
  const auto size = [](std::size_t ruling, std::size_t usual, std::size_t least) {
    return ruling != 0 ? std::max<std::size_t>(ruling, 2) : std::max(usual, 2 * least);
  };
  return {.send = size(ruled.send, options_.buffers.send, wanted.send),
          .receive = size(ruled.receive, options_.buffers.receive, wanted.receive)};
}

// ---- listening ----------------------------------------------------------------------------------

std::error_code Fabric::listen(ListenSocket& listener) {
  HostState& state = *listener.host->state_;
  if (!listener.local.ip.isAny() && !isOwn(*listener.host, listener.local.ip)) {
    return codeOf(std::errc::address_not_available);
  }
  const auto taken = [&] {
    return std::any_of(
        state.listeners.begin(), state.listeners.end(),
        [&](const ListenSocket* other) { return clash(listener.local, other->local); });
  };
  if (listener.local.port == 0) {
    const std::size_t ports = state.ports.size();
    std::size_t tried = 0;
    do {
      if (tried++ == ports) return codeOf(std::errc::address_in_use);
      const std::size_t at = state.nextPort++ % ports;
      listener.local.port = static_cast<std::uint16_t>(options_.firstPort + at);
    } while (taken() || state.ports[listener.local.port - options_.firstPort]);
  } else if (taken()) {
    return codeOf(std::errc::address_in_use);
  }
  listener.most = std::min(listener.most, MostQueued) + 1;
  state.listeners.push_back(&listener);
  return {};
}

void Fabric::closeListener(ListenSocket& listener) {
  std::erase(listener.host->state_->listeners, &listener);
  std::vector<Connection*> waiting(listener.queue.begin(), listener.queue.end());
  waiting.insert(waiting.end(), listener.halfOpen.begin(), listener.halfOpen.end());
  for (Connection* const connection : waiting) {
    End& end = connection->ends[1];
    end.open = false;
    connection->listener = nullptr;
    if (end.state != State::closed) answer(*connection, 1, Packet::Kind::reset);
    end.state = State::closed;
    disarm(end);
    forgetIfDone(*connection);
  }
}

ListenSocket* Fabric::listenerFor(const Host& host, const net::Endpoint& target) const {
  const auto& listeners = host.state_->listeners;
  const auto find = [&listeners](const net::Endpoint& at) {
    const auto found =
        std::find_if(listeners.begin(), listeners.end(),
                     [&](const ListenSocket* listener) { return listener->local == at; });
    return found == listeners.end() ? nullptr : *found;
  };
  if (ListenSocket* const exact = find(target)) return exact;
  if (ListenSocket* const any = find({.ip = {.family = target.ip.family}, .port = target.port})) {
    return any;
  }
  return find({.ip = {.family = net::Family::v6}, .port = target.port});
}

// ---- connecting ---------------------------------------------------------------------------------

std::uint16_t Fabric::takePort(Host& host, const net::Endpoint& peer, bool toItself) {
  HostState& state = *host.state_;
  const std::size_t ports = state.ports.size();
  for (std::size_t tried = 0; tried < ports; ++tried) {
    const std::size_t at = state.nextPort++ % ports;
    const auto port = static_cast<std::uint16_t>(options_.firstPort + at);
    // Linux could connect the socket to itself here; the kernel's Stream does not let that pass.
    if (state.ports[at] || (toItself && port == peer.port)) continue;
    if (std::any_of(
            state.listeners.begin(), state.listeners.end(),
            [port](const ListenSocket* listener) { return listener->local.port == port; })) {
      continue;
    }
    state.ports[at] = true;
    return port;
  }
  return 0;
}

Connection* Fabric::connect(Host& host, const net::Endpoint& peer, const net::BufferSizes& buffers,
                            std::error_code& code) {
  net::Endpoint target = peer;
  if (target.ip.isAny()) target.ip = loopbackOf(target.ip.family);
  Host* const to = isLoopback(target.ip) ? &host : ownerOf(target.ip);
  const auto& own = host.addresses();
  const auto near = std::find_if(own.begin(), own.end(), [&target](const net::Ip& ip) {
    return ip.family == target.ip.family;
  });
  const bool byLoopback = isLoopback(target.ip);
  if (to == nullptr || (near == own.end() && !byLoopback)) {
    code = codeOf(std::errc::network_unreachable);
    return nullptr;
  }
  const std::uint16_t port = takePort(host, target, to == &host);
  if (port == 0) {
    code = codeOf(std::errc::address_not_available);
    return nullptr;
  }
  Connection& connection = connections_.emplace_back();
  connection.self = std::prev(connections_.end());
  connection.number = ++connectionNumber_;
  End& end = connection.ends[0];
  end.host = &host;
  end.local = {.ip = byLoopback ? loopbackOf(target.ip.family) : (to == &host ? target.ip : *near),
               .port = port};
  end.remote = target;
  end.open = true;
  end.state = State::synSent;
  end.sendRoom = std::max<std::size_t>(buffers.send / 2, 1);
  end.receiveRoom = std::max<std::size_t>(buffers.receive / 2, 1);
  End& far = connection.ends[1];
  far.host = to;
  far.local = end.remote;
  far.remote = end.local;
  transmit(segmentOf(connection, 0, Packet::Kind::syn));
  return &connection;
}

// ---- an open connection -------------------------------------------------------------------------

std::size_t Fabric::send(Connection& connection, std::size_t side,
                         std::span<const std::byte> bytes) {
  End& end = connection.ends.at(side);
  const std::size_t room = end.sendRoom - std::min(end.sendRoom, end.out.size());
  const std::size_t count = std::min(bytes.size(), room);
  end.out.append(bytes.first(count));
  push(connection, side);
  return count;
}

std::size_t Fabric::receive(Connection& connection, std::size_t side, std::span<std::byte> room) {
  End& end = connection.ends.at(side);
  const std::size_t count = std::min(room.size(), end.in.size());
  std::copy_n(end.in.view().begin(), count, room.begin());
  end.in.consume(count);
  // As against the silly window syndrome: the far side hears of room once there is enough of it.
  const std::uint64_t edge = end.roomEnd();
  if (end.state == State::established && !end.finArrived &&
      edge - end.advertised >= std::max<std::size_t>(end.receiveRoom / 2, 1)) {
    answer(connection, side, Packet::Kind::ack);
  }
  return count;
}

void Fabric::shutdownSend(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  end.finWanted = true;
  push(connection, side);
}

void Fabric::close(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  end.open = false;
  if (end.state == State::synSent) {
    end.state = State::closed;
    disarm(end);
  } else if (end.state == State::established) {
    if (end.in.empty()) {
      shutdownSend(connection, side);
    } else {
      answer(connection, side, Packet::Kind::reset);
      end.state = State::closed;
      disarm(end);
    }
  }
  forgetIfDone(connection);
}

void Fabric::discardIncoming(End& end) noexcept {
  end.in.clear();
  end.deaf = end.state != State::closed;
}

void Fabric::sever(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  end.state = State::closed;
  disarm(end);
}

void Fabric::breakUp(Connection& connection, Ending ending) {
  for (std::size_t side : {std::size_t(0), std::size_t(1)}) {
    const End& end = connection.ends.at(side);
    if (ending == Ending::reset && !end.isDead()) arriveReset(connection, side);
    // As from a machine in between that closes: what is sent later finds nobody.
    if (ending == Ending::finish && end.state == State::established && !end.finSent) {
      post(segmentOf(connection, side, Packet::Kind::fin), clock_);
    }
  }
  connection.isFinished = ending == Ending::finish;
}

// ---- sending ------------------------------------------------------------------------------------

Segment Fabric::segmentOf(Connection& connection, std::size_t side, Packet::Kind kind) const {
  const End& end = connection.ends.at(side);
  return {.connection = &connection,
          .side = static_cast<std::uint8_t>(side),
          .kind = kind,
          .seq = end.next,
          .bytes = 0,
          .ack = end.arrived + (end.finArrived ? 1 : 0),
          .edge = end.roomEnd()};
}

void Fabric::answer(Connection& connection, std::size_t side, Packet::Kind kind) {
  transmit(segmentOf(connection, side, kind));
}

std::size_t Fabric::transmit(Segment segment) {
  End& from = segment.connection->ends.at(segment.side);
  std::uint64_t rule = 0;
  const bool isNews = segment.kind != Packet::Kind::ack && segment.kind != Packet::Kind::reset;
  const Verdict verdict =
      segment.connection->isFinished && isNews ? Verdict::refuse() : verdictOf(segment, rule);
  segment.bytes = std::min(segment.bytes, std::max<std::size_t>(verdict.most, 1));
  from.advertised = segment.edge;
  const Event event{.bytes = segment.bytes};
  switch (verdict.kind) {
    case Verdict::Kind::deliver:
      post(segment, help::saturatingAdd(clock_, std::max(verdict.delay, Tyme(0))));
      break;
    case Verdict::Kind::drop:
      tell(Event::Kind::dropped, from, event);
      lose(segment);
      break;
    case Verdict::Kind::hold:
      tell(Event::Kind::held, from, event);
      ++segment.connection->pending;
      held_.push_back({rule, segment});
      break;
    case Verdict::Kind::refuse:
      tell(Event::Kind::refused, from, event);
      if (segment.kind != Packet::Kind::reset) {
        post(segmentOf(*segment.connection, 1U - segment.side, Packet::Kind::reset), clock_);
      }
      break;
  }
  return segment.bytes;
}

// Packets of one direction never overtake each other.
void Fabric::post(const Segment& segment, Tyme at) {
  End& from = segment.connection->ends.at(segment.side);
  from.lastArrival = std::max(from.lastArrival, at);
  schedule(from.lastArrival, What::arrive, segment);
}

// Timers run only after a loss: what is on its way is known to arrive.
void Fabric::lose(const Segment& segment) {
  Connection& connection = *segment.connection;
  const std::size_t far = 1U - segment.side;
  switch (segment.kind) {
    case Packet::Kind::ack:
    case Packet::Kind::reset:
      arm(connection, far);
      break;
    case Packet::Kind::synAck:
      arm(connection, far);
      arm(connection, segment.side);
      break;
    default:
      arm(connection, segment.side);
  }
}

void Fabric::push(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  if (end.state != State::established || end.recovering) return;
  while (end.next < end.total() && end.next < end.edge) {
    Segment segment = segmentOf(connection, side, Packet::Kind::data);
    segment.bytes = static_cast<std::size_t>(std::min(end.total(), end.edge) - end.next);
    end.next += transmit(segment);
  }
  // The news that there is room again may be lost, so it is asked for.
  if (end.next < end.total() && end.next == end.acked() && !end.armed) {
    arm(connection, side);
    end.probing = end.armed;
  }
  if (end.finWanted && !end.finSent && end.next == end.total()) {
    end.finSent = true;
    answer(connection, side, Packet::Kind::fin);
  }
}

// ---- what was lost ------------------------------------------------------------------------------

void Fabric::arm(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  if (end.armed || end.isDead() || !end.isOutstanding()) return;
  end.armed = true;
  end.timerAt = help::saturatingAdd(clock_, pauseBefore(end));
  schedule(end.timerAt, What::timer, segmentOf(connection, side, Packet::Kind::probe), ++end.timer);
}

void Fabric::disarm(End& end) noexcept {
  end.armed = end.recovering = end.probing = false;
  end.tries = end.probes = 0;
}

void Fabric::expire(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  end.armed = false;
  int most = end.open ? options_.retries : std::min(options_.retries, OrphanRetries);
  if (end.state == State::synSent) most = options_.synRetries;
  if (end.state == State::synReceived) most = SynAckRetries;
  if (end.tries < most) {
    ++end.tries;
    if (std::exchange(end.probing, false)) ++end.probes;
    tell(Event::Kind::resent, end);
    resend(connection, side);
    return;
  }
  if (end.state == State::synReceived) {
    std::erase(connection.listener->halfOpen, &connection);
    connection.listener = nullptr;
    end.open = false;
  }
  fail(end, std::errc::timed_out);
}

void Fabric::resend(Connection& connection, std::size_t side) {
  End& end = connection.ends.at(side);
  if (end.state == State::synSent) return answer(connection, side, Packet::Kind::syn);
  if (end.state == State::synReceived) return answer(connection, side, Packet::Kind::synAck);
  end.recovering = true;
  end.next = end.acked();
  end.finSent = false;
  if (end.out.empty()) {
    end.finSent = true;
    return answer(connection, side, Packet::Kind::fin);
  }
  Segment segment = segmentOf(connection, side, Packet::Kind::data);
  segment.bytes =
      static_cast<std::size_t>(std::min(end.total(), end.edge) - std::min(end.next, end.edge));
  if (segment.bytes == 0) segment.kind = Packet::Kind::probe;
  end.next += transmit(segment);
}

}  // namespace hio::sim
