// hio-cpp: driven by a Doist that sleeps in a poller, or polled (option polled=1). The
// option spin=0 has the poller sleep at once, spin=N after N microseconds of looking.
#include <chrono>
#include <utility>
#include <vector>

#include "contender.hpp"
#include "hio/core/tcp.hpp"
#include "protocol.hpp"

namespace bench {
namespace {

using hio::core::tcp::Client;
using hio::core::tcp::ClientTls;

class Hio;

class HioWire final : public Wire, public hio::core::tcp::ClientDoer {
 public:
  HioWire(Hio& hio, std::unique_ptr<Client> its, hio::net::Poller* poller)
      : ClientDoer(*its, {.poller = poller}), hio_(hio), client_(std::move(its)) {}

  // The next service() opens it.
  void connect(Session& session, const Target& target) {
    session_ = &session;
    client_->reinitHostPort({.hostname = target.host, .port = target.port});
    client_->wake();
  }
  void send(std::string_view bytes) override {
    if (bytes.size() < Large) {
      client_->tx(bytes);
    } else {
      rest_ = bytes;
    }
    sending_ = true;
  }
  void close() override;
  void visit() {
    if (session_ == nullptr) return;
    client_->service();
    look();
  }

 protected:
  bool recur(hio::base::Tyme tyme) override {
    if (session_ == nullptr) {
      retyme(hio::base::Forever);
      return false;
    }
    ClientDoer::recur(tyme);
    look();
    return false;
  }

 private:
  // So many bytes are worth being sent from where they are.
  static constexpr std::size_t Large = std::size_t(64) * 1024;

  void look();
  bool allSent();

  Hio& hio_;
  std::unique_ptr<Client> client_;
  Session* session_ = nullptr;
  std::string_view rest_;  // of what is sent past txbs
  bool open_ = false;
  bool sending_ = false;
};

class Hio final : public Contender {
 public:
  explicit Hio(const Options& options)
      : polled_(options.number("polled", 0) != 0),
        poller_(hio::net::systemPoller(
            {.spin = std::chrono::microseconds(options.number("spin", 50))})) {
    if (options.number("tls", 0) == 0) return;
    context_ =
        hio::net::TlsContext::client({.trust = {.ca = {.path = options.text("ca")}},
                                      .protocol = {.resume = options.number("resume", 0) != 0}});
  }

  void connect(Session& session, const Target& target) override {
    if (!free_.empty()) {
      HioWire* const wire = std::exchange(free_.back(), nullptr);
      free_.pop_back();
      return wire->connect(session, target);
    }
    const auto wire = std::make_shared<HioWire>(*this, makeClient(), polled_ ? nullptr : &*poller_);
    wires_.push_back(wire);
    wire->connect(session, target);
    if (!polled_) doist_.extend({wire});
  }
  void run() override {
    if (!polled_) return doist_.run();
    while (!stopped_) {
      for (std::size_t at = 0; at < wires_.size(); ++at) wires_[at]->visit();
    }
  }
  void stop() override {
    stopped_ = true;
    doist_.stop();
  }
  void free(HioWire& wire) { free_.push_back(&wire); }

 private:
  std::unique_ptr<Client> makeClient() const {
    if (context_ == nullptr) return std::make_unique<Client>();
    return std::make_unique<ClientTls>(
        hio::core::tcp::ClientOptions{},
        hio::core::tcp::TlsOptions{.context = context_, .certedhost = ServerName});
  }

  const bool polled_;
  std::shared_ptr<hio::net::TlsContext> context_;
  const std::unique_ptr<hio::net::Poller> poller_;
  hio::net::PollerPacer pacer_{*poller_};
  hio::base::Doist doist_{{.pacer = &pacer_}};
  std::vector<std::shared_ptr<HioWire>> wires_;
  std::vector<HioWire*> free_;
  bool stopped_ = false;
};

// What a service() has brought about.
void HioWire::look() {
  Client& client = *client_;
  if (!open_) {
    if (client.failure()) die(client.failure()->message());
    if (!client.connected()) return;
    open_ = true;
    session_->opened(*this);
  }
  if (const std::size_t count = client.rxbs().size(); count > 0) {
    client.clearRxbs();
    session_->received(*this, count);
  }
  if (client.cutoff()) die("cut off");
  if (!open_) return;
  client.serviceSends();  // what was answered
  while (sending_ && allSent()) {
    sending_ = false;
    session_->sent(*this);
    client.serviceSends();
  }
}

bool HioWire::allSent() {
  if (!client_->txbs().empty()) return false;
  while (!rest_.empty()) {
    const std::size_t count = client_->send(rest_);
    if (count == 0) return false;
    rest_.remove_prefix(count);
  }
  return true;
}

void HioWire::close() {
  client_->close();
  rest_ = {};
  open_ = sending_ = false;
  session_ = nullptr;
  hio_.free(*this);
}

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  return std::make_unique<Hio>(options);
}

}  // namespace bench
