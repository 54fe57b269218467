#include "hio/core/tcp/clienting.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "core/tcp/backoff.hpp"
#include "core/tcp/dialing.hpp"
#include "core/tcp/due.hpp"
#include "help/probe.hpp"

namespace hio::core::tcp {
namespace {

// How often a lookup that tells of news is looked at without: nobody tells that it is overdue.
constexpr Tyme LookOverdue = std::chrono::seconds(1);

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

// What an attempt in this phase is about.
Stage stageOf(Phase phase) noexcept {
  if (phase == Phase::resolving) return Stage::resolve;
  return phase == Phase::handshaking ? Stage::handshake : Stage::connect;
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
      retryable_(checked(options.retry).retryable),
      tymer_({.duration = options.timeout, .tymth = options.tymth}) {
  aim(chosenAddress(options));
  if (reconnectable_) {
    const std::uint64_t seed = options.retry.seed ? *options.retry.seed : net_->seed();
    backoff_ = std::make_unique<Backoff>(options.retry, seed);
  }
}

Client::~Client() = default;

void Client::aim(const Address& at) {
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
  aim(to.ha.empty() ? Address(std::move(to.hostname), checkedPort(to.port, "port")) : to.ha);
}

Phase Client::phase() const noexcept {
  return phase_ == Phase::connected && cutoff() ? Phase::cutoff : phase_;
}

bool Client::opened() const noexcept { return phase_ != Phase::closed && phase_ != Phase::stopped; }

bool Client::accepted() const noexcept {
  return phase_ == Phase::handshaking || phase_ == Phase::connected;
}

bool Client::attempting() const noexcept {
  return phase_ == Phase::resolving || phase_ == Phase::connecting || phase_ == Phase::handshaking;
}

std::size_t Client::staleRx() const noexcept {
  const std::uint64_t front = rxbs().consumed();
  return front < epochStart_ ? static_cast<std::size_t>(epochStart_ - front) : 0;
}

// ---- time ---------------------------------------------------------------------------------------

void Client::wind(base::Tymth tymth) {
  Link::wind(tymth);
  tymer_.wind(std::move(tymth));
  pause_ = help::Deadline(pause_.duration(), tyme());
  drainer_ = help::Deadline(drainer_.duration(), tyme());
  connectedAt_ = troubleSince_ = tyme();
  if (dial_) dial_->rewind();
  lookedUpAt_.reset();
  wake();
}

std::optional<Tyme> Client::deadline() const {
  if (!tymth()) return std::nullopt;
  std::optional<Tyme> next;
  const auto at = [&next](Tyme when) { next = next ? std::min(*next, when) : when; };
  switch (phase()) {
    case Phase::waiting:
      at(dueAt(pause_, tyme()));
      break;
    case Phase::resolving:
    case Phase::connecting:
    case Phase::handshaking:
      if (lookup_) {
        const Tyme pause = lookupTells_ ? LookOverdue : Dial::Look;
        at(lookedUpAt_ ? help::saturatingAdd(*lookedUpAt_, pause) : tyme());
      }
      if (dial_ && dial_->deadline(tyme())) at(*dial_->deadline(tyme()));
      if (shaking_ && !secured_) at(tyme());
      if (shaking_ && secured_) {
        if (shakeLacksMemory_) {
          at(help::saturatingAdd(tyme(), Starving));
        } else if (shaking_->pending().received) {
          at(tyme());
        }
      }
      if (paced() && tymer_.duration() > Tyme(0)) at(dueAt(tymer_));
      break;
    case Phase::cutoff:
      if (reconnectable_) at(tyme());
      break;
    case Phase::connected:
      if (ready()) at(tyme());
      if (lacksMemory()) at(help::saturatingAdd(tyme(), Starving));
      break;
    case Phase::closed:
    case Phase::stopped:
      break;
  }
  if (draining_) at(drained() ? tyme() : dueAt(drainer_, tyme()));
  return next;
}

// ---- opening and closing ------------------------------------------------------------------------

bool Client::open() {
  draining_ = false;
  refuseTx(false);
  clearEnds();
  keep(nullptr);
  attempts_ = 0;
  if (backoff_) backoff_->reset();
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
}

void Client::drain(Tyme limit) {
  drainer_ = help::Deadline(limit, tyme());
  draining_ = opened();
  wake();
  refuseTx(draining_);
}

// There is nothing left to send or to wait for but the shutdown, or the close.
bool Client::drained() const noexcept {
  const bool linked = connected() && !cutoff();
  return !opened() || cutoff() ||
         (txbs().empty() && (!linked || !sendShut() || (ended() && !unsent())));
}

void Client::serviceDrain() {
  if (!draining_) return;
  if (drained() && connected() && !cutoff() && !sendShut()) shutdownSend();
  if (!drained() && !due(drainer_, tyme())) return;
  close();
  phase_ = Phase::stopped;  // a drained client is done: the next service() must not open it again
}

// Gives up whatever is under way.
void Client::abandon() noexcept {
  HIO_PROBE_IF("client.abandon.lookup", lookup_ != nullptr);
  HIO_PROBE_IF("client.abandon.dial", dial_ != nullptr);
  lookup_.reset();
  lookedUpAt_.reset();
  dial_.reset();
  if (shaking_) (void)shaking_->shutdown(net::Direction::both);
  shaking_.reset();
  discard();
  phase_ = Phase::closed;
  changed();
}

// ---- connecting ---------------------------------------------------------------------------------

// Starts an attempt; sends nothing yet.
bool Client::begin() {
  abandon();
  if (tymth()) tymer_.start();
  if (const auto ip = settleHost(target_)) return dial({*ip});
  lookup_ = net_->resolver().lookup(target_);
  lookupTells_ = binding().poller != nullptr && binding().to(*lookup_);
  phase_ = Phase::resolving;
  return true;
}

bool Client::dial(std::vector<net::Ip> ips) {
  const net::StreamOptions streamOptions{
      .buffers = {.send = bs(), .receive = bs()}, .noDelay = noDelay_, .keepAlive = keepAlive_};
  auto dial = std::make_unique<Dial>(*net_, std::move(ips), ha_.port, streamOptions, binding());
  lookup_.reset();
  dial_ = std::move(dial);
  phase_ = Phase::connecting;
  if (!dial_->neverOpened()) return true;
  HIO_PROBE("client.open.failed");
  attemptFailed(Stage::open, dial_->firstError());
  return false;
}

// One step of the attempt under way, up to the TCP connection.
void Client::approach() {
  if (phase_ == Phase::resolving) pollLookup();
  if (phase_ == Phase::connecting) pollDial();
}

void Client::pollLookup() {
  std::vector<net::Ip> found;
  const net::IoResult result = lookup_->poll(found);
  if (tymth()) lookedUpAt_ = tyme();
  HIO_PROBE_IF("client.lookup.blocked", result.isBlocked());
  HIO_PROBE_IF("client.lookup.failed", result.isError());
  if (result.isError()) return attemptFailed(Stage::resolve, result.code());
  if (!result.isDone()) return;
  if (found.empty()) return attemptFailed(Stage::resolve, net::ResolveError::noAddress);
  HIO_PROBE_IF("client.lookup.several", found.size() > 1);
  dial(std::move(found));
}

void Client::pollDial() {
  const net::IoResult result = dial_->poll(tymth() ? std::optional(tyme()) : std::nullopt);
  if (result.isDone()) return established(dial_->take());
  if (result.isError()) {
    HIO_PROBE_IF("client.dial.failed", !dial_->neverOpened());
    HIO_PROBE_IF("client.dial.never-opened", dial_->neverOpened());
    attemptFailed(dial_->neverOpened() ? Stage::open : Stage::connect, result.code());
  }
}

void Client::established(std::unique_ptr<net::Stream> stream) {
  Address near(stream->local());
  Address far(stream->peer());
  // Nothing throws from here on.
  ca_ = std::move(near);
  ha_ = std::move(far);
  dial_.reset();
  shaking_ = std::move(stream);
  secured_ = false;
  shakesOn_ = net::IoResult::On::write;
  phase_ = Phase::handshaking;
  if (!handshakes()) linked();
}

// The connection can be used.
void Client::linked() {
  const Traffic previous = traffic();
  HIO_PROBE_IF("client.linked.again", previous.epoch > 0);
  HIO_PROBE_IF("client.linked.after-failures", attempts_ > 1);
  adopt(std::move(shaking_));
  previous_ = previous;
  epochStart_ = rxbs().consumed() + rxbs().size();
  phase_ = Phase::connected;
  if (tymth()) connectedAt_ = tyme();
}

void Client::secure() {
  if (secured_) return;
  try {
    shaking_ = secured(std::move(shaking_));
    secured_ = true;
  } catch (const std::exception& error) {
    const bool lacksMemory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    attemptFailed(Stage::handshake,
                  std::make_error_code(lacksMemory ? std::errc::not_enough_memory
                                                   : std::errc::invalid_argument),
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
  const net::IoResult result = shaking_->connect();
  shakesOn_ = result.on();
  shakeLacksMemory_ = result.lacksMemory();
  if (result.isDone()) return linked();
  if (result.isError()) attemptFailed(Stage::handshake, result.code(), shaking_->why());
}

void Client::raiseFailure(std::uint64_t before, std::initializer_list<Stage> stages) const {
  if (failures_ == before) return;
  if (std::find(stages.begin(), stages.end(), failure()->stage()) == stages.end()) return;
  throw std::system_error(failure()->code(), failure()->message());
}

void Client::attemptFailed(Stage stage, std::error_code code, std::string detail) {
  countFailure();
  Address at(target_, ha_.port);
  std::vector<Failure::Try> tries;
  if (dial_) tries = dial_->tries();
  HIO_PROBE_IF("client.tries.several", tries.size() > 1);
  if (tries.size() == 1 && tries.front().code == code) at = tries.front().address;
  auto failure = std::make_unique<Failure>(stage, std::move(at), code, std::move(detail));
  failure->attempt_ = attempts_;
  failure->tries_ = std::move(tries);
  keep(std::move(failure));
  retryOrStop(stage);
}

void Client::countFailure() {
  ++failures_;
  if (attempts_++ == 0 && tymth()) troubleSince_ = tyme();
}

// A reconnectable client's connection was cut off.
void Client::endEpoch() {
  const Tyme lasted = help::saturatingSubtract(tyme(), connectedAt_);
  if (lasted >= backoff_->options().stableAfter) {
    HIO_PROBE("client.epoch.lasted");
    attempts_ = 0;
    backoff_->reset();
  } else {
    HIO_PROBE("client.epoch.short");
    troubleSince_ =
        help::saturatingAdd(troubleSince_, lasted);  // the time connected was no trouble
    countFailure();
  }
  HIO_PROBE_IF("client.epoch.exhausted", !failure() && exhausted());
  if (!failure() && exhausted()) {
    keep(std::make_unique<Failure>(Stage::receive, ha_,
                                   std::make_error_code(std::errc::connection_aborted),
                                   "the far side closed each connection soon"));
  }
  retryOrStop(Stage::receive);
}

void Client::retryOrStop(Stage stage) {
  abandon();
  if (failure() && !retryable_(*failure())) {
    HIO_PROBE("client.retry.hopeless");
    phase_ = Phase::stopped;
    return;
  }
  // Without a socket to be had, trying on at once would only spin.
  const bool lacksMemory = stage == Stage::open;
  HIO_PROBE_IF("client.retry.lacksMemory", lacksMemory);
  if (!tymth() || (!reconnectable_ && !lacksMemory)) {
    HIO_PROBE("client.retry.unpaced");
    // After a handshake that failed the client is closed, for the next call to open it (L21).
    if (!lacksMemory && stage != Stage::handshake) begin();
    return;
  }
  if (reconnectable_ && exhausted()) {
    HIO_PROBE("client.retry.exhausted");
    phase_ = Phase::stopped;
    return;
  }
  clearEnds();
  pause_ = help::Deadline(
      std::max(backoff_ ? backoff_->next() : Tyme(0), lacksMemory ? Starving : Tyme(0)), tyme());
  phase_ = Phase::waiting;
  HIO_PROBE_IF("client.retry.late", attempts_ > 5);
  HIO_PROBE_IF("client.retry.at-once", pause_.duration() == Tyme(0));
  if (pause_.duration() == Tyme(0)) begin();
}

bool Client::exhausted() const {
  const RetryOptions& retry = backoff_->options();
  return (retry.attempts > 0 && attempts_ >= retry.attempts) ||
         (retry.giveUpAfter > Tyme(0) && attempts_ > 0 &&
          help::saturatingSubtract(tyme(), troubleSince_) >= retry.giveUpAfter);
}

bool Client::accept() {
  if (accepted()) return true;
  const std::uint64_t before = failures_;
  if (!opened()) {
    open();
  } else if (phase_ == Phase::waiting) {
    begin();
  }
  if (failures_ == before) approach();
  raiseFailure(before, {Stage::resolve, Stage::open});
  return accepted();
}

bool Client::serviceConnect() {
  if (reconnectable_ && !tymth()) {
    throw std::logic_error("a reconnectable client needs a time: wind(tymist.tymen()) first");
  }
  HIO_PROBE_IF("client.stays.stopped", phase_ == Phase::stopped);
  if (phase_ == Phase::stopped) return false;
  if (phase_ == Phase::connected) {
    HIO_PROBE_IF("client.stays.cutoff", !reconnectable_ && cutoff());
    if (!reconnectable_ || !cutoff() || draining_) return true;
    HIO_PROBE_IF("client.cutoff.goes-on", failure() != nullptr);
    HIO_PROBE_IF("client.cutoff.clean", failure() == nullptr);
    endEpoch();
    return false;
  }
  if (phase_ == Phase::waiting) {
    HIO_PROBE_IF("client.pause.over", due(pause_, tyme()));
    if (!due(pause_, tyme()) || !begin()) return false;
  } else if (phase_ == Phase::closed && !open()) {
    return false;
  }
  const std::uint64_t before = failures_;
  approach();
  if (failures_ == before) shake();
  // The attempt comes first: one that succeeds at the very end of its time has succeeded.
  if (failures_ == before && attempting() && paced() && tymer_.duration() > Tyme(0) &&
      due(tymer_)) {
    HIO_PROBE_IF("client.timeout.resolving", phase_ == Phase::resolving);
    HIO_PROBE_IF("client.timeout.connecting", phase_ == Phase::connecting);
    attemptFailed(stageOf(phase_), std::make_error_code(std::errc::timed_out),
                  afterSeconds(tymer_.duration()));
  }
  return connected();
}

void Client::service() {
  serviceConnect();
  serviceSends();
  serviceReceives();
  serviceDrain();
}

// ---- the link's questions -----------------------------------------------------------------------

bool Client::usable(std::string_view what) {
  if (!opened())
    throw std::logic_error(std::string(what) + ": the client is closed; open it first");
  if (phase_ == Phase::handshaking) {
    const std::uint64_t before = failures_;
    shake();
    raiseFailure(before, {Stage::handshake});
    return stream() != nullptr;
  }
  if (stream() != nullptr) return true;
  if (dial_ && !dial_->fresh()) return false;
  throw std::system_error(std::make_error_code(std::errc::not_connected),
                          std::string(what) + " with " + ha_.text());
}

void Client::wasCut() {
  HIO_PROBE_IF("client.cutoff.drops", onCutoff_ == OnCutoff::drop && !txbs().empty());
  if (onCutoff_ == OnCutoff::drop) txbs().clear();
}

void Client::attach(net::Poller* poller, base::Waker waker) {
  Link::attach(poller, std::move(waker));
  if (lookup_) lookupTells_ = binding().to(*lookup_);
  if (dial_) dial_->attach(binding());
  if (shaking_) binding().to(*shaking_);
}

bool Client::notifies() const noexcept { return Link::notifies() && (!dial_ || dial_->notifies()); }

net::BufferSizes Client::actualBufSizes() const {
  const net::Stream* const dialing = dial_ ? dial_->latest() : shaking_.get();
  return dialing != nullptr ? dialing->bufferSizes() : Link::actualBufSizes();
}

int Client::fd() const noexcept {
  if (shaking_) return shaking_->fd();
  if (!dial_) return Link::fd();
  return dial_->latest() != nullptr ? dial_->latest()->fd() : -1;
}

Interest Client::wants() const noexcept {
  if (dial_) return {.write = true};
  if (!shaking_) return Link::wants();
  const bool reads = shakesOn_ == net::IoResult::On::read;
  return {.read = reads, .write = !reads || shaking_->pending().unsent};
}

}  // namespace hio::core::tcp
