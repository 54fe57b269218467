#include "hio/base/deed.hpp"

#include <stdexcept>
#include <utility>

#include "base/run_queue.hpp"

namespace hio::base {

namespace {

class DeedDoer final : public ReDoer {
 public:
  DeedDoer(std::function<Deed(Tymth, Tyme)> deed, DoerOptions options)
      : ReDoer(std::move(options)), deed_(std::move(deed)) {}

 private:
  Deed redo() override { return deed_(tymth(), tock()); }

  std::function<Deed(Tymth, Tyme)> deed_;
};

}  // namespace

std::shared_ptr<Doer> doify(std::function<Deed(Tymth, Tyme)> deed, DoerOptions options) {
  if (!deed) throw std::invalid_argument("doify: the function is empty");
  return std::make_shared<DeedDoer>(std::move(deed), std::move(options));
}

Deed& Deed::operator=(Deed&& other) noexcept {
  std::swap(coroutine_, other.coroutine_);
  return *this;
}

Deed::~Deed() {
  if (coroutine_) coroutine_.destroy();
}

Deed::Within Deed::operator co_await() && noexcept { return Within(std::move(*this)); }

bool Deed::result() const {
  if (coroutine_.promise().error_) std::rethrow_exception(coroutine_.promise().error_);
  return coroutine_.promise().done_;
}

void Deed::Yield::await_suspend(std::coroutine_handle<> /*coroutine*/) noexcept {
  promise_.doer_->pace(tock_);
}

Tyme Deed::Yield::await_resume() const noexcept { return promise_.doer_->now_; }

void Deed::End::await_suspend(Coroutine coroutine) noexcept {
  promise_type& promise = coroutine.promise();
  if (promise.outer_) promise.doer_->go(promise.outer_);
}

void Deed::Within::await_suspend(Coroutine outer) noexcept {
  promise_type& promise = deed_.coroutine_.promise();
  promise.doer_ = outer.promise().doer_;
  promise.outer_ = outer;
  promise.doer_->go(deed_.coroutine_);
}

bool Awaitable::await_suspend(std::coroutine_handle<Deed::promise_type> coroutine) {
  ReDoer& doer = *coroutine.promise().doer_;
  doer.setBack_ = Tyme(0);
  if (ready(doer.now_, false)) return false;
  suspended(doer.waker());
  doer.await(*this);
  return true;
}

void Awaitable::await_resume() const {
  if (error_) std::rethrow_exception(error_);
}

ReDoer::~ReDoer() = default;

void ReDoer::begin() {
  deed_ = std::make_unique<Deed>(redo());
  deed_->coroutine_.promise().doer_ = this;
  innermost_ = deed_->coroutine_;
  now_ = tyme();
  done(resume());
}

bool ReDoer::recur(Tyme tyme) {
  now_ = tyme;
  if (awaited_ != nullptr) {
    try {
      if (!awaited_->ready(help::saturatingAdd(tyme, setBack_), woken())) {
        await(*awaited_);
        return false;
      }
    } catch (...) {
      awaited_->error_ = std::current_exception();
    }
    awaited_ = nullptr;
  }
  return resume();
}

void ReDoer::cut() noexcept {
  awaited_ = nullptr;
  deed_.reset();
}

void ReDoer::setBack(Tyme from, Tyme to) noexcept {
  setBack_ = help::saturatingAdd(setBack_, help::saturatingSubtract(from, to));
}

// Deeds within deeds are gone through in a loop, because not every compiler makes a jump of a
// symmetric transfer: the stack would grow with each.
bool ReDoer::resume() {
  do {
    going_ = false;
    innermost_.resume();
  } while (going_);
  if (!deed_->coroutine_.done()) return false;
  entry_->ended = true;
  return deed_->result();
}

void ReDoer::await(Awaitable& awaited) {
  Tyme next = awaited.next(help::saturatingAdd(now_, setBack_));
  if (next != Forever) next = help::saturatingSubtract(next, setBack_);
  awaited_ = &awaited;
  if (next <= now_) {
    pace(Tyme(0));
  } else {
    retyme(next);
  }
}

void ReDoer::pace(Tyme tock) noexcept { entry_->nextTock = absolute(tock); }

void ReDoer::go(std::coroutine_handle<> innermost) noexcept {
  innermost_ = innermost;
  going_ = true;
}

bool Sleep::ready(Tyme tyme, bool /*woken*/) {
  if (!end_) end_ = help::saturatingAdd(tyme, duration_);
  return tyme >= *end_;
}

bool Park::ready(Tyme tyme, bool woken) {
  if (!end_) end_ = help::saturatingAdd(tyme, atMost_);
  woken_ = woken;
  return woken || tyme >= *end_;
}

bool Park::await_resume() const {
  Awaitable::await_resume();
  return woken_;
}

bool ThisWaker::await_suspend(std::coroutine_handle<Deed::promise_type> coroutine) noexcept {
  waker_ = coroutine.promise().doer_->waker();
  return false;
}

}  // namespace hio::base
