// What can be found out about a TLS server by connecting to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/net/tls.hpp"

namespace hio::tool {

struct Findings {
  // How long each stage took; empty: it was not reached, or not completed.
  std::optional<base::Tyme> resolve{};
  std::optional<base::Tyme> connect{};
  std::optional<base::Tyme> handshake{};
  std::string address{};     // that was reached; empty: none
  std::string name{};        // that the certificate must be made for
  net::TlsInfo tls{};        // empty: no handshake came to its end
  bool trusted = false;      // chain and name are good
  bool unchecked = false;    // the server was refused; `tls` is from a connection without checking
  bool nameMatches = false;  // `name` is one of the certificate's
  std::vector<std::string> reasons{};  // why it is not trusted, or was not reached
  ExitCode code = ExitCode::ok;        // of the first failure
};

// Connects with all checks; to a server that is refused again without, for the facts. Throws
// Problem for options that cannot be used and when interrupted.
Findings probe(const ProbeOptions& options);

}  // namespace hio::tool
