#include "hio/core/tcp/clienting.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "core/tcp/after_failure.hpp"
#include "core/tcp/attempt.hpp"
#include "core/tcp/due.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

void checkNotNegative(Tyme value, std::string_view field) {
  if (value >= Tyme(0)) return;
  throw std::invalid_argument(std::string(field) + " is " + std::to_string(value.count()) +
                              " ns; it must not be negative");
}

const RetryOptions& checked(const RetryOptions& retry) {
  checkNotNegative(retry.firstPause, "retry.firstPause");
  checkNotNegative(retry.stableAfter, "retry.stableAfter");
  checkNotNegative(retry.giveUpAfter, "retry.giveUpAfter");
  if (retry.maxPause < retry.firstPause) {
    throw std::invalid_argument("retry.maxPause is " + std::to_string(retry.maxPause.count()) +
                                " ns; it must not be less than retry.firstPause");
  }
  if (retry.retryable == nullptr) throw std::invalid_argument("retry.retryable is null");
  return retry;
}

std::string afterSeconds(Tyme duration) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "after %g s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

Phase phaseOf(Attempt::Phase phase) noexcept {
  static constexpr std::array Phases{Phase::resolving, Phase::connecting, Phase::handshaking};
  return Phases.at(static_cast<std::size_t>(phase));
}

Address chosenAddress(const ClientOptions& options) {
  if (!options.ha.empty()) return options.ha;
  return {options.host, checkedPort(options.port, "port")};
}

}  // namespace

std::string_view nameOf(Phase phase) noexcept {
  static constexpr std::array<std::string_view, 8> Names{"closed",      "resolving", "connecting",
                                                         "handshaking", "connected", "cutoff",
                                                         "waiting",     "stopped"};
  return Names.at(static_cast<std::size_t>(phase));
}

Client::Client(ClientOptions options)
    : Link({.bs = options.bs,
            .txbs = options.txbs,
            .rxbs = options.rxbs,
            .wl = options.wl,
            .halfOpen = options.halfOpen,
            .limits = options.limits,
            .tymth = options.tymth}),
      onCutoff_(options.onCutoff),
      reconnectable_(options.reconnectable),
      noDelay_(options.noDelay),
      keepAlive_(options.keepAlive),
      net_(options.net != nullptr ? options.net : &net::systemNet()),
      backoff_(checked(options.retry)),
      tymer_({.duration = options.timeout, .tymth = options.tymth}) {
  setTarget(chosenAddress(options));
}

Client::~Client() = default;

void Client::setTarget(const Address& at) {
  hostname_ = target_ = at.host;
  const auto ip = settleHost(at.host);
  ha_ = {ip ? ip->text() : at.host, at.port};
}

void Client::host(std::string host) {
  ha_.host = host;
  target_ = std::move(host);
}

void Client::port(int port) { ha_.port = checkedPort(port, "port"); }

void Client::reinitHostPort(HostPort to) {
  setTarget(to.ha.empty() ? Address(std::move(to.hostname), checkedPort(to.port, "port")) : to.ha);
}

Phase Client::phase() const noexcept {
  return phase_ == Phase::connected && cutoff() ? Phase::cutoff : phase_;
}

bool Client::opened() const noexcept { return phase_ != Phase::closed && phase_ != Phase::stopped; }

bool Client::accepted() const noexcept {
  return phase_ == Phase::handshaking || phase_ == Phase::connected;
}

bool Client::finished() const noexcept {
  return phase_ == Phase::stopped || (phase() == Phase::cutoff && !reconnectable_);
}

std::size_t Client::staleRx() const noexcept {
  const std::uint64_t front = rxbs().consumed();
  return front < epochStart_ ? static_cast<std::size_t>(epochStart_ - front) : 0;
}

net::BufferSizes Client::actualBufSizes() const {
  const net::Stream* const latest = attempt_ ? attempt_->latest() : nullptr;
  return latest != nullptr ? latest->bufferSizes() : Link::actualBufSizes();
}

// ---- what it waits for --------------------------------------------------------------------------

