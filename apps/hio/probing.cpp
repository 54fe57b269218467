#include "probing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string_view>
#include <utility>

#include "failing.hpp"
#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/help/timing.hpp"
#include "terminal.hpp"

namespace hio::tool {
namespace {

using base::Tyme;
using core::tcp::ClientOptions;
using core::tcp::ClientTls;
using core::tcp::Failure;
using core::tcp::Phase;
using core::tcp::TlsOptions;

// When each stage was done.
struct StageTimes {
  help::MonoTimer clock{};
  std::optional<Tyme> resolved{};
  std::optional<Tyme> connected{};
  std::optional<Tyme> shaken{};
};

class MarkingLookup final : public net::Lookup {
 public:
  MarkingLookup(std::unique_ptr<net::Lookup> lookup, StageTimes& times)
      : lookup_(std::move(lookup)), times_(times) {}

  net::IoResult poll(std::vector<net::Ip>& found) override {
    const net::IoResult result = lookup_->poll(found);
    if (result.isDone()) times_.resolved = times_.clock.elapsed();
    return result;
  }
  bool attach(net::Poller* poller, base::Waker waker) override {
    return lookup_->attach(poller, std::move(waker));
  }

 private:
  std::unique_ptr<net::Lookup> lookup_;
  StageTimes& times_;
};

// The machine's network; tells when a name was resolved, however long one service() took for more.
class MarkingNet final : public net::Net, private net::Resolver {
 public:
  explicit MarkingNet(StageTimes& times) : times_(times) {}

  net::Opened<net::Stream> open(const net::Endpoint& peer,
                                const net::StreamOptions& options) override {
    return net::systemNet().open(peer, options);
  }
  net::Opened<net::Listener> listen(const net::Endpoint& local,
                                    const net::ListenOptions& options) override {
    return net::systemNet().listen(local, options);
  }
  net::Resolver& resolver() override { return *this; }
  std::uint64_t seed() override { return net::systemNet().seed(); }

 private:
  std::unique_ptr<net::Lookup> lookup(std::string name) override {
    return std::make_unique<MarkingLookup>(net::systemNet().resolver().lookup(std::move(name)),
                                           times_);
  }

  StageTimes& times_;
};

// Tells when the TCP connection stands: that is when it is put under TLS.
class MarkingClient final : public ClientTls {
 public:
  MarkingClient(ClientOptions options, TlsOptions tls, StageTimes& times)
      : ClientTls(std::move(options), std::move(tls)), times_(times) {}

 protected:
  std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) override {
    times_.connected = times_.clock.elapsed();
    return ClientTls::secured(std::move(plain));
  }

