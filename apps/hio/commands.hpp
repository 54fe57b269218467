// The tool's commands, each with what its command line can ask for.
#pragma once

#include <cstdint>
#include <string>

#include "exit_codes.hpp"
#include "hio/base/tyming.hpp"
#include "tls_options.hpp"

namespace hio::tool {

struct ConnectOptions {
  std::string host{};
  int port = 0;
  TlsSettings tls{};
  bool reconnect = false;
  base::Tyme timeout = std::chrono::seconds(10);  // of one attempt; 0: no limit
  std::string wirelog{};                          // empty: none
  std::string file{};                             // empty: standard input
  bool verbose = false;
};
ExitCode runConnect(const ConnectOptions& options);

struct EchoOptions {
  std::string host = "127.0.0.1";
  int port = 56000;
  TlsSettings tls{};
  bool verbose = false;
};
ExitCode runEcho(const EchoOptions& options);

struct ProbeOptions {
  std::string host{};
  int port = 0;
  TlsSettings tls{};
  base::Tyme timeout = std::chrono::seconds(10);  // of one connection; 0: no limit
  bool json = false;
};
ExitCode runProbe(const ProbeOptions& options);

struct DemoOptions {
  std::string file{};       // empty: generated from the seed
  std::uint64_t size = 64;  // of what is generated, in MiB
  std::uint64_t cuts = 3;
  std::uint64_t seed = 1;
  bool plain = false;  // over TCP instead of TLS
};
ExitCode runDemo(const DemoOptions& options);

struct SimulateOptions {
  std::uint64_t seed = 1;
  int steps = 150;
  std::string faults{};  // classes of them, separated by commas; empty: drawn from the seed
  bool tls = false;
  bool timeline = false;
};
ExitCode runSimulate(const SimulateOptions& options);

}  // namespace hio::tool
