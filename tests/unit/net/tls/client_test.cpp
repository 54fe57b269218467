// A ClientTls on virtual time over pipes: deadlines, ends and reasons as the application sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/help/bytearray.hpp"
#include "support/allocations.hpp"
#include "support/pipe_net.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using namespace std::chrono_literals;
using core::tcp::ClientOptions;
using core::tcp::ClientTls;
using core::tcp::Phase;
using core::tcp::Stage;
using net::IoResult;
using net::TlsContext;
using net::TlsError;
using testing::HasSubstr;

class TlsClients : public TlsWays {
 protected:
  ClientOptions options() {
    net_.pieces = pieces();
    return {.timeout = 3s,
            .host = "good.test",
            .port = 443,
            .reconnectable = true,
            .tymth = tymist_.tymen(),
            .retry = {.firstPause = 1s, .maxPause = 1s},
            .net = &net_};
  }
  std::unique_ptr<ClientTls> client(const ClientOptions& options) {
    return std::make_unique<ClientTls>(
        options, core::tcp::TlsOptions{.context = TlsContext::client(trusting(version()))});
  }
  std::unique_ptr<ClientTls> client() { return client(options()); }

  // The far end of the newest line under TLS.
  std::unique_ptr<net::TlsStream> serve() const { return serve(serving(version())); }
  std::unique_ptr<net::TlsStream> serve(const net::TlsServerConfig& config) const {
    return TlsContext::server(config)->wrap(std::move(net_.lines.back().far));
  }
  // Services until the connection stands.
  void connect(ClientTls& client, net::TlsStream*& far) {
    client.service();
    held_ = serve();
    far = held_.get();
    for (int turn = 0; turn < 10; ++turn) {
      (void)far->connect();
      client.service();
    }
    ASSERT_TRUE(client.connected());
    ASSERT_TRUE(far->connect().isDone());
  }

  base::Tymist tymist_{0s, 10ms};
  mutable PipeNet net_;
  std::unique_ptr<net::TlsStream> held_;
};
INSTANTIATE_TEST_SUITE_P(Ways, TlsClients, everyWay(), nameOfWay);

// ---- the deadline of connect and handshake ------------------------------------------------------

TEST_P(TlsClients, ASilentPeerIsLeftExactlyAtTheDeadline) {
  const auto it = client();
  it->service();
  ASSERT_EQ(it->phase(), Phase::handshaking);
  ASSERT_FALSE(net_.lines.back().pipe->forth.bytes.empty());  // the hello went out
  for (; tymist_.tyme() < 2990ms; tymist_.tick()) {
    it->service();
    ASSERT_EQ(it->phase(), Phase::handshaking);
    ASSERT_EQ(it->deadline(), base::Tyme(3s));
  }
  it->service();
  ASSERT_EQ(it->phase(), Phase::handshaking);
  tymist_.tick();
  it->service();
  EXPECT_EQ(it->phase(), Phase::waiting);
  ASSERT_TRUE(it->failure());
  EXPECT_EQ(it->failure()->stage(), Stage::handshake);
  EXPECT_EQ(it->failure()->code(), std::errc::timed_out);
  EXPECT_THAT(it->failure()->message(), HasSubstr("after 3 s"));
  EXPECT_TRUE(net_.lines.back().pipe->forth.fin);  // closed
  EXPECT_EQ(net_.lines.size(), 1U);
}

// One byte per second of a good handshake: each brings it on, none moves the deadline.
TEST_P(TlsClients, ASlowPeerGainsNoTimeByTricklingBytes) {
  const auto it = client();
  it->service();
  Pipe& pipe = *net_.lines.back().pipe;
  const auto far = serve();
  (void)far->connect();
  std::string flight;
  flight.swap(pipe.back.bytes);
  ASSERT_GT(flight.size(), 500U);
  for (std::size_t at = 0; tymist_.tyme() < 3s; tymist_.tick()) {
    if (tymist_.tyme() % 1s == 0s) pipe.back.bytes += flight[at++];
    it->service();
    ASSERT_EQ(it->phase(), Phase::handshaking) << tymist_.tyme().count();
  }
  it->service();
  EXPECT_EQ(it->phase(), Phase::waiting);
  EXPECT_EQ(it->failure()->code(), std::errc::timed_out);
}

// All but the last byte, and then silence.
TEST_P(TlsClients, ASilenceBeforeTheLastByteIsASilence) {
  const auto it = client();
  it->service();
  Pipe& pipe = *net_.lines.back().pipe;
  const auto far = serve();
  (void)far->connect();
  const char last = pipe.back.bytes.back();
  pipe.back.bytes.pop_back();
  for (; tymist_.tyme() < 3s; tymist_.tick()) it->service();
  EXPECT_FALSE(it->connected());
  // An attempt that succeeds at the very end of its time has succeeded.
  pipe.back.bytes += last;
  it->service();
  (void)far->connect();
  it->service();
  if (version() == net::TlsVersion::tls13) {
    EXPECT_TRUE(it->connected());
  } else {
    EXPECT_EQ(it->failure()->code(), std::errc::timed_out);
  }
}

