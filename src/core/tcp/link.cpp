#include "hio/core/tcp/link.hpp"
#include "help/probe.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hio::core::tcp {
namespace {

// Bounds the system calls of one service() when the far side sends in tiny pieces.
constexpr int MostReceives = 256;
// Of one receive, unless bs is smaller or larger.
constexpr std::size_t LeastRead = 512;
constexpr std::size_t MostRead = std::size_t(64) * 1024;
// What rxbs grows by at most while a stream fills it.
constexpr std::size_t MostBlock = std::size_t(1) << 20U;
// How long a machine that is short of memory may leave a connection without any progress.
constexpr Tyme MostStarving = std::chrono::seconds(10);
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
    observers_->leave();
    waker.wake();
  }
}

void Observer::watch(Link& link, base::Waker waker) noexcept {
  leave();
  link_ = &link;
  waker_ = std::move(waker);
  after_ = link.observers_;
  if (after_ != nullptr) after_->before_ = this;
  link.observers_ = this;
}

void Observer::leave() noexcept {
  if (link_ == nullptr) return;
  (before_ != nullptr ? before_->after_ : link_->observers_) = after_;
  if (after_ != nullptr) after_->before_ = before_;
  before_ = after_ = nullptr;
  link_ = nullptr;
}

void Link::changed() const noexcept {
  for (const Observer* each = observers_; each != nullptr; each = each->after_) {
    each->waker_.wake();
  }
}

void Link::adopt(std::unique_ptr<net::Stream>&& stream) {
  if (wl_ != nullptr) who_ = std::make_unique<std::string>(Address(stream->peer()).duple());
  // Nothing throws from here on.
  stream_ = std::move(stream);
  notified_ = binding_.poller != nullptr && binding_.to(*stream_);
  traffic_ = {.epoch = traffic_.epoch + 1};
  starvedSince_.reset();
  failure_.reset();
  clearEnds();
  changed();
}

void Link::discard() noexcept {
  if (!stream_) return;
  // A process that inherited the descriptor would hold the connection open otherwise.
  (void)stream_->shutdown(net::Direction::both);
  stream_.reset();
}

net::BufferSizes Link::actualBufSizes() const {
  return stream_ ? stream_->bufferSizes() : net::BufferSizes{};
}

int Link::fd() const noexcept {
  const Interest wanted = wants();
  return wanted.read || wanted.write ? stream_->fd() : -1;
}

Interest Link::wants() const noexcept {
  if (!flowing() || lacksMemory()) return {};
  return {.read = !ended_ && !full(),
          .write = (!txbs_->empty() && !sendDead()) || stream_->pending().unsent};
}

void Link::attach(net::Poller* poller, base::Waker waker) {
  binding_ = {poller, std::move(waker)};
  notified_ = stream_ != nullptr && binding_.to(*stream_);
  wake();
}

bool Link::notifies() const noexcept {
  return binding_.poller != nullptr && (stream_ == nullptr || notified_);
}

bool Link::ready() const noexcept {
  if (!flowing()) return false;
  if (failure_ != nullptr && !full()) return true;
  const net::Pending held = stream_->pending();
  if (lacksMemory_) return false;
  if (held.received && !ended_ && !full()) return true;
  // Without a poller the descriptor tells of room for sending.
  return notifies() && stream_->sendable() && (held.unsent || (!txbs_->empty() && !sendDead()));
}

bool Link::usable(std::string_view what) {
  if (!stream_) throw std::logic_error(std::string(what) + ": the connection is closed");
  return true;
}

std::optional<help::Bytes> Link::receive() {
  if (!usable("receive")) return std::nullopt;
  help::Bytes data(bs_);
  const net::IoResult result = take(data);
  if (result.isBlocked()) return std::nullopt;
  if (result.kind() == net::IoResult::Kind::failed) raise(Stage::receive, result.code());
  data.resize(result.count());
  return data;
}

void Link::serviceReceives() {
  std::size_t left = limits_.rxBudget;
  // Who is visited again at once does better to consume it while it is in the processor's cache.
  if (notified_) left = std::min(left, std::max(bs_, MostRead));
  for (int calls = 0; calls < MostReceives && left > 0; ++calls) {
    const std::size_t count = receiveSome(left);
    if (count == 0) {
      if (calls == 0) rest();
      return cutWhenRead();
    }
    left -= count;
    HIO_PROBE_IF("link.rx.calls", calls + 1 == MostReceives);
    HIO_PROBE_IF("link.rx.budget", left == 0);
  }
  // No descriptor tells once more of what was left.
  if (notified_ && ready()) binding_.waker.wakeAfterVisit();
}

// A send has failed, and what the far side sent before it went has been read.
void Link::cutWhenRead() {
  HIO_PROBE_IF("link.cut.read-out", flowing() && failure_ != nullptr && !full());
  if (flowing() && failure_ != nullptr && !full()) cut();
}

void Link::serviceReceiveOnce() { receiveSome(bs_); }

