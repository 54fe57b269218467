// What a client does after a failure.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/tcp/after_failure.hpp"
#include "core/tcp/attempt.hpp"
#include "core/tcp/due.hpp"
#include "help/probe.hpp"
#include "hio/core/tcp/clienting.hpp"

namespace hio::core::tcp {

void Client::raiseFailure(std::uint64_t before, std::initializer_list<Stage> stages) const {
  if (failures_ == before) return;
  if (std::find(stages.begin(), stages.end(), failure()->stage()) == stages.end()) return;
  throw std::system_error(failure()->code(), failure()->message());
}

void Client::attemptFailed(std::error_code code, std::string detail) {
  Address at = attempt_->target();
  std::vector<Failure::Try> tries = attempt_->tries();
  HIO_PROBE_IF("client.tries.several", tries.size() > 1);
  if (tries.size() == 1 && tries.front().code == code) at = tries.front().address;
  auto failure =
      std::make_unique<Failure>(attempt_->stage(), std::move(at), code, std::move(detail));
  failure->tries_ = std::move(tries);
  failed(std::move(failure));
}

void Client::failed(std::unique_ptr<Failure> failure) {
  countFailure();
  failure->attempt_ = attempts_;
  keep(std::move(failure));
  goOn(this->failure()->stage());
}

void Client::countFailure() {
  ++failures_;
  if (attempts_++ == 0 && tymth()) troubleSince_ = tyme();
}

// A connection that lasted makes a fresh start.
bool Client::startsFresh() {
  const Tyme lasted = help::saturatingSubtract(tyme(), connectedAt_);
  if (lasted < backoff_.options().stableAfter) {
    HIO_PROBE("client.epoch.short");
    // The time connected was no trouble.
    troubleSince_ = help::saturatingAdd(troubleSince_, lasted);
    return false;
  }
  HIO_PROBE("client.epoch.lasted");
  attempts_ = 0;
  backoff_.reset();
  return true;
}

bool Client::reject(std::error_code code, std::string why) {
  if (!standing()) return false;
  HIO_PROBE("client.rejected");
  if (tymth()) startsFresh();
  wasCut();
  failed(std::make_unique<Failure>(Stage::use, ha_, code, std::move(why)));
  storeDue();
  return true;
}

// A reconnectable client's connection was cut off.
void Client::endEpoch() {
  HIO_PROBE_IF("client.cutoff.failed", failure() != nullptr);
  HIO_PROBE_IF("client.cutoff.clean", failure() == nullptr);
  if (!startsFresh()) countFailure();
  HIO_PROBE_IF("client.epoch.exhausted", failure() == nullptr && exhausted());
  if (failure() == nullptr && exhausted()) {
    keep(std::make_unique<Failure>(Stage::receive, ha_,
                                   net::systemError(std::errc::connection_aborted),
                                   "the far side closed each connection soon"));
  }
  goOn(Stage::receive);
}

// As the table of after_failure.hpp says; a clean end has no failure.
void Client::goOn(Stage stage) {
  abandon();
  const Reason reason =
      failure() != nullptr ? reasonOf(failure()->stage(), failure()->code()) : Reason::passing;
  Next next = nextAfter(stage, reason, reconnectable_, static_cast<bool>(tymth()));
  if (failure() != nullptr && !isWanted()) next = Next::stop;
  if (tymth() && exhausted()) next = Next::stop;
  HIO_PROBE_IF("client.retry.stops", next == Next::stop);
  HIO_PROBE_IF("client.retry.slowly", next == Next::slowly);
  switch (next) {
    case Next::atOnce:
      // Without a socket, or after a handshake (L21), the next call opens the client.
      if (stage != Stage::open && stage != Stage::handshake) begin();
      break;
    case Next::pause:
      // To ask again at once for what the machine lacks would only spin.
      return pause(
          std::max(backoff_.next(*net_), reason == Reason::shortage ? LackPause : Tyme(0)));
    case Next::slowly:
      return pause(backoff_.slowest(*net_));
    case Next::stay:
    case Next::stop:
      phase_ = Phase::stopped;
      break;
  }
}

void Client::pause(Tyme duration) {
  clearEnds();
  pause_ = help::Deadline(duration, tyme());
  phase_ = Phase::waiting;
  HIO_PROBE_IF("client.retry.late", attempts_ > 5);
  HIO_PROBE_IF("client.retry.no-pause", duration == Tyme(0));
  if (duration == Tyme(0)) begin();
}

// Whether the program wants to go on after this failure.
bool Client::isWanted() {
  std::string threw;
  try {
    return backoff_.options().retryable(*failure());
  } catch (const std::exception& error) {
    threw = error.what();
  } catch (...) {
    threw = "something that is no std::exception";
  }
  auto told = std::make_unique<Failure>(*failure());
  told->detail_ += (told->detail_.empty() ? "" : "; ") + ("retry.retryable threw: " + threw);
  keep(std::move(told));
  return false;
}

bool Client::exhausted() const {
  const RetryOptions& retry = backoff_.options();
  return (retry.attempts > 0 && attempts_ >= retry.attempts) ||
         (retry.giveUpAfter > Tyme(0) && attempts_ > 0 &&
          help::saturatingSubtract(tyme(), troubleSince_) >= retry.giveUpAfter);
}

}  // namespace hio::core::tcp
