#include "hio/core/tcp/link.hpp"
#include "help/probe.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hio::core::tcp {
namespace {

// Bounds the system calls of one service() when the far side sends in tiny pieces.
constexpr int MostReceives = 256;
// Of those, the ones that bring little for the room they have: each may cost as much CPU as a large
// one, such as many small records of TLS.
constexpr int MostPoorReceives = 16;
// Of one receive, unless bs is smaller or larger.
constexpr std::size_t LeastRead = 512;
constexpr std::size_t MostRead = std::size_t(64) * 1024;
// What rxbs grows by at most while a stream fills it.
constexpr std::size_t MostBlock = std::size_t(1) << 20U;
// The largest block that rxbs keeps when nothing comes.
constexpr std::size_t IdleBlock = 4096;

std::size_t atLeastOne(std::size_t value, std::string_view field) {
  if (value == 0) throw std::invalid_argument(std::string(field) + " is 0; it is at least 1 byte");
  return value;
}

}  // namespace

Link::Link(const Setup& setup)
    : Tymee(setup.tymth),
      bs_(atLeastOne(setup.bs, "bs")),
      txbs_(setup.txbs != nullptr ? setup.txbs : &ownTxbs_),
      rxbs_(setup.rxbs != nullptr ? setup.rxbs : &ownRxbs_),
      readSize_(std::min(setup.bs, LeastRead)),
      limits_(setup.limits),
      wl_(setup.wl),
      halfOpen_(setup.halfOpen) {
  atLeastOne(limits_.rxHigh, "limits.rxHigh");
  atLeastOne(limits_.txLimit, "limits.txLimit");
  atLeastOne(limits_.rxBudget, "limits.rxBudget");
}

Link::~Link() {
  discard();
  while (observers_ != nullptr) {
    const base::Waker waker = observers_->waker_;
    observers_->detach();
    waker.wake();
  }
}

// ---- the connection -----------------------------------------------------------------------------

void Link::adopt(std::unique_ptr<net::Stream>&& stream) {
  if (wl_ != nullptr) who_ = std::make_unique<std::string>(Address(stream->peer()).duple());
  // Nothing throws from here on.
  stream_.reset(std::move(stream), binding_);
  traffic_ = {.epoch = traffic_.epoch + 1};
  accepted_ = inStream_ = 0;
  receiveShortage_ = sendShortage_ = {};
  failure_.reset();
  clearEnds();
  changed();
}

void Link::discard() noexcept {
  if (!stream_) return;
  // A process that inherited the descriptor would hold the connection open otherwise.
  (void)stream_->shutdown(net::Direction::both);
  consumeTaken(stream_->pending().unsent);
  stream_.reset();
}

net::BufferSizes Link::actualBufSizes() const {
  return stream_ ? stream_->bufferSizes() : net::BufferSizes{};
}

void Link::shutdown(net::Direction direction) {
  if (!stream_) return;
  wake();
  // What a shutdown can say, that the connection is gone, is learned by the next receive or send.
  (void)stream_->shutdown(direction);
  if (direction == net::Direction::receive) return;
  sendShut_ = true;
  cutWhenOver();
}

bool Link::usable(std::string_view what) {
  if (!stream_) throw std::logic_error(std::string(what) + ": the connection is closed");
  return true;
}

// Both sides have said all they had to say.
void Link::cutWhenOver() {
  if (sendShut_ && ended_ && !unsent()) markCutOff();
}

bool Link::unsent() const noexcept { return stream_ && stream_->pending().flush; }

// The first failure is the reason; those that follow are its consequences.
void Link::fail(Stage stage, const std::error_code& code) {
  HIO_PROBE_IF("link.fail.again", failure_ != nullptr);
  if (!failure_) failure_ = std::make_unique<Failure>(stage, far(), code, stream_->why());
}

void Link::markCutOff() {
  HIO_PROBE_IF("link.cut.again", cutoff_);
  if (cutoff_) return;
  consumeTaken(stream_->pending().unsent);
  cutoff_ = true;
  changed();
  wasCut();
}

void Link::raise(Stage stage, const std::error_code& code) const {
  std::string text = std::string(nameOf(stage)) + " with " + far().text();
  if (const std::string why = stream_->why(); !why.empty()) text += " (" + why + ')';
  throw std::system_error(code, text);
}

// ---- receiving ----------------------------------------------------------------------------------

