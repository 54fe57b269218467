// Coroutines as doers. hio's `tyme = yield tock` is `Tyme now = co_yield tock;` in a Deed.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "hio/base/doing.hpp"
#include "hio/base/tyming.hpp"
#include "hio/export.hpp"

namespace hio::base {

class ReDoer;
class ThisWaker;

// The coroutine type. Within one:
//   Tyme now = co_yield tock;      suspends until a tock has passed (Doer::tock), gives the tyme
//   co_await sleep(1s);            any Awaitable
//   bool done = co_await other();  runs another Deed until it returns; hio's yield from
//   co_return done;                ends; `done` is what done() of the doer tells
// What it throws aborts the doer, or comes out of the co_await of another Deed. A suspended one can
// be destroyed: its local objects are, in the usual order. One that was never run does nothing.
class [[nodiscard]] Deed {
 public:
  class promise_type;
  class Yield;
  class End;
  class Within;

  Deed(Deed&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  HIO_EXPORT Deed& operator=(Deed&& other) noexcept;
  HIO_EXPORT ~Deed();

  HIO_EXPORT Within operator co_await() && noexcept;

 private:
  friend class ReDoer;
  using Coroutine = std::coroutine_handle<promise_type>;
  explicit Deed(Coroutine coroutine) noexcept : coroutine_(coroutine) {}
  // What it returned; throws what it threw.
  HIO_EXPORT bool result() const;

  Coroutine coroutine_;
};

// Base of what a Deed can wait for. It lives in the coroutine's frame: no memory is allocated.
class HIO_EXPORT Awaitable {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<Deed::promise_type> coroutine);
  // One with a result has an await_resume of its own, which calls this one first: it throws what
  // ready() threw.
  void await_resume() const;

 protected:
  Awaitable() = default;
  Awaitable(const Awaitable&) = default;
  Awaitable& operator=(const Awaitable&) = default;
  virtual ~Awaitable() = default;

  // Whether the wait is over. Asked when the wait begins and then at each visit of the doer;
  // `woken`: the visit is due to its waker. `tyme` goes on evenly from the begin of the wait: where
  // the Doist's tyme is set back meanwhile, this one is not, so a wait lasts as long as it should.
  virtual bool ready(Tyme tyme, bool woken) = 0;
  // Asked after each "not yet", on the same scale: when to ask again if the doer is not woken
  // before. A tyme that has passed: in each cycle. Forever: only when it is woken.
  virtual Tyme next(Tyme /*tyme*/) { return Forever; }
  // Called once, after the first "not yet". The waker may outlive the wait and the doer.
  virtual void suspended(const Waker& /*waker*/) {}

 private:
  friend class ReDoer;
  std::exception_ptr error_;
};

// A doer whose recur is a coroutine: run until it first suspends when the doer has been entered,
// resumed at each visit, destroyed before close or abort. A Deed may suspend in no other way than
// by what this header offers.
class HIO_EXPORT ReDoer : public Doer {
 public:
  explicit ReDoer(DoerOptions options = {}) : Doer(std::move(options)) {}
  ~ReDoer() override;

 protected:
  virtual Deed redo() = 0;

 private:
  friend class Awaitable;
  friend class Deed;
  void begin() final;
  bool recur(Tyme tyme) final;
  void cut() noexcept final;
  void setBack(Tyme from, Tyme to) noexcept final;
  bool resume();
  void await(Awaitable& awaited);
  void pace(Tyme tock) noexcept;
  void go(std::coroutine_handle<> innermost) noexcept;

  std::unique_ptr<Deed> deed_;
  std::coroutine_handle<> innermost_;
  Awaitable* awaited_ = nullptr;
  Tyme now_{0};
  Tyme setBack_{0};     // by how much in all since the wait began
  bool going_ = false;  // goes on with innermost_ without waiting for a visit
};

// A doer that runs `deed(its tymth, its tock)`. The function is kept as long as the doer: so it may
// be a lambda with captures.
HIO_EXPORT std::shared_ptr<Doer> doify(std::function<Deed(Tymth, Tyme)> deed,
                                       DoerOptions options = {});

class HIO_EXPORT Deed::Yield {
 public:
  Yield(const promise_type& promise, Tyme tock) noexcept : promise_(promise), tock_(tock) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept;
  Tyme await_resume() const noexcept;

 private:
  const promise_type& promise_;
  Tyme tock_;
};

class HIO_EXPORT Deed::End {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(Coroutine coroutine) noexcept;
  void await_resume() const noexcept {}
};

class HIO_EXPORT Deed::Within {
 public:
  explicit Within(Deed deed) noexcept : deed_(std::move(deed)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Coroutine outer) noexcept;
  bool await_resume() const { return deed_.result(); }

 private:
  Deed deed_;
};

class Deed::promise_type {
 public:
  Deed get_return_object() noexcept { return Deed(Coroutine::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  End final_suspend() const noexcept { return {}; }
  Yield yield_value(Tyme tock) const noexcept { return {*this, tock}; }
  void return_value(bool done) noexcept { done_ = done; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

 private:
  friend class Awaitable;
  friend class Deed;
  friend class ReDoer;
  friend class ThisWaker;
  ReDoer* doer_ = nullptr;
  Coroutine outer_;
  std::exception_ptr error_;
  bool done_ = false;
};

// --- what to wait for ---

// A stretch of tyme; nothing if it is 0 or less.
class HIO_EXPORT Sleep final : public Awaitable {
 public:
  explicit Sleep(Tyme duration) noexcept : duration_(duration) {}

 private:
  bool ready(Tyme tyme, bool woken) override;
  Tyme next(Tyme /*tyme*/) override { return *end_; }

  Tyme duration_;
  std::optional<Tyme> end_;
};
inline Sleep sleep(Tyme duration) noexcept { return Sleep(duration); }

// A condition, looked at each tock (0 or less: in each cycle) and whenever the doer is woken. With
// a tock of Forever whoever makes it true has to wake the doer.
template <class Condition>
class Until final : public Awaitable {
 public:
  Until(Condition condition, Tyme tock) : condition_(std::move(condition)), tock_(tock) {}

 private:
  bool ready(Tyme /*tyme*/, bool /*woken*/) override { return condition_(); }
  Tyme next(Tyme tyme) override { return help::saturatingAdd(tyme, tock_); }

  Condition condition_;
  Tyme tock_;
};
template <class Condition>
Until<Condition> until(Condition condition, Tyme tock = Tyme(0)) {
  return {std::move(condition), tock};
}

// `bool woken = co_await park(atMost);` waits until the doer is woken from now on (true) or that
// long has passed (false).
class HIO_EXPORT Park final : public Awaitable {
 public:
  explicit Park(Tyme atMost) noexcept : atMost_(atMost) {}
  bool await_resume() const;

 private:
  bool ready(Tyme tyme, bool woken) override;
  Tyme next(Tyme /*tyme*/) override { return *end_; }

  Tyme atMost_;
  std::optional<Tyme> end_;
  bool woken_ = false;
};
inline Park park(Tyme atMost = Forever) noexcept { return Park(atMost); }

// `Waker waker = co_await thisWaker();` gives the doer's own waker, and does not wait.
class HIO_EXPORT ThisWaker {
 public:
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<Deed::promise_type> coroutine) noexcept;
  Waker await_resume() noexcept { return std::move(waker_); }

 private:
  Waker waker_;
};
inline ThisWaker thisWaker() noexcept { return {}; }

}  // namespace hio::base
