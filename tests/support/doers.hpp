// Doers that write down what happens to them.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hio/base/doing.hpp"

namespace hio::test {

using base::Doer;
using base::Doers;
using base::Tyme;

// Lines such as "A:enter", "A@250" (visited at so many milliseconds), "A:exit".
class Trace {
 public:
  void add(const std::string& line) { text_ += text_.empty() ? line : " " + line; }
  const std::string& text() const { return text_; }
  // All since the last take.
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

inline long long millis(Tyme tyme) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(tyme).count();
}

class Traced;

struct Contexts {
  Tyme tock{0};
  // Done in the n-th visit, from 1; 0: never.
  int visits = 0;
  std::function<void()> onEnter{};
  std::function<void(Traced&)> onRecur{};
  std::function<void()> onFirst{};  // in the first visit
  std::function<void()> onClean{};
  std::function<void()> onExit{};
  std::function<void()> onClose{};
  std::function<void()> onAbort{};
};

// Each context is traced, and then runs what the test put there.
class Traced : public Doer {
 public:
  Traced(Trace& trace, std::string name, Contexts contexts = {})
      : Doer({.tock = contexts.tock}),
        trace_(trace),
        name_(std::move(name)),
        contexts_(std::move(contexts)) {}

  int count() const { return count_; }
  using Doer::done;
  using Doer::retyme;
  using Doer::woken;

 protected:
  void enter() override {
    count_ = 0;
    context("enter", contexts_.onEnter);
  }
  bool recur(Tyme tyme) override {
    trace_.add(name_ + "@" + std::to_string(millis(tyme)));
    ++count_;
    if (contexts_.onRecur) contexts_.onRecur(*this);
    if (contexts_.onFirst && count_ == 1) contexts_.onFirst();
    return count_ == contexts_.visits;
  }
  void clean() override { context("clean", contexts_.onClean); }
  void exit() override { context("exit", contexts_.onExit); }
  void close() override { context("close", contexts_.onClose); }
  void abort(const std::exception_ptr& error) override {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& caught) {
      trace_.add(name_ + ":abort(" + caught.what() + ")");
    }
    if (contexts_.onAbort) contexts_.onAbort();
  }

 private:
  void context(const std::string& what, const std::function<void()>& then) {
    trace_.add(name_ + ":" + what);
    if (then) then();
  }

  Trace& trace_;
  std::string name_;
  Contexts contexts_;
  int count_ = 0;
};

inline std::shared_ptr<Traced> traced(Trace& trace, const std::string& name,
                                      Contexts contexts = {}) {
  return std::make_shared<Traced>(trace, name, std::move(contexts));
}

// A DoDoer that traces its contexts.
class TracedGroup : public base::DoDoer {
 public:
  TracedGroup(Trace& trace, std::string name, base::DoDoerOptions options = {})
      : DoDoer(std::move(options)), trace_(trace), name_(std::move(name)) {}

 protected:
  void enter() override {
    trace_.add(name_ + ":enter");
    DoDoer::enter();
  }
  bool recur(Tyme tyme) override {
    trace_.add(name_ + "@" + std::to_string(millis(tyme)));
    return DoDoer::recur(tyme);
  }
  void clean() override { trace_.add(name_ + ":clean"); }
  void exit() override {
    DoDoer::exit();
    trace_.add(name_ + ":exit");
  }
  void close() override { trace_.add(name_ + ":close"); }
  void abort(const std::exception_ptr& /*error*/) override { trace_.add(name_ + ":abort"); }

 private:
  Trace& trace_;
  std::string name_;
};

inline std::shared_ptr<TracedGroup> group(Trace& trace, const std::string& name,
                                          base::DoDoerOptions options = {}) {
  return std::make_shared<TracedGroup>(trace, name, std::move(options));
}

// To be put into a context.
inline auto throws(const char* what) {
  return [what] { throw std::runtime_error(what); };
}

// The text of the std::exception that `call` throws; empty if none.
template <class Call>
std::string errorOf(Call&& call) {
  try {
    call();
  } catch (const std::exception& caught) {
    return caught.what();
  }
  return {};
}

}  // namespace hio::test
