// The command line of the tool hio.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

std::string examplesAndCodes() {
  std::string text = R"(Examples:
  hio connect 127.0.0.1 7 < file > answer    send a file, keep what comes back
  printf 'GET / HTTP/1.0\r\n\r\n' | hio connect example.org 80
  hio connect localhost 6379 -v              talk by hand, and see what happens
  tail -f log | hio connect logs 5140 --reconnect
  hio connect --tls example.org 443 -v       the same over TLS, the certificate checked
  hio echo                                   a server that sends back what it gets
  hio echo --tls --write-ca ca.pem &         the same over TLS, and a client for it
  hio connect --tls --ca ca.pem localhost 56000
  hio probe example.org 443                  times, version, cipher, certificates, verdict
  hio demo                                   a file survives a server that hangs up
  hio simulate --seed 7 --tls --timeline     a bad network, simulated; the seed repeats it

Exit codes:
)";
  for (const auto& [code, meaning] : ExitCodes) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(code), meaning);
  }
  text.pop_back();
  return text;
}

int portOf(const std::string& text, int least) {
  int port = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error == std::errc::invalid_argument || stop != end) {
    throw Problem(ExitCode::usage, fmt::format("port '{}' is not a number", text));
  }
  if (error != std::errc() || port < least || port > 65535) {
    throw Problem(ExitCode::usage,
                  fmt::format("port {} is out of range: it is from {} to 65535", text, least));
  }
  return port;
}

base::Tyme secondsOf(double seconds) {
  constexpr double Most = 1e6;
  if (seconds >= 0 && seconds <= Most) {
    return std::chrono::duration_cast<base::Tyme>(std::chrono::duration<double>(seconds));
  }
  throw Problem(ExitCode::usage,
                fmt::format("--timeout {} is out of range: it is from 0 to {:.0f}", seconds, Most));
}

