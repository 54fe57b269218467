#include "swarm/checker.hpp"

#include <algorithm>

namespace hio::swarm {

using core::tcp::Client;
using core::tcp::OnCutoff;
using core::tcp::Phase;

namespace {

char byteAt(std::uint64_t position) noexcept {
  return static_cast<char>((position * 0x9e3779b97f4a7c15U) >> 56U);
}

// A listener on [::] sees an IPv4 address as a mapped one.
bool isSame(const net::Endpoint& a, const net::Endpoint& b) noexcept {
  if (a.port != b.port) return false;
  if (a.ip.family == b.ip.family) return a.ip == b.ip;
  const net::Ip& v4 = a.ip.family == net::Family::v4 ? a.ip : b.ip;
  const net::Ip& v6 = a.ip.family == net::Family::v4 ? b.ip : a.ip;
  return std::equal(v4.octets.begin(), v4.octets.begin() + 4, v6.octets.begin() + 12);
}

}  // namespace

void Checker::fail(const std::string& what) const {
  throw Violation(what + " [phase " + std::string(nameOf(client_.phase())) + ", epoch " +
                  std::to_string(client_.epoch()) + ", failure " +
                  (client_.failure() ? client_.failure()->message() : "none") + "]");
}

std::string Checker::fresh(std::size_t count) const {
  std::string text(count, '\0');
  for (std::size_t i = 0; i < count; ++i) text[i] = byteAt(given_ + i);
  return text;
}

void Checker::check() {
  require(!client_.cutoff() || wasCutoff_ || options_.onCutoff != OnCutoff::drop ||
              client_.txbs().empty(),
          "cut off, and what was to be dropped is still queued");
  wasCutoff_ = client_.cutoff();
  const std::size_t before = moves_;
  checkSent();
  moves_ = before;
  checkReceived();
  checkTraffic();
  checkPhase();
  checkFailure();
  checkEnds();
}

void Checker::checkServiced() {
  const std::uint64_t received = received_;
  const bool isCut = client_.cutoff() && !wasCutoff_;
  check();
  require(!isCut || client_.failure() == nullptr ||
              client_.failure()->stage() != core::tcp::Stage::send || hasStarved() ||
              near_.wires().back()->askedSinceError,
          "cut off by a send that failed, and what had arrived was not read");
  checkCut(received_ != received);
  checkTime();
}

// The machine could not do something for too long. The stream was only blocked by that.
bool Checker::hasStarved() const {
  return client_.failure() != nullptr && client_.failure()->code() == std::errc::no_buffer_space;
}

// A stream that is over is cut off, once what it brought is read: a few receives may be blocked
// before.
void Checker::checkCut(bool isReading) {
  if (!client_.connected() || client_.cutoff()) {
    overFor_ = 0;
    return;
  }
  const Wire& wire = *near_.wires().back();
  const bool isOver = wire.error || (wire.ended && (!options_.halfOpen || wire.shut));
  const bool mayWait =
      isReading || client_.unsent() || client_.rxbs().size() >= options_.limits.rxHigh;
  if (isOver && !mayWait) ++overFor_;
  require(overFor_ < 20, "the stream is over, and nothing is cut off");
}

// Nothing is overdue, and no pause is longer than it may be.
void Checker::checkTime() const {
  const Phase phase = client_.phase();
  const base::Tyme now = client_.tyme();
  require(client_.tymer().tyme() == now, "the timer goes by another time than the client");
  if (phase == Phase::waiting) {
    require(client_.deadline() > now, "a pause is over, and no attempt was begun");
    require(*client_.deadline() - now <= options_.retry.maxPause, "a pause is too long");
  }
  const bool attempting =
      phase == Phase::resolving || phase == Phase::connecting || phase == Phase::handshaking;
  if (attempting && options_.reconnectable && options_.timeout > base::Tyme(0)) {
    require(!client_.tymer().expired(), "an attempt has lasted longer than its timeout");
  }
}

// Every byte given is handed over once, or queued, or dropped where that was asked for. What a
// stream had accepted and the network never took goes out again on the next connection.
void Checker::checkSent() {
  const std::uint64_t queued = client_.txbs().size();
  require(queued <= given_, "more bytes are queued than were ever given");
  require(queued <= options_.limits.txLimit, "txbs is above its limit");
  std::uint64_t at = accepted_;
  for (; moves_ < near_.moves().size(); ++moves_) {
    const Notes::Move& move = near_.moves()[moves_];
    require(!move.early, "bytes have moved before the connection was there");
    if (!move.sent) continue;
    if (move.wire != sending_) {
      if (sending_ != nullptr) at -= sending_->unsent;
      sending_ = move.wire;
    }
    for (const char byte : move.bytes) {
      require(byte == byteAt(at), "the byte handed over at position ", at,
              " is another one: lost, repeated or out of order");
      ++at;
    }
  }
  const std::uint64_t front = given_ - queued;
  const std::uint64_t taken = at - (sending_ != nullptr ? sending_->unsent : 0);
  accepted_ = at;
  if (front == taken) return;
  const bool mayDrop = options_.onCutoff == OnCutoff::drop && front > taken && queued == 0;
  require(mayDrop, "given ", given_, ", handed over up to ", taken, ", but queued ", queued);
  accepted_ = front;
  sending_ = nullptr;
}

// rxbs holds what came, in order, and nothing else.
void Checker::checkReceived() {
  std::string came;
  for (; moves_ < near_.moves().size(); ++moves_) {
    if (!near_.moves()[moves_].sent) came += near_.moves()[moves_].bytes;
  }
  received_ += came.size();
  const help::Bytearray& rxbs = client_.rxbs();
  require(rxbs.consumed() + rxbs.size() == received_, "rxbs has had ",
          rxbs.consumed() + rxbs.size(), " bytes, but ", received_, " came");
  require(rxbs.size() <= options_.limits.rxHigh, "rxbs is above its limit");
  require(rxbs.size() < came.size() || rxbs.text().ends_with(came),
          "rxbs does not end with what came last");
}

void Checker::checkTraffic() const {
  const auto& wires = near_.wires();
  const auto& now = client_.traffic();
  require(client_.epoch() == wires.size(), "epoch is ", client_.epoch(), " after connection ",
          wires.size());
  if (wires.empty()) return;
  const Wire& last = *wires.back();
  require(now.sent == last.sent.size() - last.unsent, "traffic().sent is not what was handed over");
  require(now.received == last.received.size(), "traffic().received is not what came");
  const std::uint64_t start = received_ - last.received.size();
  const std::uint64_t consumed = client_.rxbs().consumed();
  require(client_.staleRx() == (start > consumed ? start - consumed : 0),
          "staleRx() does not lie at the epoch's start");
  if (wires.size() < 2) return;
  const Wire& previous = *wires[wires.size() - 2];
  require(client_.previousTraffic().sent == previous.sent.size() - previous.unsent &&
              client_.previousTraffic().received == previous.received.size(),
          "previousTraffic() is not that of the connection before");
}

void Checker::checkPhase() const {
  const Phase phase = client_.phase();
  const bool linked = phase == Phase::connected || phase == Phase::cutoff;
  const bool closed = phase == Phase::closed || phase == Phase::stopped;
  require(client_.connected() == linked, "connected() contradicts the phase");
  require(client_.accepted() == (linked || phase == Phase::handshaking),
          "accepted() contradicts the phase");
  require(client_.opened() == !closed, "opened() contradicts the phase");
  require(closed || client_.cutoff() == (phase == Phase::cutoff), "cutoff() contradicts the phase");
  constexpr int Racing = 3;  // as many as the server has addresses
  const int open = streams_.openNow();
  const int most = phase == Phase::connecting ? Racing : phase == Phase::handshaking ? 1 : 0;
  require(linked ? open == 1 : open <= most, static_cast<std::uint64_t>(open), " streams are open");
  if (linked) {
    require(near_.wires().back()->open, "connected on a stream that is closed");
  }
}

// While connected, a failure is there if and only if the stream has told one.
void Checker::checkFailure() {
  if (!client_.connected()) return;
  const Wire& wire = *near_.wires().back();
  const auto& failure = client_.failure();
  if (failure != nullptr && first_.epoch == client_.epoch()) {
    require(failure->stage() == first_.stage, "the first failure gave way to a later one");
  } else if (failure != nullptr) {
    first_ = {client_.epoch(), failure->stage()};
  }
  if (wire.error) {
    require(failure != nullptr, "the stream failed with ", wire.error->message(),
            ", and the client has no failure");
    require(hasStarved() || failure->code() == *wire.error,
            "the failure is not the stream's first one, ", wire.error->message());
  } else {
    require(failure == nullptr || hasStarved(), "a failure without an error of the stream");
  }
  require(!wire.sentAfterShut, "the client sends after it has ended its sending");
  require(!client_.cutoff() || wire.ended || wire.error || hasStarved(), "cut off by nothing");
  if (client_.ended()) require(wire.ended, "ended() without the far side's end");
}

Wire* Checker::peerOf(const Notes& others, const Wire& wire) {
  const auto& wires = others.wires();
  const auto found = std::find_if(wires.rbegin(), wires.rend(), [&wire](const auto& each) {
    return isSame(each->near, wire.far) && isSame(each->far, wire.near);
  });
  return found == wires.rend() ? nullptr : found->get();
}

// What one side received is a prefix of what the other handed over on that very connection.
void Checker::checkEnds() {
  for (const auto& there : far_.wires()) {
    Wire* const here = peerOf(near_, *there);
    checkEnd(*there, here, "the server");
    if (here == nullptr) {
      require(there->received.empty(), "the server received from a connection that was never made");
      continue;
    }
    compare(*here, *there, "the server");
    compare(*there, *here, "the client");
    require(there->sent.size() <= there->given.size() &&
                there->given.compare(0, there->sent.size(), there->sent) == 0,
            "a remoter handed over what it was not given");
  }
  if (!near_.wires().empty()) {
    const Wire& here = *near_.wires().back();
    checkEnd(here, peerOf(far_, here), "the client");
  }
}

// With TLS a clean end is the far side's word that this was all.
void Checker::checkEnd(const Wire& ended, const Wire* other, std::string_view who) const {
  if (&streams_ == &near_ || !ended.ended) return;
  require(other != nullptr && other->shut, who, " was told of a clean end that nobody has made");
  require(ended.received.size() == other->sent.size(), who,
          " was told of a clean end before all had arrived");
}

void Checker::checkFramed(const Notes& notes) const {
  constexpr std::size_t Header = 5;
  constexpr std::size_t Most = 16'384 + 256;
  for (const auto& wire : notes.wires()) {
    const auto at = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(wire->sent[wire->framed + i]));
    };
    while (wire->framed + Header <= wire->sent.size()) {
      const std::size_t length = at(3) << 8U | at(4);
      require(at(0) >= 20 && at(0) <= 23 && at(1) == 3 && length <= Most, "what was sent at ",
              wire->framed, " is no record of TLS");
      wire->framed += Header + length;
    }
  }
}

void Checker::compare(Wire& from, Wire& to, std::string_view who) const {
  const std::size_t fresh = to.received.size() - to.compared;
  require(to.received.size() <= from.sent.size(), who,
          " received more than the other side handed over in that epoch");
  require(to.received.compare(to.compared, fresh, from.sent, to.compared, fresh) == 0, who,
          " received other bytes than were handed over");
  to.compared = to.received.size();
}

void Checker::checkLog(const core::WireLog& log) const {
  std::string expected;
  for (const Notes::Move& move : near_.moves()) {
    expected += std::string("\n") + (move.sent ? "Tx " : "Rx ") +
                core::Address(move.wire->far).duple() + ":\n" + move.bytes + "\n";
  }
  const auto bytes = log.readRx();
  require(bytes && help::textOf(*bytes) == expected, "the wire log is not what went over the wire");
}

}  // namespace hio::swarm