void Client::wind(base::Tymth tymth) {
  Link::wind(tymth);
  tymer_.wind(std::move(tymth));
  pause_ = help::Deadline(pause_.duration(), tyme());
  drainer_ = help::Deadline(drainer_.duration(), tyme());
  connectedAt_ = troubleSince_ = tyme();
  if (attempt_) attempt_->rewind();
  wake();
}

void Client::attach(net::Poller* poller, base::Waker waker) {
  Link::attach(poller, std::move(waker));
  if (attempt_) attempt_->bind(binding());
}

bool Client::notifies() const noexcept {
  return Link::notifies() && (!attempt_ || attempt_->notifies());
}

Tyme Client::nextDue() noexcept {
  const Tyme due = phaseDue();
  if (!draining_) return due;
  return std::min(due, drained() ? AtOnce : drainer_.stop());
}

Tyme Client::phaseDue() noexcept {
  switch (phase()) {
    case Phase::closed:
      return AtOnce;
    case Phase::waiting:
      return pause_.stop();
    case Phase::resolving:
    case Phase::connecting:
    case Phase::handshaking: {
      const bool timed = tymth() && tymer_.duration() > Tyme(0) && !attempt_->fresh();
      return std::min(attempt_->due(), timed ? tymer_.stop() : base::Forever);
    }
    case Phase::connected:
      return flowDue();
    case Phase::cutoff:
      return reconnectable_ && !draining_ ? AtOnce : base::Forever;
    case Phase::stopped:
      break;
  }
  return base::Forever;
}

// ---- opening and closing ------------------------------------------------------------------------

bool Client::open() {
  draining_ = false;
  refuseTx(false);
  clearEnds();
  keep(nullptr);
  attempts_ = 0;
  backoff_.reset();
  wake();
  return begin();
}

bool Client::reopen() {
  close();
  return open();
}

void Client::close() {
  draining_ = false;
  refuseTx(false);
  HIO_PROBE_IF("client.close.connected", connected());
  if (opened()) abandon();
  storeDue();
}

void Client::stop() {
  close();
  phase_ = Phase::stopped;
  changed();
  storeDue();
}

void Client::drain(Tyme limit) {
  drainer_ = help::Deadline(limit, tyme());
  draining_ = opened();
  wake();
  refuseTx(draining_);
}

// There is nothing left to send or to wait for but the shutdown, or the close.
bool Client::drained() const noexcept {
  if (!opened() || cutoff()) return true;
  return txbs().empty() && (!standing() || !sendShut() || (ended() && !unsent()));
}

void Client::serviceDrain() {
  if (!draining_) return;
  if (drained() && standing() && !sendShut()) shutdownSend();
  // A drained client is done: the next service() must not open it again.
  if (drained() || due(drainer_, tyme())) stop();
}

// Gives up whatever is under way.
void Client::abandon() noexcept {
  HIO_PROBE_IF("client.abandon.attempt", attempt_ != nullptr);
  attempt_.reset();
  discard();
  phase_ = Phase::closed;
  changed();
}

// ---- one attempt --------------------------------------------------------------------------------

// Starts an attempt; sends nothing yet.
bool Client::begin() {
  abandon();
  attempt_ = std::make_unique<Attempt>(
      *net_, Address(target_, ha_.port),
      net::StreamOptions{
          .buffers = {.send = bs(), .receive = bs()}, .noDelay = noDelay_, .keepAlive = keepAlive_},
      binding());
  phase_ = phaseOf(attempt_->phase());
  if (!attempt_->neverOpened()) return true;
  HIO_PROBE("client.open.failed");
  attemptFailed(attempt_->firstError());
  return false;
}

// One step of the attempt under way, up to the TCP connection.
void Client::advance() {
  if (phase_ != Phase::resolving && phase_ != Phase::connecting) return;
  if (attempt_->fresh() && tymth()) tymer_.start();
  const net::IoResult result = attempt_->advance(now());
  if (result.isError()) {
    HIO_PROBE_IF("client.attempt.never-opened", attempt_->neverOpened());
    return attemptFailed(result.code());
  }
  phase_ = phaseOf(attempt_->phase());
  if (!result.isDone()) return;
  ca_ = Address(attempt_->stream()->local());
  ha_ = Address(attempt_->stream()->peer());
  if (!handshakes()) becomeConnected();
}