// One receive into rxbs; how many bytes came.
std::size_t Link::receiveSome(std::size_t allowed) {
  if (!flowing()) return 0;
  if (ended_) {
    // Half open: no more bytes will come, but news of a reset may.
    std::byte none{};
    HIO_PROBE("link.rx.half-open");
    (void)take({&none, 1});
    return 0;
  }
  HIO_PROBE_IF("link.rx.full", full());
  // Who is told of what comes needs no block for what has not.
  if (full() || (notified_ && !stream_->pending().received)) return 0;
  const std::size_t most = std::min(allowed, limits_.rxHigh - rxbs_->size());
  const std::size_t room = std::min(most, readSize_);
  // To grow bit by bit would copy what a busy stream has brought over and over.
  const std::size_t block = readSize_ < MostRead ? room : std::max(room, std::min(most, MostBlock));
  const std::size_t count = take(rxbs_->writable(block).first(room)).count();
  rxbs_->commit(count);
  // System calls are what a transfer costs, memory is what an idle connection costs: a stream that
  // fills what is read at once is read in larger pieces, one that brings little in small ones.
  if (count == readSize_) {
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
void Link::rest() noexcept {
  readSmaller();
  if (!rxbs_->empty() || rxbs_->capacity() <= IdleBlock || readSize_ > IdleBlock) return;
  HIO_PROBE("link.rx.release");
  rxbs_->release();
}

net::IoResult Link::take(std::span<std::byte> room) {
  net::IoResult result = stream_->receive(room);
  if (result.count() > room.size()) {
    result = net::IoResult::failed(std::make_error_code(std::errc::protocol_error));
  }
  result = bounded(result);
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
    if (!halfOpen_ && !sendShut_) cut();
    cutWhenOver();
  } else if (result.isError()) {
    HIO_PROBE_IF("link.receive.lost", result.kind() == net::IoResult::Kind::lost);
    HIO_PROBE_IF("link.receive.failed", result.kind() == net::IoResult::Kind::failed);
    fail(Stage::receive, result.code());
    cut();
  }
  return result;
}

std::size_t Link::send(std::span<const std::byte> data) {
  if (!usable("send")) return 0;
  if (sendShut_) {
    throw std::system_error(std::make_error_code(std::errc::broken_pipe),
                            "send to " + far().text() + " after this side's shutdownSend");
  }
  if (data.empty()) return 0;
  const net::IoResult result = put(data);
  if (result.isError()) cut();
  if (result.kind() == net::IoResult::Kind::failed) raise(Stage::send, result.code());
  return result.count();
}

bool Link::tx(std::span<const std::byte> data) {
  if (txRefused_ || txbs_->size() > limits_.txLimit ||
      data.size() > limits_.txLimit - txbs_->size()) {
    return false;
  }
  txbs_->append(data);
  // Whoever services a connection looks afterwards whether something is left to send.
  stream_ != nullptr ? binding_.waker.wakeAfterVisit() : wake();
  return true;
}

void Link::serviceSends() {
  if (!flowing() || failure_) return;
  const bool unsent = stream_->pending().unsent;
  if (!unsent && (sendShut_ || txbs_->empty())) return;
  // After the end of sending only what the stream itself still holds goes on.
  const net::IoResult result = put(sendShut_ ? std::span<const std::byte>() : txbs_->view());
  txbs_->consume(result.count());
  if (unsent && !stream_->pending().unsent) changed();
  cutWhenOver();
  HIO_PROBE_IF("link.send.blocked", result.isBlocked());
  if (!result.isError()) return;
  HIO_PROBE_IF("link.send.dead-and-full", full());
  HIO_PROBE("link.send.dead");
  // What the far side sent before it went is still there to be read: now, or once there is room.
  // The cutoff is left to the next receive: this one may be blocked for the moment only.
  while (receiveSome(bs_) > 0) continue;
}

net::IoResult Link::put(std::span<const std::byte> data) {
  net::IoResult result = stream_->send(data);
  if (result.count() > data.size()) {
    result = net::IoResult::failed(std::make_error_code(std::errc::protocol_error));
  }
  result = bounded(result);
  if (result.count() > 0) {
    traffic_.sent += result.count();
    if (wl_ != nullptr) wl_->writeTx(data.first(result.count()), *who_);
    moved();
    changed();
  } else if (result.isError()) {
    fail(Stage::send, result.code());
  }
  return result;
}

// A machine that stays short of memory has failed.
net::IoResult Link::bounded(net::IoResult result) {
  lacksMemory_ = result.lacksMemory();
  if (!lacksMemory_ || !tymth()) {
    if (result.isDone() || result.isBlocked()) starvedSince_.reset();
    return result;
  }
  const Tyme now = tyme();
  if (!starvedSince_ || *starvedSince_ > now) starvedSince_ = now;
  HIO_PROBE_IF("link.starved.long", help::saturatingSubtract(now, *starvedSince_) >= MostStarving);
  if (help::saturatingSubtract(now, *starvedSince_) < MostStarving) return result;
  return net::IoResult::failed(std::make_error_code(std::errc::no_buffer_space));
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

// Both sides have said all they had to say.
void Link::cutWhenOver() {
  if (sendShut_ && ended_ && !unsent()) cut();
}

bool Link::unsent() const noexcept { return stream_ != nullptr && stream_->pending().unsent; }

// The first failure is the reason; those that follow are its consequences.
void Link::fail(Stage stage, const std::error_code& code) {
  HIO_PROBE_IF("link.fail.again", failure_ != nullptr);
  if (!failure_) failure_ = std::make_unique<Failure>(stage, far(), code, stream_->why());
}

void Link::cut() {
  HIO_PROBE_IF("link.cut.again", cutoff_);
  if (cutoff_) return;
  cutoff_ = true;
  changed();
  wasCut();
}

void Link::raise(Stage stage, const std::error_code& code) const {
  std::string text = std::string(nameOf(stage)) + " with " + far().text();
  if (const std::string why = stream_->why(); !why.empty()) text += " (" + why + ')';
  throw std::system_error(code, text);
}

}  // namespace hio::core::tcp
