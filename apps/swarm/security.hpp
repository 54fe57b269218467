// What a schedule with TLS needs besides: certificates, good and bad, and programs that use them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"
#include "swarm/tap.hpp"

namespace hio::swarm {

// What the server shows.
enum class Identity : std::uint8_t {
  good,
  brief,     // good for a day
  stranger,  // for the right names, by an authority that the client does not know
  other,     // for other names
  expired,
};

class Security {
 public:
  // Time is that at which certificates are judged. Draws what there is to choose; from then on, as
  // long as it lives, OpenSSL's numbers come from the seed.
  Security(sim::Random random, base::Tymth tymth);

  // OpenSSL's own check of the name is left out from now on, so that ours has to do.
  void blind() noexcept { blind_ = true; }
  bool resumes() const noexcept { return resumes_; }

  // Programs that write down what they move above TLS. The notes have to outlive them.
  std::unique_ptr<core::tcp::Client> client(core::tcp::ClientOptions options, Notes& notes);
  std::unique_ptr<core::tcp::Server> server(core::tcp::ServerOptions options, Notes& notes,
                                            Identity identity) const;

  // Why the client must not use this connection; empty when all is well.
  std::string objection(const Wire& wire, const std::string& name) const;

 private:
  std::chrono::sys_seconds at(base::Tyme tyme) const;

  base::Tymth tymth_;
  bool resumes_;
  bool mutual_;
  net::TlsVersion least_;
  net::TlsVersion most_;
  bool blind_ = false;
  sim::SeededEntropy entropy_;
};

// All names and addresses of the server in a schedule.
const std::vector<std::string>& farNames();

}  // namespace hio::swarm
