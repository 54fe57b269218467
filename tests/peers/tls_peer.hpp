// What tests against real TLS peers have in common, whichever end the peer is.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"
#include "support/plain_end.hpp"
#include "support/process.hpp"
#include "support/tls_pair.hpp"

namespace hio::peers {

using net::TlsVersion;
using Command = std::vector<std::string>;

// How a peer is to be run.
struct Needs {
  std::string folder{};  // where its files are
  TlsVersion version = TlsVersion::tls13;
  std::uint16_t port = 0;
  std::uint16_t plainPort = 0;     // for a peer that passes the plain bytes on over TCP
  std::string name = "good.test";  // of the server, as a client asks for it
  std::string ca = "ca.pem";       // whom it trusts
  std::string alpn{};
  bool certificates = false;  // the server demands one, the client shows it
  bool lingers = false;       // sends on after the far side's end
  bool resumes = false;       // the client comes with the session of the time before

  std::string file(std::string_view leaf) const { return folder + '/' + std::string(leaf); }
  bool is13() const { return version == TlsVersion::tls13; }
};

// What a peer can do beyond echoing; a scenario runs with those that can.
enum Can : unsigned {
  echo = 1U << 0U,       // passes on what comes, and sends what it is given
  answer = 1U << 1U,     // answers our close_notify with its own
  endFirst = 1U << 2U,   // ends with close_notify when its input ends
  linger = 1U << 3U,     // goes on sending after the far side's end
  receiveOn = 1U << 4U,  // goes on receiving after its own end
  alpn = 1U << 5U,       // takes a protocol
  resume = 1U << 6U,     // resumes sessions
  demand = 1U << 7U,     // a server: demands certificates
  exitCode = 1U << 8U,   // tells by 0 that both sides ended cleanly, and by 3 that one did not
};

struct Peer {
  std::string_view name;
  std::vector<TlsVersion> versions;
  unsigned can;
  Command (*command)(const Needs&);
  // Of the alert that a client without a certificate gets, by version; 0: none, it just ends.
  int alert12 = 40;
  int alert13 = 116;
  std::size_t much = 10U << 20U;  // how many bytes it is made to echo
};

struct Case {
  const Peer* peer;
  TlsVersion version;
};

// One case for each version of each peer that can do all of this.
inline std::vector<Case> casesOf(const std::vector<Peer>& peers, unsigned can) {
  std::vector<Case> cases;
  for (const Peer& peer : peers) {
    if ((peer.can & can) != can) continue;
    for (const TlsVersion version : peer.versions) cases.push_back({&peer, version});
  }
  return cases;
}

inline std::string nameOfCase(const testing::TestParamInfo<Case>& info) {
  const bool is13 = info.param.version == TlsVersion::tls13;
  return std::string(info.param.peer->name) + (is13 ? "_tls13" : "_tls12");
}

inline const std::vector<TlsVersion> OnlyTls12{TlsVersion::tls12};
inline const std::vector<TlsVersion> BothVersions{TlsVersion::tls12, TlsVersion::tls13};

inline void append(Command& command, bool when, const Command& words) {
  if (when) command.insert(command.end(), words.begin(), words.end());
}

inline std::string gnutlsPriority(const Needs& needs) {
  return std::string("--priority=NORMAL:-VERS-ALL:+VERS-TLS1.") + (needs.is13() ? '3' : '2');
}

// The command of a peer of our own, see programs/relay.h.
inline Command ownCommand(Command command, std::string_view role, const Needs& needs) {
  const bool server = role == "server";
  const std::string who(role);
  append(command, true, {who, std::to_string(needs.port), needs.is13() ? "1.3" : "1.2"});
  append(command, !server || needs.certificates, {"--ca", needs.file(needs.ca)});
  append(command, server || needs.certificates,
         {"--cert", needs.file(who + ".pem"), "--key", needs.file(who + ".key")});
  append(command, !server, {"--name", needs.name});
  append(command, server && needs.certificates, {"--require"});
  append(command, !needs.alpn.empty(), {"--alpn", needs.alpn});
  append(command, needs.lingers, {"--linger"});
  return command;
}

// Lines of printable characters: some peers are made for text, and send line by line.
inline std::string linesOf(std::size_t size) {
  std::string text(size, '\n');
  std::uint32_t state = 1;
  for (std::size_t at = 0; at < size; ++at) {
    state = state * 1664525U + 1013904223U;
    if (at % 1000 != 999) text[at] = static_cast<char>('0' + (state >> 24U) % 75U);
  }
  text.back() = '\n';
  return text;
}

// A folder with the certificates, a peer, and the plain side of what the peer has under TLS.
class RealTls : public testing::TestWithParam<Case> {
 protected:
  RealTls() {
    const test::TestCertificates& made = test::testCertificates();
    write("ca.pem", made.authority.certificate());
    write("strange.pem", tool::Authority("Strange Root").certificate());
    write("server.pem", made.server.certificate);
    write("server.key", made.server.key);
    write("client.pem", made.client.certificate);
    write("client.key", made.client.key);
    needs.folder = folder.path().string();
    needs.version = GetParam().version;
  }

  const Peer& peer() const { return *GetParam().peer; }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(folder.path() / name) << text;
  }
  void run() {
    process.reset();
    process = std::make_unique<test::Process>(peer().command(needs), folder.path() / "peer.log",
                                              plain.streams());
    plain.release();
  }
  // What the reader of a failed test wants to know of the peer.
  std::string told() const {
    return '\n' + std::string(peer().name) + " printed: " + process->printed();
  }
  // Turns everything until `done`.
  virtual void turn() = 0;
  virtual std::string state() = 0;
  testing::AssertionResult comes(const std::function<bool()>& done) {
    if (test::turnUntil(done, [&] { turn(), plain.turn(), tymist.tick(); })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << state() << told();
  }
  // The peer, if it tells, says that both sides ended cleanly, or that not.
  void expectCode(int code) {
    if ((peer().can & Can::exitCode) == 0) return;
    plain.end();
    EXPECT_TRUE(comes([&] { return !process->running(); }));
    EXPECT_EQ(process->code(), code) << told();
  }
  static bool isCut(const core::tcp::Failure& failure) {
    return failure.code() == net::TlsError::truncated ||
           failure.code() == std::errc::connection_reset ||
           failure.code() == std::errc::broken_pipe;
  }

  base::Tymist tymist{std::chrono::seconds(0), std::chrono::milliseconds(1)};
  test::TemporaryFolder folder;
  Needs needs;
  test::PlainEnd plain;
  std::unique_ptr<test::Process> process;
};

}  // namespace hio::peers
