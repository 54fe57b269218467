#include "hio/core/tcp/loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hio::core::tcp {

using base::Forever;
using base::Tyme;

// The doer of one client or server, which it does not touch once it was abandoned.
class Loop::Member : public base::Doer {
 public:
  virtual const void* serviced() const noexcept = 0;
  void abandon() noexcept { abandoned_ = true; }

 protected:
  bool abandoned() const noexcept { return abandoned_; }

 private:
  bool abandoned_ = false;
};

namespace {

template <class T, class Base>
class MemberOf final : public Base {
 public:
  MemberOf(T& serviced, net::Poller& poller) noexcept : serviced_(serviced), poller_(poller) {}

  const void* serviced() const noexcept override { return &serviced_; }
  void wind(base::Tymth tymth) override {
    Base::wind(tymth);
    serviced_.wind(std::move(tymth));
  }

 private:
  void enter() override {
    serviced_.attach(&poller_, this->waker());
    serviced_.reopen();
  }
  bool recur(Tyme /*tyme*/) override {
    serviced_.service();
    return false;
  }
  std::optional<Tyme> due() override {
    if (!serviced_.notifies()) return std::nullopt;
    return serviced_.deadline().value_or(Forever);
  }
  void exit() override {
    if (this->abandoned()) return;
    serviced_.close();
    serviced_.attach(nullptr);
  }

  T& serviced_;
  net::Poller& poller_;
};

}  // namespace

Loop::Loop(net::PollerOptions options)
    : poller_(net::systemPoller(options)),
      pacer_(*poller_),
      // One that is always there: it runs without clients, too.
      doist_({.doers = {base::doify([](Tyme) { return false; }, {.tock = Forever})},
              .pacer = &pacer_}) {
  doist_.enter();
}

Loop::~Loop() {
  for (const auto& member : members_) member->abandon();
}

template <class T>
void Loop::addMember(T& serviced) {
  const auto isIt = [&](const auto& member) { return member->serviced() == &serviced; };
  const auto it = std::find_if(members_.begin(), members_.end(), isIt);
  if (it != members_.end()) {
    if ((*it)->running()) return;
    members_.erase(it);  // it threw
  }
  members_.push_back(std::make_shared<MemberOf<T, Member>>(serviced, *poller_));
  try {
    doist_.extend({members_.back()});
  } catch (...) {
    members_.pop_back();
    throw;
  }
}

void Loop::add(Client& client) { addMember(client); }

void Loop::add(Server& server) { addMember(server); }

void Loop::removeMember(const void* serviced) {
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [&](const auto& member) { return member->serviced() == serviced; });
  if (it == members_.end()) return;
  const std::shared_ptr<Member> member = *it;
  members_.erase(it);
  doist_.remove({member});
}

void Loop::remove(Client& client) { removeMember(&client); }

void Loop::remove(Server& server) { removeMember(&server); }

bool Loop::until(const std::function<bool()>& condition, Tyme limit) {
  if (!condition) throw std::invalid_argument("until: the condition is empty");
  if (looking_) throw std::logic_error("until: called from inside until()");
  looking_ = true;
  struct Looked {
    bool& looking;
    ~Looked() { looking = false; }
  } const looked{looking_};
  if (condition()) return true;
  const Tyme end = help::saturatingAdd(pacer_.now(doist_.tyme()), std::max(limit, Tyme(0)));
  for (;;) {
    const Tyme now = pacer_.now(doist_.tyme());
    const Tyme left =
        end == Forever ? Forever : std::max(help::saturatingSubtract(end, now), Tyme(0));
    const bool stopped = !doist_.poll(left);
    if (condition()) return true;
    if (stopped || left == Tyme(0)) return false;
  }
}

}  // namespace hio::core::tcp
