// The TLS handshakes of a server that are in progress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "core/tcp/ready_line.hpp"
#include "hio/core/tcp/notified.hpp"
#include "hio/core/tcp/serving.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {

// Handshakes take turns: one that notifies is asked when it was woken or its deadline has come, the
// others are asked one after the other, some in each visit. `now` is empty where the server is not
// wound: then there are no deadlines, and none gives way.
class Handshakes {
 public:
  using Now = std::optional<Tyme>;
  struct Limits {
    Tyme timeout;       // of each handshake
    std::size_t steps;  // that bring bytes, and so cost CPU, in one visit
  };
  // How one came out: done, an error, or blocked when its time is over.
  struct Over {
    Acceptor::Incoming incoming;
    net::IoResult result;
  };

  // `waker` is called whenever one of them may make progress.
  Handshakes(base::Waker waker, Limits limits) : ready_(std::move(waker)), limits_(limits) {}
  ~Handshakes() { clear(); }
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  std::size_t size() const noexcept { return all_.size(); }
  // All of them notify the waker.
  bool notifies() const noexcept { return notifying_ == all_.size(); }
  // The time of all of them begins anew.
  void restart(Now now) noexcept;
  void attach(const PollerBinding& binding);
  void add(const Address& ca, std::unique_ptr<net::TlsStream> stream, const PollerBinding& binding,
           Now now);
  void clear() noexcept;

  // One visit: beginVisit, then next() until it is empty.
  void beginVisit(Now now) noexcept;
  // Goes on until a handshake is over, which is then the caller's; empty when the visit is.
  std::optional<Over> next();

  // One has been silent so long that it may give way to a new connection; within a visit.
  bool canGiveWay();
  // Takes that one out. Only after canGiveWay() gave true.
  Acceptor::Incoming giveWay();
  // When canGiveWay() may give true; empty: when something else has happened.
  std::optional<Tyme> givesWayAt() const noexcept;
  // When next() has something to do.
  std::optional<Tyme> due(Tyme now) const;

 private:
  struct Handshake {
    Handshake(const Address& theCa, Tyme now) : ca(theCa), started(now), heardAt(now) {}
    ~Handshake() {
      if (turn) turn->leave();
    }
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;

    Address ca;
    Notified<net::TlsStream> stream;
    std::shared_ptr<Turn<Handshake>> turn;
    Tyme started;
    Tyme heardAt;
    bool lacks = false;
    std::list<Handshake>::iterator place{};    // in all_
    std::list<Handshake*>::iterator silent{};  // in mute_ or talked_
  };

  void bind(Handshake& handshake, const PollerBinding& binding);
  net::IoResult step(Handshake& handshake);
  void waitFor(Handshake& handshake, const net::IoResult& result);
  Over takeOut(Handshake& handshake, const net::IoResult& result);
  Handshake* silent() const noexcept;
  static Tyme silentUntil(const Handshake& handshake) noexcept;
  std::list<Handshake*>& listOf(const Handshake& handshake) noexcept {
    return handshake.stream->rawReceived() == 0 ? mute_ : talked_;
  }

  ReadyLine<Handshake> ready_;  // may make progress
  ReadyLine<Handshake> asked_;  // those that do not notify, in turns
  Limits limits_;
  std::list<Handshake> all_;         // the oldest first
  std::list<Handshake*> mute_;       // those that have sent nothing, the oldest first
  std::list<Handshake*> talked_;     // the others, the one that has been silent longest first
  std::vector<Handshake*> lacking_;  // asked again after the pause
  help::Deadline pause_{Tyme(0), Tyme(0)};
  std::size_t notifying_ = 0;
  // Of the visit.
  Now now_;
  Tyme visitedAt_ = Tyme::min();
  std::size_t stepsLeft_ = 0;
  std::size_t callsLeft_ = 0;
  // Of those that do not notify: how many are still to be asked before all have been, and whether
  // one of them has more to do.
  std::size_t roundLeft_ = 0;
  bool again_ = false;
};

}  // namespace hio::core::tcp
