#include "sim/stream.hpp"
#include "help/probe.hpp"

#include <algorithm>
#include <utility>

namespace hio::sim {

using net::IoResult;

SimStream::SimStream(Fabric& fabric, Host& host, const net::Endpoint& peer,
                     const net::BufferSizes& sizes)
    : fabric_(fabric), host_(host), peer_(peer), sizes_(sizes), number_(fabric.enter(*this)) {}

SimStream::SimStream(Fabric& fabric, Connection& connection, const net::BufferSizes& sizes)
    : fabric_(fabric),
      host_(*connection.ends[1].host),
      peer_(connection.ends[1].remote),
      sizes_(sizes),
      connection_(&connection),
      side_(1),
      number_(fabric.enter(*this)),
      connected_(true) {
  end().stream = number_;
  end().watcher = &readiness_;
}

SimStream::~SimStream() {
  fabric_.sync();
  fabric_.tell(Event::Kind::closed, host_, {.stream = number_});
  if (connection_ != nullptr) {
    end().watcher = nullptr;
    fabric_.close(*connection_, side_);
  }
  fabric_.leave(number_);
}

CallVerdict SimStream::verdictOf(Op op, std::size_t bytes, std::uint64_t moved) {
  CallVerdict verdict = fabric_.ask(
      host_, {.op = op, .at = peer_, .stream = number_, .bytes = bytes, .moved = moved});
  if (verdict.ending != Ending::none && connection_ != nullptr) {
    HIO_PROBE("sim.ruled.ending");
    fabric_.breakUp(*connection_, verdict.ending);
    HIO_PROBE_IF("sim.ruled.deaf", op == Op::receive);
    if (op == Op::receive) Fabric::discardIncoming(end());
  }
  return verdict;
}

void SimStream::keep(std::error_code code) {
  HIO_PROBE_IF("sim.error.again", first_);
  if (first_) return;
  first_ = code;
  fabric_.tell(Event::Kind::failed, host_, {.stream = number_, .far = peer_, .code = code});
}

// What would merely block a transfer ends an attempt, as it does with the kernel's stream.
IoResult SimStream::refuse(std::error_code code) {
  keep(code);
  const IoResult result = IoResult::of(code, IoResult::On::write);
  HIO_PROBE_IF("sim.connect.short-of-memory", result.isBlocked());
  return result.isBlocked() ? IoResult::failed(code) : result;
}

IoResult SimStream::error(std::error_code code, IoResult::On on) {
  if (const IoResult result = IoResult::of(code, on); result.isBlocked()) return result;
  keep(code);
  return IoResult::of(first_, on);
}

// A call fails by a rule. A kernel that tells an error has given the connection up: what has
// arrived can be received, and nothing else goes.
IoResult SimStream::ruled(std::error_code code, IoResult::On on) {
  const IoResult result = error(code, on);
  if (result.isError() && connection_ != nullptr) {
    HIO_PROBE("sim.ruled.severed");
    fabric_.sever(*connection_, side_);
    end().error.clear();
  }
  return result;
}

IoResult SimStream::connect() {
  if (connected_) return IoResult::done();
  if (first_) return refuse(first_);
  fabric_.sync();
  const CallVerdict verdict = verdictOf(Op::connect, 0, 0);
  HIO_PROBE_IF("sim.connect.ruled", verdict.code);
  if (verdict.code) return refuse(verdict.code);
  if (connection_ == nullptr) {
    std::error_code code;
    connection_ = fabric_.connect(host_, peer_, sizes_, code);
    HIO_PROBE_IF("sim.connect.refused-at-once", connection_ == nullptr);
    if (connection_ == nullptr) return refuse(code);
    end().stream = number_;
    end().watcher = &readiness_;
    look();
    fabric_.tell(Event::Kind::connecting, end());
    return IoResult::blocked(IoResult::On::write);
  }
  HIO_PROBE_IF("sim.connect.error", end().error);
  if (end().error) return refuse(std::exchange(end().error, {}));
  if (end().state == State::synSent) return IoResult::blocked(IoResult::On::write);
  if (end().state == State::closed) return refuse(codeOf(std::errc::connection_aborted));
  connected_ = true;
  look();
  fabric_.tell(Event::Kind::connected, end());
  return IoResult::done();
}

IoResult SimStream::receive(std::span<std::byte> room) {
  fabric_.sync();
  if (room.empty()) return IoResult::done();
  const IoResult result = receiveNow(room);
  look();
  // A rule keeps it from receiving what has arrived.
  const bool ruled = result.isBlocked() && readiness_.known().readable;
  return ruled ? IoResult::lacking(IoResult::On::read) : result;
}

IoResult SimStream::receiveNow(std::span<std::byte> room) {
  const CallVerdict verdict = verdictOf(Op::receive, room.size(), received_);
  HIO_PROBE_IF("sim.receive.ruled", verdict.code);
  if (verdict.code) return ruled(verdict.code, IoResult::On::read);
  if (connection_ == nullptr) return error(codeOf(std::errc::not_connected), IoResult::On::read);
  HIO_PROBE_IF("sim.receive.nothing", end().in.empty());
  if (end().in.empty()) return nothingToReceive();
  HIO_PROBE_IF("sim.receive.piece", verdict.most < room.size());
  room = room.first(std::min(room.size(), verdict.most));
  if (room.empty()) return IoResult::blocked(IoResult::On::read);
  const std::size_t count = fabric_.receive(*connection_, side_, room);
  received_ += count;
  fabric_.tellBytes(Event::Kind::received, end(), room.first(count));
  return IoResult::done(count);
}

// In the order in which the kernel looks.
IoResult SimStream::nothingToReceive() {
  End& own = end();
  const bool finished = own.finArrived || own.deaf;
  const bool over = finished || own.readShut || (own.state == State::closed && !own.error);
  if (!finished && own.error) {
    HIO_PROBE("sim.receive.error");
    return error(std::exchange(own.error, {}), IoResult::On::read);
  }
  if (!over) return IoResult::blocked(IoResult::On::read);
  HIO_PROBE_IF("sim.receive.kept-error", first_);
  if (first_) return IoResult::of(first_, IoResult::On::read);
  if (!finished && !own.readShut) {
    return error(codeOf(std::errc::not_connected), IoResult::On::read);
  }
  HIO_PROBE_IF("sim.receive.ended", !endTold_);
  if (!std::exchange(endTold_, true)) fabric_.tell(Event::Kind::ended, own);
  return IoResult::ended();
}

IoResult SimStream::send(std::span<const std::byte> bytes) {
  return send(std::span<const std::span<const std::byte>>(&bytes, 1));
}

IoResult SimStream::send(std::span<const std::span<const std::byte>> pieces) {
  fabric_.sync();
  if (first_) return IoResult::of(first_, IoResult::On::write);
  std::size_t wanted = 0;
  for (const auto& piece : pieces) wanted += piece.size();
  if (wanted == 0) return IoResult::done();
  const IoResult result = sendNow(pieces, wanted);
  look();
  // A rule keeps it from sending though there is room.
  const bool ruled = result.isBlocked() && readiness_.known().writable;
  return ruled ? IoResult::lacking(IoResult::On::write) : result;
}

IoResult SimStream::sendNow(std::span<const std::span<const std::byte>> pieces,
                            std::size_t wanted) {
  const CallVerdict verdict = verdictOf(Op::send, wanted, sent_);
  HIO_PROBE_IF("sim.send.ruled", verdict.code);
  if (verdict.code) return ruled(verdict.code, IoResult::On::write);
  if (connection_ == nullptr) return error(codeOf(std::errc::broken_pipe), IoResult::On::write);
  End& own = end();
  HIO_PROBE_IF("sim.send.error", own.error);
  if (own.error) return error(std::exchange(own.error, {}), IoResult::On::write);
  if (own.state == State::synSent) return IoResult::blocked(IoResult::On::write);
  HIO_PROBE_IF("sim.send.after-end", own.finWanted);
  HIO_PROBE_IF("sim.send.dead", own.isDead());
  if (own.finWanted || own.isDead()) {
    return error(codeOf(std::errc::broken_pipe), IoResult::On::write);
  }
  std::size_t count = 0;
  for (const auto& piece : pieces) {
    const auto part = piece.first(std::min(piece.size(), verdict.most - count));
    const std::size_t taken = fabric_.send(*connection_, side_, part);
    if (taken > 0) fabric_.tellBytes(Event::Kind::sent, own, part.first(taken));
    count += taken;
    if (taken < piece.size()) break;
  }
  HIO_PROBE_IF("sim.send.short", count > 0 && count < wanted);
  sent_ += count;
  HIO_PROBE_IF("sim.send.full", count == 0);
  return count > 0 ? IoResult::done(count) : IoResult::blocked(IoResult::On::write);
}

net::Pending SimStream::pending() const noexcept {
  return {.received = readiness_.attached() && readiness_.known().readable};
}

bool SimStream::attach(net::Poller* poller, base::Waker waker) {
  readiness_.attach(poller, std::move(waker));
  return poller != nullptr;
}

void SimStream::look() noexcept {
  if (connection_ != nullptr) readiness_.found(end().readiness());
}

IoResult SimStream::shutdown(net::Direction direction) {
  fabric_.sync();
  const CallVerdict verdict = verdictOf(Op::shutdown, 0, 0);
  if (verdict.code) return IoResult::of(verdict.code, IoResult::On::write);
  HIO_PROBE_IF("sim.shutdown.dead", connection_ == nullptr || end().isDead());
  if (connection_ == nullptr || end().isDead()) {
    return IoResult::of(codeOf(std::errc::not_connected), IoResult::On::write);
  }
  End& own = end();
  if (own.state == State::synSent) {
    own.state = State::closed;
    own.armed = false;
    return IoResult::done();
  }
  fabric_.tell(Event::Kind::shut, own);
  if (direction != net::Direction::send) own.readShut = true;
  if (direction != net::Direction::receive) fabric_.shutdownSend(*connection_, side_);
  return IoResult::done();
}

net::Endpoint SimStream::local() const { return connected_ ? end().local : net::Endpoint{}; }

net::Endpoint SimStream::peer() const { return connected_ ? end().remote : net::Endpoint{}; }

// ---- listener -----------------------------------------------------------------------------------

namespace {

// As accept(2): what went wrong with one connection says nothing about the next one.
bool concernsOnlyThatConnection(const std::error_code& code) noexcept {
  return code == std::errc::connection_aborted || code == std::errc::protocol_error ||
         code == std::errc::no_protocol_option || code == std::errc::operation_not_supported ||
         code == std::errc::network_down || code == std::errc::network_unreachable ||
         code == std::errc::host_unreachable || code == std::errc::operation_not_permitted;
}

}  // namespace

SimListener::SimListener(Fabric& fabric, std::unique_ptr<ListenSocket> listener) noexcept
    : fabric_(fabric), socket_(std::move(listener)) {
  socket_->watcher = &readiness_;
}

SimListener::~SimListener() {
  fabric_.sync();
  fabric_.closeListener(*socket_);
}

bool SimListener::attach(net::Poller* poller, base::Waker waker) {
  readiness_.attach(poller, std::move(waker));
  return poller != nullptr;
}

net::Listener::Accepted SimListener::accept() {
  fabric_.sync();
  HIO_PROBE_IF("sim.accept.down", socket_->down);
  if (socket_->down) return {IoResult::lost(codeOf(std::errc::network_down))};
  while (!socket_->queue.empty()) {
    const CallVerdict verdict =
        fabric_.ask(*socket_->host, {.op = Op::accept, .at = socket_->local});
    const bool passOver = concernsOnlyThatConnection(verdict.code);
    if (verdict.code && !passOver) {
      fabric_.tell(Event::Kind::failed, *socket_->host,
                   {.near = socket_->local, .code = verdict.code});
      return {IoResult::of(verdict.code, IoResult::On::read)};
    }
    Connection& connection = *socket_->queue.front();
    HIO_PROBE_IF("sim.accept.ending", verdict.ending != Ending::none);
    if (verdict.ending != Ending::none) fabric_.breakUp(connection, verdict.ending);
    socket_->queue.pop_front();
    connection.listener = nullptr;
    auto stream = std::make_unique<SimStream>(fabric_, connection, socket_->buffers);
    HIO_PROBE_IF("sim.accept.passed-over", passOver);
    if (passOver) continue;
    fabric_.tell(Event::Kind::accepted, connection.ends[1]);
    return {IoResult::done(), std::move(stream)};
  }
  readiness_.found({});
  return {IoResult::blocked(IoResult::On::read)};
}

// ---- names --------------------------------------------------------------------------------------

SimLookup::SimLookup(Fabric& fabric, Host& host, std::string name)
    : fabric_(fabric),
      host_(host),
      name_(std::move(name)),
      number_(fabric.enterLookup(host, name_)) {}

IoResult SimLookup::poll(std::vector<net::Ip>& found) {
  fabric_.sync();
  if (!answer_) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (name_.empty() || std::any_of(name_.begin(), name_.end(), control)) {
      return IoResult::failed(net::ResolveError::badName);
    }
    fabric_.tell(Event::Kind::asked, host_);
    answer_ = fabric_.answerOf(host_, name_);
    if (answer_->at > fabric_.clock() && answer_->at < base::Tyme::max()) {
      fabric_.wakeAt(answer_->at);
    }
  }
  if (fabric_.clock() < answer_->at || answer_->at == base::Tyme::max()) {
    return IoResult::blocked(IoResult::On::read);
  }
  if (!std::exchange(told_, true)) {
    fabric_.tell(Event::Kind::answered, host_, {.code = answer_->code});
    fabric_.leaveLookup(number_);
  }
  HIO_PROBE_IF("sim.lookup.failed", answer_->code);
  if (answer_->code) return IoResult::failed(answer_->code);
  found.insert(found.end(), answer_->ips.begin(), answer_->ips.end());
  return IoResult::done(answer_->ips.size());
}

std::unique_ptr<net::Lookup> SimResolver::lookup(std::string name) {
  return std::make_unique<SimLookup>(fabric_, host_, std::move(name));
}

}  // namespace hio::sim
