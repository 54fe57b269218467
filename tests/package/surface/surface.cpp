// The public surface, by use: this program compiles and links against the installed package, exactly as it stands, with
//   find_package(hio-cpp CONFIG REQUIRED)   and   target_link_libraries(surface PRIVATE hio::hio)
// Every name of seed.txt appears once. It is no style model and no test: it fixes the spelling that users rely on.
#include <hio/core/tcp.hpp>  // package header of hio.core.tcp
#include <hio/base.hpp>      // package header of hio.base
#include <hio/core/coring.hpp>
#include <hio/core/wiring.hpp>

#include <cassert>
#include <optional>
#include <span>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using hio::base::Tyme;
using hio::base::Tymee;
using hio::base::Tymer;
using hio::base::Tymist;
using hio::base::Tymth;
using hio::core::Address;
using hio::core::WireLog;
using hio::core::tcp::Client;
using hio::core::tcp::ClientOptions;
using hio::core::tcp::openClient;
using hio::help::Bytearray;  // tx and rx buffer: bytes appended at the back, consumed at the front, one address for life

int main() {
  // hio.base.tyming -------------------------------------------------------------------------------------------------
  Tymist tymist(0s, 31250us);            // tyme, tock; both default: 0 and Tymist::Tock
  static_assert(Tymist::Tock == 31250us);
  Tymth tymth = tymist.tymen();          // cheap to copy, read only; an empty Tymth means "not wound"
  tymist.tick();
  tymist.tick(50ms);
  assert(tymth() == tymist.tyme() && tymist.tock() == 31250us);
  Tymer tymer({.duration = 1s, .tymth = tymth});
  [[maybe_unused]] Tyme left = tymer.remaining() + tymer.elapsed() + tymer.duration();
  [[maybe_unused]] bool over = tymer.expired();
  tymer.start();
  tymer.start({.duration = 2s, .start = 1s});
  tymer.restart();

  // hio.core.tcp.clienting ------------------------------------------------------------------------------------------
  static_assert(Client::Timeout == 0s && !Client::Reconnectable);
  Bytearray mytx, myrx;
  WireLog wirelog({.samed = true});
  wirelog.reopen();
  wirelog.writeRx(std::as_bytes(std::span("data", 4)), "who");
  if (auto log = wirelog.readRx()) assert(!log->empty());  // std::optional of bytes
  assert(hio::core::normalizeHost("localhost") == "127.0.0.1");
  ClientOptions options{.timeout = 500ms,
                        .ha = Address{"127.0.0.1", 56000},
                        .host = "127.0.0.1",
                        .port = 56000,
                        .reconnectable = true,
                        .bs = 8096,
                        .txbs = &mytx,
                        .rxbs = &myrx,
                        .wl = &wirelog,
                        .tymth = tymth};
  Client client(options);
  Client plain;                          // every option has the specification's default
  const Tymee& tymee = client;           // a Client is a Tymee
  assert(tymee.tyme() == tymist.tyme());
  client.wind(tymth);
  std::string host = client.host();
  std::uint16_t port = client.port();
  client.host("localhost");
  client.port(port);
  Address remote = client.ha(), local = client.ca();
  [[maybe_unused]] std::string hostname = client.hostname();
  [[maybe_unused]] bool flags = client.opened() || client.accepted() || client.connected() || client.cutoff();
  client.reinitHostPort({.ha = remote});
  client.reinitHostPort({.hostname = "127.0.0.1", .port = 56000});
  auto [sndbuf, rcvbuf] = client.actualBufSizes();
  (void)sndbuf, (void)rcvbuf;
  bool ok = client.open();
  ok = client.reopen();
  client.refresh();
  const Tymer& retry = client.tymer();   // the reconnect timer: seed's .tymer
  over = retry.expired();
  ok = client.accept();
  ok = client.connect();
  ok = client.serviceConnect();
  (void)ok;
  client.tx("text or bytes");
  client.tx(std::as_bytes(std::span(host)));
  client.serviceSends();
  client.serviceReceives();
  client.serviceReceiveOnce();
  client.service();
  if (client.connected()) {
    [[maybe_unused]] std::size_t count = client.send("text or bytes");
    auto data = client.receive();        // std::optional of bytes: nothing now · empty = closed far side · data
    if (data && !data->empty()) client.clearRxbs();
  }
  Bytearray& rxbs = client.rxbs();       // the caller's own, when given
  assert(&rxbs == &myrx && &client.txbs() == &mytx);
  [[maybe_unused]] std::span<const std::byte> waiting = rxbs.view();
  rxbs.consume(0);
  client.clearRxbs();
  client.shutdownSend();
  client.shutdownReceive();
  client.shutdown();
  client.close();

  // openClient: opened now, closed at the end of the scope, also when an exception passes ----------------------------
  auto opened = openClient({.port = 56001, .tymth = tymth});
  assert(opened->opened());

  // Beyond the specification ----------------------------------------------------------------------------------------
  // Why the client is not connected: stage, address, code, text. service() parks it here and never throws for anything
  // that the network or the peer did.
  if (const auto& failure = client.failure()) {
    [[maybe_unused]] std::string text = failure->message();
    [[maybe_unused]] std::error_code code = failure->code();      // category "system", "hio.resolve" or "hio.tls"
  }
  [[maybe_unused]] std::uint64_t epoch = client.epoch();          // how many connections this client has had
  [[maybe_unused]] std::optional<Tyme> next = client.deadline();  // when service() has something to do without readiness
}