TEST_P(TlsClients, WithoutADeadlineItWaits) {
  ClientOptions patient = options();
  patient.timeout = 0s;
  const auto it = client(patient);
  it->service();
  tymist_.tick(1000h);
  it->service();
  EXPECT_EQ(it->phase(), Phase::handshaking);
  EXPECT_FALSE(it->failure());
}

// ---- reasons ------------------------------------------------------------------------------------

TEST_P(TlsClients, AnEndInTheHandshakeIsRetriedAfterThePause) {
  const auto it = client();
  it->service();
  net_.lines.back().pipe->back.bytes = "\x16\x03\x03";
  net_.lines.back().far.reset();
  it->service();
  EXPECT_EQ(it->phase(), Phase::waiting);
  EXPECT_EQ(it->failure()->stage(), Stage::handshake);
  EXPECT_EQ(it->failure()->code(), TlsError::truncated);
  const base::Tyme again = *it->deadline();
  EXPECT_GT(again, tymist_.tyme());
  tymist_.tyme(again);
  net::TlsStream* far = nullptr;
  connect(*it, far);
  EXPECT_EQ(net_.lines.size(), 2U);
  EXPECT_FALSE(it->failure());
}

TEST_P(TlsClients, ARefusedCertificateStopsIt) {
  ClientOptions other = options();
  other.reconnectable = false;
  other.host = "bad.test";
  const auto it = client(other);
  it->tx("words");
  it->service();
  const auto far = serve();
  for (int turn = 0; turn < 5; ++turn) {
    (void)far->connect();
    it->service();
  }
  EXPECT_EQ(it->phase(), Phase::stopped);
  EXPECT_EQ(it->failure()->code(), net::tlsVerdict(62));
  EXPECT_THAT(it->failure()->message(), HasSubstr("'bad.test'"));
  tymist_.tick(1h);
  it->service();
  EXPECT_EQ(net_.lines.size(), 1U);
  EXPECT_EQ(it->txbs().text(), "words");
  EXPECT_EQ(it->traffic().sent, 0U);
}

// Decided 3: a reconnectable one tries again at the slowest pace, and tells it each time.
TEST_P(TlsClients, ARefusedCertificateIsRetriedSlowlyByAReconnectableClient) {
  ClientOptions other = options();
  other.host = "bad.test";
  other.reconnectable = true;
  other.retry = {.maxPause = 10s};
  const auto it = client(other);
  for (std::uint64_t attempt = 1; attempt < 4; ++attempt) {
    it->service();
    ASSERT_EQ(net_.lines.size(), 1U);
    const auto far = serve();
    for (int turn = 0; turn < 5; ++turn) {
      (void)far->connect();
      it->service();
    }
    EXPECT_EQ(it->phase(), Phase::waiting);
    EXPECT_EQ(it->failure()->code(), net::tlsVerdict(62));
    EXPECT_EQ(it->failure()->attempt(), attempt);
    EXPECT_GE(*it->deadline() - tymist_.tyme(), 5s);
    tymist_.tick(10s);
    net_.lines.clear();
  }
}

// In 1.3 the refusal comes when the client has connected, and is about to send.
TEST_P(TlsClients, ALateRefusalOfItsCertificateIsTheReason) {
  for (const bool sends : {false, true}) {
    net_.lines.clear();
    ClientOptions once = options();
    once.reconnectable = false;
    const auto it = client(once);
    if (sends) it->tx(pattern(100000));
    it->service();
    net::TlsServerConfig demanding = serving(version());
    demanding.trust.ca.text = testCertificates().authority.certificate();
    demanding.clients = net::ClientCerts::required;
    auto far = serve(demanding);
    IoResult shook = far->connect();
    for (int turn = 0; turn < 10 && shook.isBlocked(); ++turn) {
      it->service();
      shook = far->connect();
    }
    EXPECT_TRUE(shook.isError());
    net_.lines.back().pipe->forth.reset = std::make_error_code(std::errc::connection_reset);
    far.reset();
    for (int turn = 0; turn < 3; ++turn) it->service();
    const bool is13 = version() == net::TlsVersion::tls13;
    ASSERT_TRUE(it->failure());
    EXPECT_EQ(net::alertOf(it->failure()->code()), is13 ? 116 : 40) << it->failure()->message();
    EXPECT_EQ(it->cutoff(), is13);
  }
}

