// What the simulated kernels do with the packets that arrive.
#include <algorithm>

#include "sim/fabric.hpp"

namespace hio::sim {
void Fabric::inform(const End& end) noexcept {
  if (end.watcher != nullptr) end.watcher->ready(end.readiness());
}

void Fabric::fail(End& end, std::errc error) {
  end.error = codeOf(error);
  end.state = State::closed;
  disarm(end);
  inform(end);
}

void Fabric::forgetIfDone(Connection& connection) {
  for (const End& end : connection.ends) {
    if (end.open || !end.isDead()) return;
  }
  if (connection.pending > 0) return;
  const End& near = connection.ends[0];
  near.host->state_->ports[near.local.port - options_.firstPort] = false;
  connections_.erase(connection.self);
}

void Fabric::arrive(const Segment& segment) {
  Connection& connection = *segment.connection;
  const std::size_t side = 1U - segment.side;
  End& to = connection.ends.at(side);
  if (segment.kind == Packet::Kind::syn) return arriveSyn(segment);
  if (segment.kind == Packet::Kind::reset) return arriveReset(connection, side);
  if (to.state == State::closed) return answer(connection, side, Packet::Kind::reset);
  if (segment.kind == Packet::Kind::synAck) return arriveSynAck(segment);
  if (to.state == State::synReceived) establish(connection);
  arriveAck(segment);
  if (segment.kind == Packet::Kind::data) arriveData(segment);
  if (segment.kind == Packet::Kind::fin) arriveFin(segment);
  if (segment.kind == Packet::Kind::probe) answer(connection, side, Packet::Kind::ack);
}

void Fabric::arriveSyn(const Segment& segment) {
  Connection& connection = *segment.connection;
  const End& from = connection.ends[0];
  End& to = connection.ends[1];
  if (to.state == State::established) return answer(connection, 1, Packet::Kind::ack);
  if (to.state == State::synReceived) return answer(connection, 1, Packet::Kind::synAck);
  ListenSocket* const listener = listenerFor(*to.host, from.remote);
  if (listener == nullptr || from.state != State::synSent) {
    return answer(connection, 1, Packet::Kind::reset);
  }
  if (listener->isFull()) return lose(segment);
  // IPv4 addresses stay IPv4 ones, also with a listener on [::].
  to.local = from.remote;
  to.remote = from.local;
  to.sendRoom = std::max<std::size_t>(listener->buffers.send / 2, 1);
  to.receiveRoom = std::max<std::size_t>(listener->buffers.receive / 2, 1);
  to.edge = segment.edge;
  to.open = true;
  to.state = State::synReceived;
  connection.listener = listener;
  listener->halfOpen.push_back(&connection);
  answer(connection, 1, Packet::Kind::synAck);
}

void Fabric::arriveSynAck(const Segment& segment) {
  Connection& connection = *segment.connection;
  End& to = connection.ends[0];
  if (to.state == State::synSent) {
    to.state = State::established;
    to.edge = segment.edge;
    disarm(to);
  }
  answer(connection, 0, Packet::Kind::ack);
  push(connection, 0);
}

// The listener's end is complete.
void Fabric::establish(Connection& connection) {
  End& end = connection.ends[1];
  end.state = State::established;
  disarm(end);
  std::erase(connection.listener->halfOpen, &connection);
  ListenSocket& listener = *connection.listener;
  listener.queue.push_back(&connection);
  if (listener.watcher != nullptr) listener.watcher->ready({.readable = true});
}

void Fabric::arriveReset(Connection& connection, std::size_t side) {
  End& to = connection.ends.at(side);
  if (to.isDead()) return;
  tell(Event::Kind::reset, to);
  if (to.state == State::synReceived) {
    std::erase(connection.listener->halfOpen, &connection);
    connection.listener = nullptr;
    to.open = false;
    return fail(to, std::errc::connection_reset);
  }
  if (to.state == State::synSent) return fail(to, std::errc::connection_refused);
  fail(to, to.finArrived ? std::errc::broken_pipe : std::errc::connection_reset);
}

void Fabric::arriveAck(const Segment& segment) {
  Connection& connection = *segment.connection;
  const std::size_t side = 1U - segment.side;
  End& to = connection.ends.at(side);
  const std::uint64_t total = to.total();
  const bool answersProbe = to.next == to.acked();
  bool news = segment.edge > to.edge;
  if (segment.ack > to.acked()) {
    news = news || !to.out.empty();
    to.out.consume(static_cast<std::size_t>(std::min(segment.ack, total) - to.acked()));
  }
  if (to.finWanted && segment.ack > total) {
    news = news || !to.finAcked;
    to.finSent = to.finAcked = true;
  }
  to.next = std::max(to.next, to.acked());
  to.edge = std::max(to.edge, segment.edge);
  if (news || answersProbe) {
    to.tries = 0;
    to.recovering = false;
  }
  if (news) {
    to.probes = 0;
    if (to.probing) disarm(to);
  }
  if (!to.isOutstanding()) disarm(to);
  if (to.finAcked && to.finArrived) to.state = State::timeWait;
  push(connection, side);
}

void Fabric::arriveData(const Segment& segment) {
  Connection& connection = *segment.connection;
  const std::size_t side = 1U - segment.side;
  End& to = connection.ends.at(side);
  const End& from = connection.ends.at(segment.side);
  // What went before was lost and will come again.
  if (segment.seq > to.arrived) return arm(connection, segment.side);
  const auto known =
      static_cast<std::size_t>(std::min<std::uint64_t>(to.arrived - segment.seq, segment.bytes));
  if (known < segment.bytes) {
    const bool nobodyReads = !to.open || (to.readShut && to.finWanted);
    if (nobodyReads) {
      if (to.state == State::established) {
        answer(connection, side, Packet::Kind::reset);
        fail(to, std::errc::connection_reset);
      }
      return;
    }
    const auto at = static_cast<std::size_t>(to.arrived - from.acked());
    if (!to.deaf) to.in.append(from.out.view().subspan(at, segment.bytes - known));
    to.arrived += segment.bytes - known;
  }
  answer(connection, side, Packet::Kind::ack);
}

void Fabric::arriveFin(const Segment& segment) {
  Connection& connection = *segment.connection;
  const std::size_t side = 1U - segment.side;
  End& to = connection.ends.at(side);
  if (segment.seq > to.arrived) return arm(connection, segment.side);
  to.finArrived = true;
  answer(connection, side, Packet::Kind::ack);
  if (to.finAcked) to.state = State::timeWait;
}

}  // namespace hio::sim