std::optional<help::Bytes> Link::receive() {
  if (!usable("receive")) return std::nullopt;
  help::Bytes data(bs_);
  const net::IoResult result = take(data);
  storeDue();
  if (result.isBlocked()) return std::nullopt;
  if (result.kind() == net::IoResult::Kind::failed) raise(Stage::receive, result.code());
  data.resize(result.count());
  return data;
}

void Link::serviceReceives() {
  receiveAll();
  storeDue();
}

void Link::serviceReceiveOnce() {
  receiveSome(bs_, bs_);
  storeDue();
}

void Link::clearRxbs() noexcept {
  rxbs_->clear();
  wakeIfRoomAgain();
}

void Link::wakeIfRoomAgain() noexcept {
  if (hasRoomAgain()) wake();
}

void Link::receiveAll() {
  std::size_t left = limits_.rxBudget;
  // Who is visited again at once does better to consume it while it is in the processor's cache.
  if (isNotified()) left = std::min(left, std::max(bs_, MostRead));
  int poor = 0;
  for (int calls = 0; calls < MostReceives && left > 0 && poor < MostPoorReceives; ++calls) {
    const std::size_t asked = std::min(left, readSize_);
    const std::size_t count = receiveSome(left, readSize_);
    if (count == 0) {
      // One that is blocked after others may be so for the moment only.
      if (calls > 0) return;
      shrinkWhenQuiet();
      return cutWhenRead();
    }
    if (count < asked / 4) ++poor;
    left -= count;
    HIO_PROBE_IF("link.rx.calls", calls + 1 == MostReceives);
    HIO_PROBE_IF("link.rx.budget", left == 0);
  }
}

// A send has failed, and what the far side sent before it went has been read.
void Link::cutWhenRead() {
  if (!standing() || failure_ == nullptr || full()) return;
  // After the far side's end nothing more can come.
  if (!ended_ && (receiveShortage_.on || stream_->pending().received)) return;
  HIO_PROBE("link.cut.read-out");
  markCutOff();
}

// One receive of at most `size` bytes into rxbs; how many came.
std::size_t Link::receiveSome(std::size_t allowed, std::size_t size) {
  if (!standing()) return 0;
  if (ended_) {
    // Half open: no more bytes will come, but a reset may.
    std::byte none{};
    HIO_PROBE("link.rx.half-open");
    (void)take({&none, 1});
    return 0;
  }
  HIO_PROBE_IF("link.rx.full", full());
  // No block is taken for what the poller has not told of.
  if (full() || (isNotified() && !stream_->pending().received)) return 0;
  const std::size_t most = std::min(allowed, limits_.rxHigh - rxbs_->size());
  const std::size_t room = std::min(most, size);
  // To grow bit by bit would copy what a busy stream has brought over and over.
  const std::size_t block = size < MostRead ? room : std::max(room, std::min(most, MostBlock));
  const std::size_t count = take(rxbs_->writable(block).first(room)).count();
  rxbs_->commit(count);
  // System calls are what a transfer costs, memory is what an idle connection costs: a stream that
  // fills what is read at once is read in larger pieces, one that brings little in small ones.
  if (count >= readSize_) {
    HIO_PROBE("link.read.larger");
    readSize_ = readSize_ < bs_ ? bs_ : std::max(bs_, std::min(2 * readSize_, MostRead));
  } else if (count > 0 && count < std::min(room, readSize_ / 4)) {
    readSmaller();
  }
  return count;
}

void Link::readSmaller() noexcept {
  HIO_PROBE("link.read.smaller");
  readSize_ = std::max(std::min(bs_, LeastRead), readSize_ / 2);
}

// A visit has brought nothing. After a few of them in a row, memory is given back.
void Link::shrinkWhenQuiet() noexcept {
  readSmaller();
  if (!rxbs_->empty() || rxbs_->capacity() <= IdleBlock || readSize_ > IdleBlock) return;
  HIO_PROBE("link.rx.release");
  rxbs_->release();
}

