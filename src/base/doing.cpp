#include "hio/base/doing.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/post_box.hpp"
#include "base/run_queue.hpp"

namespace hio::base {

namespace {

class FunctionDoer final : public Doer {
 public:
  FunctionDoer(std::function<bool(Tyme)> recur, DoerOptions options)
      : Doer(std::move(options)), recur_(std::move(recur)) {}

 private:
  bool recur(Tyme tyme) override { return recur_(tyme); }

  std::function<bool(Tyme)> recur_;
};

}  // namespace

Doer::Doer(DoerOptions options)
    : Tymee(std::move(options.tymth)),
      tock_(absolute(options.tock)),
      entry_(std::make_shared<RunEntry>()) {}

Doer::~Doer() = default;

Waker Doer::waker() const noexcept { return Waker(entry_); }

void Doer::tock(Tyme tock) noexcept { tock_ = absolute(tock); }

bool Doer::running() const noexcept { return entry_->queue != nullptr; }

void Doer::retyme(Tyme tyme) noexcept { entry_->nextRetyme = tyme; }

bool Doer::woken() const noexcept { return entry_->dueToWake; }

std::shared_ptr<Doer> doify(std::function<bool(Tyme)> recur, DoerOptions options) {
  if (!recur) throw std::invalid_argument("doify: the function is empty");
  return std::make_shared<FunctionDoer>(std::move(recur), std::move(options));
}

DoDoer::DoDoer(DoDoerOptions options)
    : Doer({.tock = options.tock, .tymth = std::move(options.tymth)}),
      always_(options.always),
      queue_(std::make_unique<RunQueue>(std::move(options.doers), entry_.get())) {}

DoDoer::~DoDoer() = default;

const Doers& DoDoer::doers() const noexcept { return queue_->doers(); }

std::size_t DoDoer::deeds() const noexcept { return queue_->size(); }

void DoDoer::extend(Doers doers) { queue_->extend(std::move(doers)); }

void DoDoer::remove(const Doers& doers) { queue_->remove(doers); }

void DoDoer::always(bool always) noexcept {
  always_ = always;
  entry_->wake();
}

void DoDoer::enter() { queue_->enter(tymth(), entry_->queue != nullptr && entry_->queue->skips()); }

bool DoDoer::recur(Tyme tyme) {
  queue_->cycle(tyme);
  if (queue_->size() == 0 && !always_) return true;
  if (tock() == Tyme(0) && !queue_->anyEveryCycle()) retyme(queue_->firstRetyme());
  return false;
}

void DoDoer::exit() { queue_->exit(); }

void DoDoer::setBack(Tyme from, Tyme to) noexcept { queue_->setBack(from, to); }

Doist::Doist(DoistOptions options)
    : Tymist(options.tyme, options.tock),
      real_(options.real),
      seen_(options.tyme),
      limit_(absolute(options.limit)),
      pacer_(options.pacer),
      clock_(options.clock != nullptr ? options.clock : &help::steadyClock()),
      box_(std::make_shared<PostBox>(options.pacer)),
      queue_(std::make_unique<RunQueue>(std::move(options.doers))) {}

Doist::~Doist() {
  try {
    queue_->exit();
  } catch (...) {  // nobody is there to be told
  }
  box_->close();
}

const Doers& Doist::doers() const noexcept { return queue_->doers(); }

std::size_t Doist::deeds() const noexcept { return queue_->size(); }

void Doist::extend(Doers doers) { queue_->extend(std::move(doers)); }

void Doist::remove(const Doers& doers) { queue_->remove(doers); }

void Doist::run(DoistRun how) {
  if (running_) throw std::logic_error("run: called from one of its own doers");
  if (how.doers) queue_->doers(std::move(*how.doers));
  if (how.limit) limit_ = absolute(*how.limit);
  if (how.tyme) tyme(*how.tyme);
  stop_ = limit_ > Tyme(0) ? help::saturatingAdd(tyme(), limit_) : Forever;
  stopped_ = false;
  done_ = false;
  running_ = true;
  struct Ended {
    Doist& doist;
    ~Ended() {
      doist.running_ = false;
      doist.stop_ = Forever;
    }
  } const ended{*this};

  try {
    enter();
    help::Deadline deadline(tock(), clock_->now());
    do {
      recur();
      if (real_ && pacer_ == nullptr) {
        while (!deadline.expired(clock_->now())) clock_->sleep(deadline.remaining(clock_->now()));
        deadline = help::Deadline(tock(), deadline.stop());  // no time is lost
      }
    } while (!stopped_ && deeds() > 0 && tyme() < stop_);
  } catch (...) {
    try {
      exit();
    } catch (...) {  // the first error is the one to tell
    }
    throw;
  }
  done_ = deeds() == 0 && !stopped_;
  exit();
}

void Doist::enter() {
  if (!queue_->entered()) {
    stopped_ = false;
    seen_ = tyme();
    if (pacer_ != nullptr) pacer_->start(tyme());
  }
  queue_->enter(tymen(), pacer_ != nullptr);
}

// What recur() and poll() must not be called in.
class Doist::Turn {
 public:
  Turn(Doist& doist, const char* what) : doist_(doist) {
    if (doist.turning_) throw std::logic_error(what);
    doist.turning_ = true;
    doist.queue_->alarm(nullptr);
  }
  ~Turn() { doist_.turning_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Doist& doist_;
};

void Doist::recur() {
  const Turn turn(*this, "recur: called from one of its own doers");
  followTyme();
  cycle();
  pass();
}

void Doist::exit() {
  stopped_ = true;
  queue_->exit();
}

bool Doist::poll(Tyme atMost) {
  const Turn turn(*this, "poll: called from one of its own doers");
  followTyme();
  if (pacer_ != nullptr && !stopped_) {
    const Tyme now = pacer_->now(tyme());
    const Tyme until = std::min(due(), help::saturatingAdd(now, std::max(atMost, Tyme(0))));
    advance(until);
  }
  cycle();
  if (pacer_ == nullptr) pass();
  queue_->alarm(pacer_);
  return !std::exchange(stopped_, false) && deeds() > 0;
}

std::optional<Tyme> Doist::maxSleep() const {
  const Tyme next = due();
  if (next == Forever) return std::nullopt;
  const Tyme now = pacer_ != nullptr ? pacer_->now(tyme()) : tyme();
  return std::max(help::saturatingSubtract(next, now), Tyme(0));
}

bool Doist::post(std::function<void()> function) { return poster().post(std::move(function)); }

void Doist::pacer(Pacer* pacer) noexcept {
  pacer_ = pacer;
  box_->pacer(pacer);
  if (queue_->alarmed()) queue_->alarm(pacer);
}

std::optional<Tyme> Doist::deadline() const {
  const Tyme next = due();
  return next == Forever ? std::nullopt : std::optional(next);
}

void Doist::cycle() {
  if (box_->any()) box_->run();
  const Tyme now = tyme();
  queue_->cycle(now);
  seen_ = now;
  followTyme();
}

// The tyme may have been set by hand since this Doist left it.
void Doist::followTyme() {
  if (tyme() == seen_) return;
  if (pacer_ != nullptr) pacer_->start(tyme());
  see();
}

// From seen_ to the tyme that it is now.
void Doist::see() noexcept {
  const Tyme now = tyme();
  if (now < seen_) {
    queue_->setBack(seen_, now);
    stop_ = RunQueue::setBack(stop_, seen_, now);
  }
  seen_ = now;
}

Tyme Doist::due() const {
  if (queue_->anyWoken() || box_->any()) return tyme();
  Tyme next = queue_->firstRetyme();
  if (tyme() < seen_) next = RunQueue::setBack(next, seen_, tyme());  // as followTyme() will
  if (queue_->anyEveryCycle()) {
    next = std::min(next, help::saturatingAdd(tyme(), std::max(tock(), Tyme(0))));
  }
  return next;
}

void Doist::pass() {
  if (pacer_ == nullptr) {
    tick();
    seen_ = tyme();
  } else if (deeds() > 0 && !stopped_) {
    advance(std::min(due(), stop_));
  }
}

void Doist::advance(Tyme until) {
  const Tyme next = pacer_->advance(tyme(), until);
  if (next == Forever) {
    stopped_ = true;
    return;
  }
  tyme(next);
  see();
}

}  // namespace hio::base
