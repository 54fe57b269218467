// One play of a story: its programs, what each has seen, and whether that is right.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocations.hpp"
#include "torture/story.hpp"
#include "torture/watched_net.hpp"

namespace hio::torture {

// Something is not as it should be.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Rig {
 public:
  Rig(const Story& story, std::optional<Fault> fault, std::uint64_t starvedAt, bool starvesOn);
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Until the goal, until no client goes on by itself, or so long.
  bool strive(base::Tyme limit);
  // The faults end. Who cannot go on by himself is helped, as a user would.
  void recover();
  // All is closed, and nothing is left.
  void finish();
  // What the fault has to have come to.
  void judge(bool reached) const;

  const Calls& calls() const { return calls_; }
  bool hit() const { return hit_; }
  std::uint64_t allocations() const;

 private:
  // What a client saw of one connection.
  struct Epoch {
    core::Address ca;
    std::uint64_t start = 0;  // of what it sent, in all that it was given to send
    std::uint64_t sent = 0;
    std::string received{};
  };
  struct Party {
    std::unique_ptr<core::tcp::Client> client{};
    std::string given{};
    std::uint64_t wanted = 0;  // how many bytes it is to be given by now
    std::vector<Epoch> epochs{};
    bool isDone = false;
    base::Tyme movedAt{0};
    std::uint64_t moved = 0;
    bool mayStop = false;
  };
  struct Seen {
    Side side;
    core::tcp::Stage stage;
    std::error_code code;
  };
  // What the server saw of one connection.
  struct Peer {
    std::string received{};
    std::string given{};
    bool isOpen = false;
    const Party* party = nullptr;  // once matched, and which of its epochs
    std::size_t epoch = 0;
  };

  template <class Call>
  bool guarded(Call call);
  void ensure();
  void turn();
  void service();
  void ask(Party& party);
  void observe(Party& party);
  void see(Party& party);
  void serve();
  void check();
  void match(const core::Address& ca, Peer& peer) const;
  void note(Side side, const core::tcp::Failure& failure);
  bool reached(const Party& party) const;
  bool allReached() const;
  bool goesOn() const;
  bool mayRecover(const Party& party) const;
  void pass(bool moved);
  bool helps(Party& party);
  void require(bool holds, const std::string& what) const;
  std::string bytes(std::uint64_t from, std::size_t count, std::uint64_t salt) const;
  base::Deed converse();

  const Story& story_;
  std::optional<Fault> fault_;
  bool isStarved_;
  bool onwards_;
  std::uint64_t startAllocations_;
  std::uint64_t left_;  // allocations until one fails
  bool faulty_ = true;  // the fault lasts
  Calls calls_{};
  bool hit_ = false;
  bool starved_ = false;  // in this turn

  std::unique_ptr<base::Doist> doist_;
  base::Tymist tymist_;
  base::Tymist& time_;
  sim::World world_;
  sim::Host& near_;
  sim::Host& far_;
  WatchedNet nearNet_{near_};
  WatchedNet farNet_{far_};
  core::WireLog nearLog_{{.samed = true, .reopen = true}};
  core::WireLog farLog_{{.samed = true, .reopen = true}};
  std::unique_ptr<core::tcp::Server> server_;
  std::vector<Party> parties_;
  std::map<core::Address, Peer> peers_;
  std::vector<Seen> seen_;
  std::uint64_t cut_ = 0;  // connections that the server has cut off
  bool askedFor_ = false;  // by the conversation
  base::Tyme listenAt_{0};
  sim::RuleGuard counting_;
  int turnsNow_ = 0;   // at this tyme
  int failedFor_ = 0;  // so many turns connected with a stream that has failed
};

}  // namespace hio::torture