net::IoResult Link::take(std::span<std::byte> room) {
  net::IoResult result = stream_->receive(room);
  if (result.count() > room.size()) {
    result = net::IoResult::failed(net::systemError(std::errc::protocol_error));
  }
  result = failIfTooLong(result, receiveShortage_);
  if (result.isDone()) {
    traffic_.received += result.count();
    if (wl_ != nullptr) wl_->writeRx(room.first(result.count()), *who_);
    moved();
    changed();
  } else if (result.isEnded()) {
    ended_ = true;
    HIO_PROBE_IF("link.ended.after-own", sendShut_);
    HIO_PROBE_IF("link.ended.half-open", halfOpen_);
    changed();
    if (!halfOpen_ && !sendShut_) markCutOff();
    cutWhenOver();
  } else if (result.isError()) {
    HIO_PROBE_IF("link.receive.lost", result.kind() == net::IoResult::Kind::lost);
    HIO_PROBE_IF("link.receive.failed", result.kind() == net::IoResult::Kind::failed);
    fail(Stage::receive, result.code());
    markCutOff();
  }
  return result;
}

// ---- sending ------------------------------------------------------------------------------------

std::size_t Link::send(std::span<const std::byte> data) {
  if (!usable("send")) return 0;
  if (sendShut_) {
    throw std::system_error(net::systemError(std::errc::broken_pipe),
                            "send to " + far().text() + " after this side's shutdownSend");
  }
  if (data.empty()) return 0;
  const net::IoResult result = put(data);
  traffic_.sent += result.count();
  if (result.isError()) markCutOff();
  storeDue();
  if (result.kind() == net::IoResult::Kind::failed) raise(Stage::send, result.code());
  return result.count();
}

bool Link::tx(std::span<const std::byte> data) {
  if (txRefused_ || data.size() > txRoom()) return false;
  txbs_->append(data);
  if (due_ == AtOnce || !standing()) return true;
  // A stream that is known to be full calls the waker when it has room.
  if (isNotified() && !stream_->sendable()) return true;
  due_ = AtOnce;
  // Whoever services a connection looks afterwards whether something is left to send.
  binding_.waker.wakeAfterVisit();
  return true;
}

void Link::serviceSends() {
  sendOnce();
  storeDue();
}

void Link::sendOnce() {
  if (!standing() || failure_) return;
  const bool held = stream_->pending().flush;
  const std::size_t offered = acceptedTx();
  // After the end of sending only what the stream itself still holds goes on.
  const auto data = sendShut_ ? std::span<const std::byte>() : txbs_->view().subspan(offered);
  if (data.empty() && !held) return;
  const net::IoResult result = put(data);
  accepted_ = txbs_->consumed() + offered + result.count();
  inStream_ += result.count();
  const net::Pending left = stream_->pending();
  consumeTaken(left.unsent);
  if (held && !left.flush) changed();
  cutWhenOver();
  HIO_PROBE_IF("link.send.blocked", result.isBlocked());
  // After an error, what the far side sent before it went is still there to be read: now, or once
  // there is room. The cutoff is left to the receive that finds nothing more.
  HIO_PROBE_IF("link.send.dead-and-full", result.isError() && full());
  HIO_PROBE_IF("link.send.dead", result.isError());
}

net::IoResult Link::put(std::span<const std::byte> data) {
  net::IoResult result = stream_->send(data);
  if (result.count() > data.size()) {
    result = net::IoResult::failed(net::systemError(std::errc::protocol_error));
  }
  result = failIfTooLong(result, sendShortage_);
  if (result.count() > 0) {
    if (wl_ != nullptr) wl_->writeTx(data.first(result.count()), *who_);
    moved();
    changed();
  }
  if (result.isError()) fail(Stage::send, result.code());
  return result;
}

// The program may have consumed or cleared txbs meanwhile.
std::size_t Link::acceptedTx() const noexcept {
  const std::uint64_t front = txbs_->consumed();
  if (accepted_ <= front) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(accepted_ - front, txbs_->size()));
}

// Bytes leave txbs when the network has taken them, not when the stream has. Some may have been
// cleared meanwhile, by the program or at the cutoff.
void Link::consumeTaken(std::size_t unsent) noexcept {
  const std::size_t taken = inStream_ - std::min(inStream_, unsent);
  if (taken == 0) return;
  inStream_ -= taken;
  traffic_.sent += taken;
  const std::size_t queued = acceptedTx();
  const std::size_t leaving = queued - std::min(queued, inStream_);
  txbs_->consume(leaving);
  traffic_.dropped -= std::min<std::uint64_t>(traffic_.dropped, taken - std::min(taken, leaving));
  changed();
}

void Link::dropTxbs() noexcept {
  traffic_.dropped += txbs_->size();
  txbs_->clear();
}

}  // namespace hio::core::tcp