// The commands with their options: parses, then runs the one that was asked for.
class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", "hio " HIO_VERSION);
    app_.footer(examplesAndCodes());
    app_.require_subcommand(0, 1);
    addConnect();
    addEcho();
    addDemo();
    addProbe();
    addSimulate();
  }

  ExitCode run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {
        app_.exit(error);
        return ExitCode::ok;
      }
      throw Problem(ExitCode::usage, fmt::format("{} (see hio --help)", error.what()));
    }
    if (connectCommand_->parsed()) return connect();
    if (echoCommand_->parsed()) return echo();
    if (probeCommand_->parsed()) return probe();
    if (demoCommand_->parsed()) return runDemo(demo_);
    if (simulateCommand_->parsed()) return runSimulate(simulate_);
    complain(app_.help());
    return ExitCode::usage;
  }

 private:
  void addConnect() {
    connectCommand_ = app_.add_subcommand(
        "connect", "Connect to a TCP server: standard input goes out, what comes in is written");
    CLI::App& command = *connectCommand_;
    command.add_option("HOST", connect_.host, "A name or a number")->required();
    command.add_option("PORT", connectPort_, "From 1 to 65535")->required();
    command.add_flag("--reconnect", connect_.reconnect,
                     "Try again after failures and lost connections, until interrupted; what is\n"
                     "still to be sent is kept");
    command.add_option("--timeout", timeout_, "Seconds that one attempt may take; 0: no limit")
        ->capture_default_str();
    command.add_option("--wirelog", connect_.wirelog,
                       "Add all that is sent and received to this file; a new one has mode 0600");
    command.add_option("--file", connect_.file, "Send this file instead of standard input");
    command.add_flag("-v,--verbose", connect_.verbose, "Tell on standard error what happens");
    addTlsClientOptions(command, connect_.tls);
    command.footer(examplesAndCodes());
  }

  void addEcho() {
    echoCommand_ = app_.add_subcommand("echo", "A server that sends back what it gets");
    echoCommand_->add_option("PORT", echoPort_, "From 0 to 65535; 0: a free one")
        ->capture_default_str();
    echoCommand_->add_option("--host", echo_.host, "Address to listen on: a number or localhost")
        ->capture_default_str();
    addTlsServerOptions(*echoCommand_, echo_.tls);
    echoCommand_->add_flag("-v,--verbose", echo_.verbose,
                           "Tell on standard error who comes and goes");
    echoCommand_->footer(
        "Prints `listening on HOST:PORT`. SIGINT and SIGTERM end it, exit code 0.");
  }

  void addDemo() {
    demoCommand_ = app_.add_subcommand(
        "demo", "Stream a file through a server that hangs up on the way, and lose nothing");
    demoCommand_->add_option("FILE", demo_.file, "Stream this file; otherwise one is made up");
    demoCommand_->add_option("--size", demo_.size, "MiB to make up")
        ->check(CLI::Range(0U, 1U << 20U))
        ->capture_default_str();
    demoCommand_->add_option("--cuts", demo_.cuts, "How often the server hangs up")
        ->check(CLI::Range(0U, 1000U))
        ->capture_default_str();
    demoCommand_->add_option("--seed", demo_.seed, "Of the bytes and of where the cuts are")
        ->capture_default_str();
    demoCommand_->add_flag("--plain", demo_.plain, "Over TCP; otherwise over TLS");
  }

  void addProbe() {
    probeCommand_ = app_.add_subcommand(
        "probe", "Connect to a TLS server and tell what can be found out about it");
    CLI::App& command = *probeCommand_;
    command.add_option("HOST", probe_.host, "A name or a number")->required();
    command.add_option("PORT", probePort_, "From 1 to 65535")->required();
    addProbeOptions(command, probe_.tls);
    command.add_option("--timeout", timeout_, "Seconds that one connection may take; 0: no limit")
        ->capture_default_str();
    command.add_flag("--json", probe_.json, "One JSON object instead of the report");
    command.footer(
        "A server whose certificate is refused is asked again without checking it, to show what "
        "it\n"
        "has. Exit code 0: trusted; 9: refused; see hio --help for the others.");
  }

  void addSimulate() {
    simulateCommand_ = app_.add_subcommand(
        "simulate", "Play a seeded schedule of faults between a client and a server, simulated");
    CLI::App& command = *simulateCommand_;
    command.add_option("--seed", simulate_.seed, "Of everything that is left to chance")
        ->capture_default_str();
    command.add_option("--steps", simulate_.steps, "Before the faults stop")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    command.add_option("--faults", simulate_.faults,
                       "Classes of faults, separated by commas, or none; otherwise drawn");
    command.add_flag("--tls", simulate_.tls, "Over TLS; otherwise over TCP");
    command.add_flag("--timeline", simulate_.timeline, "Tell all that happens, and when");
    command.footer(
        "Afterwards the faults stop and everything has to arrive. One seed is one run, "
        "everywhere.\n"
        "Exit code 0: all held; 1: something did not, the last line says what.");
  }

  ExitCode probe() {
    probe_.port = portOf(probePort_, 1);
    probe_.timeout = secondsOf(timeout_);
    return runProbe(probe_);
  }

  ExitCode connect() {
    connect_.port = portOf(connectPort_, 1);
    connect_.timeout = secondsOf(timeout_);
    return runConnect(connect_);
  }

  ExitCode echo() {
    echo_.port = portOf(echoPort_, 0);
    return runEcho(echo_);
  }

  CLI::App app_{"hio: talk TCP and TLS", "hio"};
  CLI::App* connectCommand_ = nullptr;
  CLI::App* echoCommand_ = nullptr;
  CLI::App* demoCommand_ = nullptr;
  CLI::App* probeCommand_ = nullptr;
  CLI::App* simulateCommand_ = nullptr;
  ConnectOptions connect_;
  EchoOptions echo_;
  DemoOptions demo_;
  ProbeOptions probe_;
  SimulateOptions simulate_;
  std::string connectPort_;
  std::string probePort_;
  std::string echoPort_ = "56000";
  double timeout_ = 10;
};

ExitCode runTool(int argc, char** argv) {
  prepareProcess();
  try {
    return CommandLine().run(argc, argv);
  } catch (const Problem& problem) {
    complain(fmt::format("hio: {}", problem.what()));
    return problem.code();
  } catch (const std::invalid_argument& error) {  // an option that the library will not have
    complain(fmt::format("hio: {}", error.what()));
    return ExitCode::usage;
  }
}

}  // namespace
}  // namespace hio::tool

int main(int argc, char** argv) {
  try {
    return static_cast<int>(hio::tool::runTool(argc, argv));
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "hio: %s\n", error.what());
  } catch (...) {
    (void)std::fputs("hio: an unknown error\n", stderr);
  }
  return static_cast<int>(hio::tool::ExitCode::unexpected);
}