TEST_P(TlsClients, EndsAreToldApart) {
  struct Case {
    const char* name;
    bool clean;
    std::error_code reset;
    std::error_code expected;
  };
  const std::error_code reset = net::systemError(std::errc::connection_reset);
  for (const Case& each :
       {Case{"clean", true, {}, {}}, Case{"truncated", false, {}, TlsError::truncated},
        Case{"reset", false, reset, reset}}) {
    SCOPED_TRACE(each.name);
    ClientOptions once = options();
    once.reconnectable = false;
    const auto it = client(once);
    net::TlsStream* far = nullptr;
    connect(*it, far);
    ASSERT_TRUE(far->send(help::bytesOf("last words")).isDone());
    if (each.clean) (void)far->shutdown(net::Direction::send);
    if (each.reset) net_.lines.back().pipe->back.reset = each.reset;
    held_.reset();
    for (int turn = 0; turn < 3; ++turn) it->service();
    EXPECT_EQ(it->rxbs().text(), "last words");
    EXPECT_TRUE(it->cutoff());
    EXPECT_EQ(it->ended(), each.clean);
    EXPECT_EQ(it->failure() == nullptr, each.clean);
    if (it->failure()) {
      EXPECT_EQ(it->failure()->code(), each.expected);
    }
  }
}

TEST_P(TlsClients, GoesOnSendingAfterTheFarSideHasFinished) {
  ClientOptions half = options();
  half.halfOpen = true;
  half.reconnectable = false;
  const auto it = client(half);
  net::TlsStream* far = nullptr;
  connect(*it, far);
  (void)far->shutdown(net::Direction::send);
  it->service();
  EXPECT_TRUE(it->ended());
  EXPECT_FALSE(it->cutoff());
  const std::string text = pattern(200000);
  it->tx(text);
  std::string arrived;
  IoResult end = IoResult::done();
  for (int turn = 0; turn < 20; ++turn) {
    it->service();
    arrived += receiveAll(*far, end);
  }
  EXPECT_EQ(arrived, text);
  EXPECT_TRUE(end.isBlocked());
  it->shutdownSend();
  arrived += receiveAll(*far, end);
  EXPECT_TRUE(end.isEnded());
}

TEST_P(TlsClients, SaysGoodbyeWhenItCloses) {
  const auto it = client();
  net::TlsStream* far = nullptr;
  connect(*it, far);
  it->close();
  IoResult end = IoResult::done();
  EXPECT_EQ(receiveAll(*far, end), "");
  EXPECT_TRUE(end.isEnded());
}

// ---- progress -----------------------------------------------------------------------------------

TEST_P(TlsClients, EightMebibytesMoveOnWithEachService) {
  const auto it = client();
  net::TlsStream* far = nullptr;
  connect(*it, far);
  if (pieces() == Pieces::single) {
    // A byte per call of the lower stream would be 8 million of them, and shows the same.
    for (Flow* const flow : {&net_.lines.back().pipe->forth, &net_.lines.back().pipe->back}) {
      flow->piece = [] { return std::size_t(1009); };
    }
  }
  const std::string text = pattern(8U << 20U);
  ASSERT_TRUE(it->tx(text));
  std::string arrived;
  IoResult end = IoResult::done();
  int services = 0;
  while (!it->txbs().empty()) {
    const std::size_t before = it->txbs().size();
    it->service();
    ++services;
    ASSERT_LT(it->txbs().size(), before) << "service " << services;
    arrived += receiveAll(*far, end, 65536);
  }
  EXPECT_LE(services, 600);
  it->service();
  arrived += receiveAll(*far, end, 65536);
  EXPECT_TRUE(arrived == text);

  // Where there is no room nothing is lost, and it goes on when there is.
  Flow& forth = net_.lines.back().pipe->forth;
  forth.capacity = 0;
  it->tx(pattern(300000));
  for (int turn = 0; turn < 10; ++turn) it->service();
  EXPECT_GT(it->txbs().size(), 300000U - 65536U);
  EXPECT_TRUE(it->unsent());
  forth.capacity = std::size_t(256) * 1024;
  arrived.clear();
  for (int turn = 0; turn < 40; ++turn) {
    it->service();
    arrived += receiveAll(*far, end, 65536);
  }
  EXPECT_TRUE(arrived == pattern(300000));
}

TEST_P(TlsClients, PingPongAllocatesNothing) {
  const auto it = client();
  net::TlsStream* far = nullptr;
  connect(*it, far);
  for (Flow* const flow : {&net_.lines.back().pipe->forth, &net_.lines.back().pipe->back}) {
    flow->bytes.reserve(100000);
  }
  const std::string ping = pattern(500);
  std::array<std::byte, 2000> room{};
  std::size_t moved = 0;
  const auto turn = [&] {
    it->tx(ping);
    it->service();
    const IoResult got = far->receive(room);
    moved += got.count();
    (void)far->send(std::span(room).first(got.count()));
    it->service();
    moved += it->rxbs().size();
    it->rxbs().clear();
    tymist_.tick();
  };
  for (int warm = 0; warm < 10; ++warm) turn();
  moved = 0;
  const std::uint64_t before = allocations().made;
  for (int round = 0; round < 1000; ++round) turn();
  EXPECT_EQ(allocations().made - before, 0U);
  EXPECT_EQ(moved, 1000U * 1000U);
}

}  // namespace
}  // namespace hio::test