 private:
  StageTimes& times_;
};

// One connection, made and closed again.
struct Attempt {
  StageTimes times{};
  std::string address{};
  net::TlsInfo tls{};
  std::optional<Failure> failure{};
};

Attempt attempt(const ProbeOptions& options, std::shared_ptr<net::TlsContext> context,
                const Interrupts& interrupts) {
  Attempt made;
  base::Tymist tymist;
  MarkingNet net(made.times);
  Waiter waiter;
  MarkingClient client({.timeout = options.timeout,
                        .host = options.host,
                        .port = options.port,
                        .reconnectable = true,  // so that the timeout bounds the attempt
                        .tymth = tymist.tymen(),
                        .retry = {.attempts = 1},
                        .net = &net},
                       {.context = std::move(context), .certedhost = options.tls.servername},
                       made.times);
  client.attach(&waiter.poller());
  client.open();
  while (true) {
    tymist.tyme(made.times.clock.elapsed());
    if (interrupts.asked()) throw Problem(ExitCode::interrupted, "interrupted");
    client.serviceConnect();
    if (client.connected() || client.phase() == Phase::stopped) break;
    waiter.clear();
    waiter.add(interrupts.fd(), true, false);
    Tyme most = std::chrono::milliseconds(client.notifies() ? 100 : 10);
    if (const auto deadline = client.deadline()) most = std::min(most, *deadline - tymist.tyme());
    waiter.wait(most);
  }
  if (client.connected()) {
    made.times.shaken = made.times.clock.elapsed();
    made.tls = client.tlsInfo();
  } else if (client.failure()) {
    made.failure = *client.failure();
  }
  if (made.times.connected) made.address = client.ha().text();
  client.close();  // with a goodbye
  return made;
}

bool isNameVerdict(const Failure& failure) {
  const int verdict = net::verdictOf(failure.code()).value_or(0);
  return verdict == 62 || verdict == 64;  // host name, address
}

// The failure's words without those that say what was being done.
std::string whyOf(const Failure& failure) {
  std::string text = reasonOf(failure);
  const std::string address = failure.address().text() + ": ";
  const std::size_t at = text.find(address);
  return at == std::string::npos ? text : text.substr(at + address.size());
}

bool sameText(std::string_view one, std::string_view two) {
  return std::equal(one.begin(), one.end(), two.begin(), two.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

// For people who want to know; what is trusted is the library's to say.
bool isMadeFor(const net::CertificateInfo& certificate, const std::string& name) {
  const auto ip = net::Ip::parse(name);
  const std::size_t dot = name.find('.');
  return std::any_of(
      certificate.names.begin(), certificate.names.end(), [&](const std::string& each) {
        if (ip) return net::Ip::parse(each) == ip;
        const bool wild = each.starts_with("*.") && dot != std::string::npos;
        return sameText(each, name) ||
               (wild && sameText(each.substr(2), std::string_view(name).substr(dot + 1)));
      });
}

class Prober {
 public:
  explicit Prober(const ProbeOptions& options) : options_(options) {
    found_.name =
        net::tlsName(options.tls.servername.empty() ? options.host : options.tls.servername);
  }

  Findings run() {
    Attempt now = check(Checks::all);
    found_.trusted = !now.failure;
    bool wrongName = false;
    // The chain may be good all the same.
    if (now.failure && isNameVerdict(*now.failure)) {
      wrongName = true;
      now = check(Checks::chain);
    }
    if (now.failure && codeFor(*now.failure) == ExitCode::untrusted) {
      now = check(Checks::none);
    }
    found_.unchecked = !found_.trusted && !found_.tls.version.empty();
    if (!found_.tls.chain.empty()) judgeName(wrongName);
    return std::move(found_);
  }

 private:
  Attempt check(Checks checks) {
    Attempt made = attempt(options_, clientContext(options_.tls, checks), interrupts_);
    take(made);
    return made;
  }

  // Keeps what is new.
  void take(const Attempt& made) {
    const StageTimes& times = made.times;
    // A number is nothing to resolve.
    if (!found_.resolve)
      found_.resolve = core::settleHost(options_.host) ? Tyme(0) : times.resolved;
    if (!found_.connect && times.connected) {
      found_.connect = *times.connected - times.resolved.value_or(Tyme(0));
    }
    if (times.shaken) found_.handshake = *times.shaken - *times.connected;
    if (!made.address.empty()) found_.address = made.address;
    found_.tls = made.tls;
    if (!made.failure) return;
    if (found_.code == ExitCode::ok) found_.code = codeFor(*made.failure);
    found_.reasons.push_back(whyOf(*made.failure));
  }

  void judgeName(bool wrongName) {
    found_.nameMatches =
        found_.trusted || (!wrongName && isMadeFor(found_.tls.chain.front(), found_.name));
    if (found_.nameMatches || wrongName) return;
    found_.reasons.push_back(
        fmt::format("the certificate is not made for '{}' either", found_.name));
  }

  const ProbeOptions& options_;
  Interrupts interrupts_;
  Findings found_;
};

}  // namespace

Findings probe(const ProbeOptions& options) { return Prober(options).run(); }

}  // namespace hio::tool
