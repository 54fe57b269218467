// The scenarios that the torture plays, and what may go wrong in them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "hio/core/tcp.hpp"
#include "hio/sim.hpp"

namespace hio::torture {

enum class Side : std::uint8_t { client, server };
constexpr std::size_t Sides = 2;
constexpr std::size_t Ops = 8;  // of sim::Op

enum class Serve : std::uint8_t {
  echo,
  sink,      // says nothing
  source,    // sends a reply at once, whatever comes
  afterEnd,  // sends a reply once the client has ended, and ends too
};

// How programs run.
enum class Run : std::uint8_t { loop, doers, awaiting };

struct Tls {
  std::shared_ptr<net::TlsContext> client{};
  std::shared_ptr<net::TlsContext> server{};
  bool isRefused = false;  // no connection may come of it
  bool resumes = false;    // the second connection does, when nothing fails
};

// A client asks a server for something; what is not said is as usual. It is played until each
// client has, on one connection, what it wants, and as often again as something can fail.
struct Story {
  std::string name;
  core::tcp::ClientOptions client{};  // host, port, time and network are filled in where not given
  core::tcp::ServerOptions server{};
  std::optional<Tls> tls{};
  Run run = Run::loop;
  Serve serve = Serve::echo;
  std::size_t clients = 1;
  std::size_t request = 100;      // bytes; each connection begins with that many
  std::size_t piece = 1U << 20U;  // bytes given to tx() at once
  std::size_t reply = 0;          // bytes, of a source and after the end
  std::size_t taken = 1U << 20U;  // bytes that the client takes from rxbs in a turn
  bool isLogged = false;          // with a wire log on both sides
  bool shutsSend = false;         // the client does, when all is handed over
  bool shutsReceive = false;      // the client does, when it has what it wants
  bool drains = false;            // the client does, when all is given
  bool leavesUnread = false;      // the client is closed with bytes left unread
  std::uint64_t connections = 1;  // the server cuts off those before
  bool isRaced = false;           // a failed attempt does not show when another one succeeds
  std::function<void(sim::World&, sim::Host& server)> set{};  // names, rules
};

std::vector<Story> stories();

// One call of the seam fails, once or from there on.
struct Fault {
  Side side{};
  sim::Op op{};
  std::error_code code{};
  std::uint64_t nth = 0;
  bool onwards = false;

  std::string text() const;
  // Nothing has happened yet, or it concerns nobody who is told.
  bool isTransient() const;
  // A connection was lost before it was accepted.
  bool isOfOneConnection() const;
};

// With what each operation may fail.
const std::vector<std::error_code>& errorsOf(sim::Op op);

using Calls = std::array<std::array<std::uint64_t, Ops>, Sides>;

struct Outcome {
  std::string wrong{};   // empty: all as it should be
  bool reached = false;  // while the fault lasted
  bool hit = false;      // the fault came to pass
  Calls calls{};
  std::uint64_t allocations = 0;
};

// Without a fault, with a call that fails, and with an allocation that fails.
Outcome play(const Story& story);
Outcome play(const Story& story, const Fault& fault);
Outcome playStarved(const Story& story, std::uint64_t nth, bool onwards);

}  // namespace hio::torture
