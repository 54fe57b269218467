// What a far side, or somebody on the way to it, may do to a client or server over TLS: its bytes
// are changed, left out, repeated or made up, at any moment of a session. Neither end ever takes a
// byte that the other has not sent, and the client never connects to another one.
#include <optional>
#include <stdexcept>

#include "fuzz/certificates.hpp"
#include "fuzz/input.hpp"
#include "hio/core/tcp.hpp"
#include "hio/sim/entropy.hpp"
#include "support/pipe_net.hpp"

namespace {

using namespace hio;
using core::tcp::ClientTls;
using core::tcp::Phase;
using core::tcp::ServerTls;
using fuzz::Input;
using fuzz::require;

// How the client of an input is set up; the bad ones must never connect.
enum class Setting : std::uint8_t { good, tls12, mutual, resumed, otherName, stranger, pinned };
constexpr std::size_t Settings = 7;

bool isBad(Setting setting) noexcept { return setting >= Setting::otherName; }

std::shared_ptr<net::TlsContext> clientContext(Setting setting) {
  const auto& made = fuzz::certificates();
  net::TlsClientConfig config;
  config.trust.ca.text =
      (setting == Setting::stranger ? made.stranger : made.authority).certificate();
  if (setting == Setting::tls12) config.protocol.maxVersion = net::TlsVersion::tls12;
  if (setting == Setting::mutual) {
    config.identity = {.key = {.text = made.client.key},
                       .certificate = {.text = made.client.certificate}};
  }
  config.protocol.resume = setting == Setting::resumed;
  if (setting == Setting::pinned) config.trust.pins = {std::string(43, 'A') + '='};
  return net::TlsContext::client(std::move(config));
}

std::shared_ptr<net::TlsContext> serverContext(Setting setting) {
  const auto& made = fuzz::certificates();
  const bool isMutual = setting == Setting::mutual;
  return net::TlsContext::server(
      {.identity = {.key = {.text = made.server.key},
                    .certificate = {.text = made.server.certificate}},
       .trust = {.ca = {.text = isMutual ? made.authority.certificate() : ""}},
       .clients = isMutual ? net::ClientCerts::required : net::ClientCerts::none});
}

struct Contexts {
  explicit Contexts(Setting setting)
      : client(clientContext(setting)), server(serverContext(setting)) {}

  std::shared_ptr<net::TlsContext> client;
  std::shared_ptr<net::TlsContext> server;
};

// To make them takes longer than most inputs do; only where sessions are kept is each a new one.
Contexts contextsOf(Setting setting) {
  static std::array<std::optional<Contexts>, Settings> made;
  auto& kept = made.at(static_cast<std::size_t>(setting));
  if (!kept || setting == Setting::resumed) kept.emplace(setting);
  return *kept;
}

class Run {
 public:
  Run(Input& input, Setting setting) : input_(input), setting_(setting) {
    if (setting == Setting::resumed) {
      connect();
      client_.close();
      server_.close();
      net_.lines.clear();
    }
    server_.open();
    client_.open();
    lines_ = net_.lines.size();
  }

  void play() {
    while (!input_.empty()) {
      step();
      check();
      if (net_.lines.size() > lines_) return;  // it was refused, and tries anew
    }
    for (int times = 0; times < 6; ++times) turn();
    check();
    if (isUntouched_ && !isBad(setting_)) {
      require(client_.connected(), "an honest session does not connect");
      require(got_ == toClient_, "not everything has come to the client");
      require(gotByServer_ == toServer_, "not everything has come to the server");
    }
  }

 private:
  // A first session, of which nobody changes anything.
  void connect() {
    server_.open();
    client_.open();
    for (int times = 0; times < 6; ++times) turn();
    require(client_.connected(), "the first session connects");
  }

  void turn() {
    client_.service();
    server_.service();
    for (const auto& [ca, remoter] : server_.ixes()) {
      gotByServer_ += remoter->rxbs().text();
      remoter->clearRxbs();
    }
    client_.service();
    got_ += client_.rxbs().text();
    client_.clearRxbs();
    if (client_.connected()) wasConnected_ = true;
  }

