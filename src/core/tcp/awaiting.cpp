#include "hio/core/tcp/awaiting.hpp"

#include "hio/help/timing.hpp"

namespace hio::core::tcp {

bool LinkWait::await_resume() const {
  Awaitable::await_resume();
  return reached_;
}

bool LinkWait::ready(base::Tyme tyme, bool /*woken*/) {
  if (!end_) {
    end_ = help::saturatingAdd(tyme, atMost_);
  } else if (!observer_.watching()) {
    return true;  // the link is no more
  }
  const Outlook now = outlook();
  reached_ = now == Outlook::reached;
  return now != Outlook::open || tyme >= *end_;
}

LinkWait::Outlook Connected::outlook() const {
  if (client_.connected() && !client_.cutoff()) return Outlook::reached;
  return client_.phase() == Phase::stopped ? Outlook::hopeless : Outlook::open;
}

LinkWait::Outlook Received::outlook() const {
  if (rx_.rxbs().size() >= least_) return Outlook::reached;
  return rx_.cutoff() || rx_.ended() ? Outlook::hopeless : Outlook::open;
}

LinkWait::Outlook Drained::outlook() const {
  if (tx_.txbs().empty() && !tx_.unsent()) return Outlook::reached;
  return tx_.cutoff() ? Outlook::hopeless : Outlook::open;
}

}  // namespace hio::core::tcp
