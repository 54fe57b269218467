// The connections of a server: which have something to do, which are over, which are idle.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/tcp/ready_line.hpp"
#include "hio/core/tcp/serving.hpp"

namespace hio::core::tcp {

// `now` is empty where the server is not wound.
class Roster {
 public:
  using Ixes = std::map<Address, std::unique_ptr<Remoter>>;
  using Now = std::optional<Tyme>;

  // `waker` is called whenever a connection gets something to do. `idle`: how long a connection may
  // be idle; empty: for ever.
  Roster(base::Waker waker, std::optional<Tyme> idle) : line_(std::move(waker)), idle_(idle) {}

  const Ixes& ixes() const noexcept { return ixes_; }
  // What this visit has serviced so far.
  const std::vector<Remoter*>& serviced() const noexcept { return serviced_; }

  void wind(const Tymth& tymth);
  // With a poller only connections with something to do are looked at.
  void attach(const PollerBinding& binding);

  // A connection from the address of another one replaces that.
  void admit(std::unique_ptr<Remoter> remoter, const PollerBinding& binding);
  // Empty when there is none of that address.
  std::unique_ptr<Remoter> remove(const Address& ca);
  void clear() noexcept;

  // One visit: these three, in this order.
  void removeSpent(Now now);
  void serviceReady(Now now);
  void serviceAdmitted(Now now);
  // When there is something to do: now, a timer's end, or never.
  std::optional<Tyme> due(Tyme now) const;

 private:
  using Turns = std::vector<std::shared_ptr<Turn<Remoter>>>;

  void attachIx(Remoter& remoter, const PollerBinding& binding);
  bool exhausted(Remoter& remoter, Now now) const;
  void forget(const Remoter& remoter) noexcept;
  void serviceFrom(std::size_t first, Now now);
  void askAfterPause(Remoter& remoter, Now now);
  Tyme lingersUntil(const Remoter& remoter, Tyme now) const;

  ReadyLine<Remoter> line_;
  std::optional<Tyme> idle_;
  bool driven_ = false;  // by a poller
  Ixes ixes_;
  std::vector<Remoter*> serviced_;
  std::vector<Remoter*> admitted_;  // in this visit, and not yet serviced
  Turns lingering_;                 // cut off, and not yet read
  Turns lacking_;                   // get another turn after the pause
  help::Deadline pause_{Tyme(0), Tyme(0)};
  Tyme lookedAt_ = Tyme::min();  // the last visit
  Tyme idleLookAt_ = Tyme::min();
};

}  // namespace hio::core::tcp
