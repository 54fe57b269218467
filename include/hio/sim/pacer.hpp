// Lets a Doist live in a simulated world.
#pragma once

#include "hio/base/pacer.hpp"
#include "hio/sim/export.hpp"
#include "hio/sim/world.hpp"

namespace hio::sim {

// Jumps to what comes next, a doer's deadline or an event of the world; ends the run when neither
// ever will. The world's time has to be the Doist's:
//
//   base::Doist doist;
//   sim::World world({.tymth = doist.tymen()});
//   sim::WorldIdler idler(world);
//   doist.idler(&idler);
class HIO_SIM_EXPORT WorldPacer final : public base::Pacer {
 public:
  // The world has to outlive the idler.
  explicit WorldPacer(World& world) noexcept : world_(world) {}

  base::Tyme advance(base::Tyme tyme, base::Tyme until) override;

 private:
  World& world_;
};

}  // namespace hio::sim
