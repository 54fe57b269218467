#include "hio/core/tcp/awaiting.hpp"

#include <array>

#include "hio/help/timing.hpp"

namespace hio::core::tcp {

std::string_view nameOf(Waited waited) noexcept {
  static constexpr std::array<std::string_view, 4> Names{"reached", "cut", "late", "stopped"};
  return Names.at(static_cast<std::size_t>(waited));
}

Waited LinkWait::await_resume() const {
  Awaitable::await_resume();
  return waited_;
}

bool LinkWait::ready(base::Tyme tyme, bool /*woken*/) {
  if (!end_) {
    end_ = help::saturatingAdd(tyme, atMost_);
    epoch_ = link_.traffic().epoch + (link_.standing() ? 0 : 1);
    // The program may have made room in rxbs since the link last looked.
    link_.wakeIfRoomAgain();
  } else if (!observer_.attached()) {
    waited_ = Waited::stopped;  // the link is no more
    return true;
  }
  const auto now = outcome(tyme);
  if (now) waited_ = *now;
  return now.has_value();
}

std::optional<Waited> LinkWait::outcome(base::Tyme tyme) const {
  const std::uint64_t epoch = link_.traffic().epoch;
  if (epoch > epoch_) return Waited::cut;
  if (reached(link_)) return Waited::reached;
  if (epoch == epoch_ && (!link_.standing() || link_.ended())) return Waited::cut;
  if (link_.finished()) return link_.cutoff() ? Waited::cut : Waited::stopped;
  if (tyme >= *end_) return Waited::late;
  return std::nullopt;
}

bool Connected::reached(const Link& link) const { return link.standing(); }

bool Received::reached(const Link& link) const { return link.rxbs().size() >= atLeast_; }

bool Drained::reached(const Link& link) const {
  return link.txbs().empty() && !link.unsent() && link.traffic().dropped == 0;
}

}  // namespace hio::core::tcp