void Client::secure() {
  try {
    attempt_->secure(
        [this](std::unique_ptr<net::Stream> plain) { return secured(std::move(plain)); });
  } catch (const std::exception& error) {
    const bool lacksMemory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    attemptFailed(
        net::systemError(lacksMemory ? std::errc::not_enough_memory : std::errc::invalid_argument),
        error.what());
    throw;
  }
}

void Client::shake() {
  if (phase_ != Phase::handshaking) return;
  try {
    secure();
  } catch (const std::exception&) {
    return;
  }
  const net::IoResult result = attempt_->shake(now());
  if (result.isDone()) return becomeConnected();
  if (!result.isError()) return;
  const net::Stream* const stream = attempt_->stream();
  attemptFailed(result.code(), stream != nullptr ? stream->why() : std::string());
}

void Client::becomeConnected() {
  const Traffic previous = traffic();
  HIO_PROBE_IF("client.connected.again", previous.epoch > 0);
  HIO_PROBE_IF("client.connected.after-failures", attempts_ > 1);
  adopt(attempt_->take());
  attempt_.reset();
  previous_ = previous;
  epochStart_ = rxbs().consumed() + rxbs().size();
  phase_ = Phase::connected;
  if (tymth()) connectedAt_ = tyme();
}

bool Client::accept() {
  if (accepted()) return true;
  const std::uint64_t before = failures_;
  if (!opened()) {
    open();
  } else if (phase_ == Phase::waiting) {
    begin();
  }
  if (failures_ == before) advance();
  storeDue();
  raiseFailure(before, {Stage::resolve, Stage::open});
  return accepted();
}

bool Client::serviceConnect() {
  connectStep();
  storeDue();
  return connected();
}

void Client::connectStep() {
  if (!tymth() && (reconnectable_ || tymer_.duration() > Tyme(0))) {
    throw std::logic_error(
        "a client that is reconnectable or has a timeout needs a time: wind(tymist.tymen()) first");
  }
  HIO_PROBE_IF("client.stays.stopped", phase_ == Phase::stopped);
  if (phase_ == Phase::stopped) return;
  if (phase_ == Phase::connected) {
    HIO_PROBE_IF("client.stays.cutoff", !reconnectable_ && cutoff());
    if (reconnectable_ && cutoff() && !draining_) endEpoch();
    return;
  }
  if (phase_ == Phase::waiting) {
    HIO_PROBE_IF("client.pause.over", due(pause_, tyme()));
    if (!due(pause_, tyme()) || !begin()) return;
  } else if (phase_ == Phase::closed && !open()) {
    return;
  }
  const std::uint64_t before = failures_;
  advance();
  if (failures_ == before) shake();
  // The attempt comes first: one that succeeds at the very end of its time has succeeded.
  if (failures_ != before || !attempt_ || !overdue()) return;
  HIO_PROBE_IF("client.timeout.resolving", phase_ == Phase::resolving);
  HIO_PROBE_IF("client.timeout.connecting", phase_ == Phase::connecting);
  attemptFailed(net::systemError(std::errc::timed_out), afterSeconds(tymer_.duration()));
}

bool Client::overdue() { return tymth() && tymer_.duration() > Tyme(0) && due(tymer_); }

void Client::service() {
  connectStep();
  sendOnce();
  receiveAll();
  serviceDrain();
  storeDue();
}

// ---- the calls of a link ------------------------------------------------------------------------

bool Client::usable(std::string_view what) {
  if (!opened())
    throw std::logic_error(std::string(what) + ": the client is closed; open it first");
  if (phase_ == Phase::handshaking) {
    const std::uint64_t before = failures_;
    shake();
    storeDue();
    raiseFailure(before, {Stage::handshake});
    return stream() != nullptr;
  }
  if (stream() != nullptr) return true;
  if (phase_ == Phase::connecting && !attempt_->fresh()) return false;
  throw std::system_error(net::systemError(std::errc::not_connected),
                          std::string(what) + " with " + ha_.text());
}

void Client::wasCut() {
  HIO_PROBE_IF("client.cutoff.drops", onCutoff_ == OnCutoff::drop && !txbs().empty());
  if (onCutoff_ == OnCutoff::drop) dropTxbs();
}

}  // namespace hio::core::tcp
