// A world, its time and the programs in it: all that a test needs, in an object.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/base/tyming.hpp"
#include "hio/sim/export.hpp"
#include "hio/sim/world.hpp"

namespace hio::sim {

// What a turn services, such as a Client or a Server.
template <typename T>
concept Serviced = requires(T& program) {
  program.service();
};

// One with deadlines of its own.
template <typename T>
concept Timed = requires(T& program) {
  { program.deadline() } -> std::convertible_to<std::optional<base::Tyme>>;
};

// Declare it before the programs: it has to outlive their streams.
//
//   sim::Testbed bed({"laptop", "server"});
//   Client client({.host = "server", .port = 7, .tymth = bed.tymth(), .net = &bed["laptop"]});
//   bed.add(client);
class HIO_SIM_EXPORT Testbed {
 public:
  // Hosts by these names, with addresses of their own. Throws as World does; the option tymth is
  // the lab's own.
  explicit Testbed(const std::vector<std::string>& hosts = {}, WorldOptions options = {});

  // Throws std::invalid_argument, naming the hosts there are, for a name that none has.
  Host& operator[](std::string_view name);
  World& world() noexcept { return world_; }
  base::Tymist& tymist() noexcept { return tymist_; }
  base::Tymth tymth() noexcept { return tymist_.tymen(); }
  base::Tyme tyme() const noexcept { return tymist_.tyme(); }

  // Each turn services the programs in the order in which they were added, and time jumps to the
  // deadlines of those that have some. They have to outlive the turns.
  template <Serviced... Programs>
  void add(Programs&... programs) {
    (addOne(programs), ...);
  }
  // Anything else that is to be done in each turn.
  void add(std::function<void()> step) { programs_.push_back({std::move(step), {}}); }

  // Turns until done; see sim::run. The limit counts from now.
  Outcome run(const std::function<bool()>& done, base::Tyme limit = std::chrono::hours(1));
  // Turns for so long: afterwards tyme() is later by exactly this.
  void pass(base::Tyme duration);

 private:
  struct Program {
    std::function<void()> step;
    std::function<std::optional<base::Tyme>()> deadline;
  };

  template <Serviced T>
  void addOne(T& program) {
    Program added{[&program] { program.service(); }, {}};
    if constexpr (Timed<T>) added.deadline = [&program] { return program.deadline(); };
    programs_.push_back(std::move(added));
  }
  void step();
  std::optional<base::Tyme> deadline() const;

  base::Tymist tymist_;
  World world_;
  std::vector<Host*> hosts_;
  std::vector<Program> programs_;
};

}  // namespace hio::sim