  void step() {
    const std::size_t what = input_.below(16);
    if (what >= 10) return turn();
    if (net_.lines.empty()) return turn();
    test::Pipe& pipe = *net_.lines.back().pipe;
    test::Flow& flow = input_.flag() ? pipe.forth : pipe.back;
    std::string& bytes = flow.bytes;
    const std::size_t at = input_.below(std::min<std::size_t>(bytes.size() + 1, 1U << 16U));
    const std::string before = bytes;
    switch (what) {
      case 0:  // bytes made up
        bytes.insert(at, input_.bytes(1 + input_.below(64)));
        break;
      case 1: {  // a record made up
        static constexpr std::array<char, 5> Types{22, 20, 21, 23, 24};
        const char type = input_.pick(Types);
        const std::string_view body = input_.bytes(input_.below(400));
        bytes += std::string{type, 3, 3, static_cast<char>(body.size() >> 8U),
                             static_cast<char>(body.size() & 0xffU)};
        bytes += body;
        break;
      }
      case 2:  // one changed
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ input_.byte());
        break;
      case 3:  // some left out
        bytes.erase(at, input_.below(64));
        break;
      case 4:  // some repeated
        bytes.insert(at, before.substr(0, input_.below(600)));
        break;
      case 5:
        bytes.resize(at);
        break;
      case 6:
        // What comes after the end is lost as well.
        flow.fin = true;
        isUntouched_ = false;
        break;
      case 7:
        flow.reset = {static_cast<int>(std::errc::connection_reset), std::system_category()};
        isUntouched_ = false;
        break;
      case 8:
        give(input_.bytes(1 + input_.below(32)));
        return;
      default: {  // in small pieces
        const std::size_t piece = 1 + at % 7;
        flow.piece = [piece] { return piece; };
        return;
      }
    }
    if (bytes != before) isUntouched_ = false;
  }

  void give(std::string_view bytes) {
    if (client_.connected() && client_.tx(bytes)) toServer_ += bytes;
    for (const auto& [ca, remoter] : server_.ixes()) {
      if (!remoter->cutoff() && remoter->tx(bytes)) toClient_ += bytes;
    }
  }

  void check() {
    require(toClient_.starts_with(got_), "the client received what nobody sent");
    require(toServer_.starts_with(gotByServer_), "the server received what nobody sent");
    require(!(wasConnected_ && isBad(setting_)), "connected to somebody who was to be refused");
    if (client_.phase() == Phase::connected) {
      const net::TlsInfo info = client_.tlsInfo();
      require(!info.version.empty() && !info.cipher.empty(), "connected without encryption");
      require(info.resumed || !info.chain.empty(), "connected to nobody");
      require((info.version == "TLSv1.2") == (setting_ == Setting::tls12),
              "talked into another version: " + info.version);
    }
    if (const auto& failure = client_.failure()) {
      require(!failure->message().empty() && failure->code(), "a failure says what and why");
    }
    if (client_.cutoff() && !client_.failure()) {
      require(client_.ended(), "cut off by nothing");
    }
  }

  Input& input_;
  Setting setting_;
  Contexts contexts_ = contextsOf(setting_);
  base::Tymist tymist_;
  test::PipeNet net_;
  ServerTls server_{{.port = 7, .tymth = tymist_.tymen(), .net = &net_},
                    {.context = contexts_.server}};
  ClientTls client_{{.host = setting_ == Setting::otherName ? "other.test" : "good.test",
                     .port = 7,
                     .tymth = tymist_.tymen(),
                     .net = &net_},
                    {.context = contexts_.client}};
  std::string toClient_;
  std::string toServer_;
  std::string got_;
  std::string gotByServer_;
  std::size_t lines_ = 0;
  bool wasConnected_ = false;
  bool isUntouched_ = true;
};

}  // namespace

// A byte for the setting, then what happens.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min<std::size_t>(size, 4096));
  (void)fuzz::certificates();
  const sim::SeededEntropy entropy(1);
  try {
    Run(input, static_cast<Setting>(input.below(Settings))).play();
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  return 0;
}
