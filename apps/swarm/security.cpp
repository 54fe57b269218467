#include "swarm/security.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "hio/certificates.hpp"

namespace hio::swarm {
namespace {

using namespace std::chrono_literals;
using core::tcp::ClientOptions;
using core::tcp::ServerOptions;
using tool::KeyAndCertificate;

// When each schedule begins, for certificates.
constexpr std::chrono::sys_seconds Epoch{1'900'000'000s};
constexpr const char* Issuer = "swarm";

// The same in every process. Signatures of one length make handshakes of one length.
struct Certificates {
  static constexpr long Days = 3650;

  sim::SeededEntropy entropy{1};
  tool::Making making{.ecdsa = false, .at = Epoch, .days = Days};
  tool::Authority authority{Issuer, making};
  tool::Authority stranger{"stranger", making};
  std::array<KeyAndCertificate, 5> servers{
      authority.issue(farNames(), -Days, Days), authority.issue(farNames(), -Days, 1),
      stranger.issue(farNames(), -Days, Days), authority.issue({"other.test"}, -Days, Days),
      authority.issue(farNames(), -Days, -1)};
  KeyAndCertificate client = authority.issue({"client"}, -Days, Days);
};

struct Opened {
  std::string authority;
  std::array<KeyAndCertificate, 5> servers;
  KeyAndCertificate client;
};

const Opened& made() {
  static const Opened all = [] {
    const Certificates made;
    return Opened{made.authority.certificate(), made.servers, made.client};
  }();
  return all;
}

net::TlsIdentity identityOf(const KeyAndCertificate& pair) {
  return {.key = {.text = pair.key}, .certificate = {.text = pair.certificate}};
}

// OpenSSL's latest SSL, to reach below the library with.
SSL* latest = nullptr;

void noteLatest(void* ssl, void*, CRYPTO_EX_DATA*, int, long, void*) {
  latest = static_cast<SSL*>(ssl);
}

class NotedClient final : public core::tcp::ClientTls {
 public:
  NotedClient(ClientOptions options, core::tcp::TlsOptions tls, Notes& notes, const bool& blind)
      : ClientTls(std::move(options), std::move(tls)), notes_(notes), blind_(blind) {}

 protected:
  std::unique_ptr<net::Stream> secured(std::unique_ptr<net::Stream> plain) override {
    auto stream = ClientTls::secured(std::move(plain));
    if (blind_) X509_VERIFY_PARAM_set1_host(SSL_get0_param(latest), nullptr, 0);
    if (blind_) X509_VERIFY_PARAM_set1_ip(SSL_get0_param(latest), nullptr, 0);
    return notes_.tapped(std::move(stream), false);
  }

 private:
  Notes& notes_;
  const bool& blind_;
};

class NotedServer final : public core::tcp::ServerTls {
 public:
  NotedServer(ServerOptions options, core::tcp::ServerTlsOptions tls, Notes& notes)
      : ServerTls(std::move(options), std::move(tls)), notes_(notes) {}

 protected:
  std::unique_ptr<core::tcp::Remoter> remoterFor(core::tcp::RemoterOptions options) const override {
    options.cs = notes_.tapped(std::move(options.cs), true);
    return ServerTls::remoterFor(std::move(options));
  }

 private:
  Notes& notes_;
};

}  // namespace

const std::vector<std::string>& farNames() {
  static const std::vector<std::string> names{"far", "10.0.0.2", "fd00::2", "10.0.0.3"};
  return names;
}

Security::Security(sim::Random random, base::Tymth tymth)
    : tymth_(std::move(tymth)),
      resumes_(random.chance(900)),
      mutual_(random.chance(300)),
      least_(random.chance(200) ? net::TlsVersion::tls13 : net::TlsVersion::tls12),
      most_(random.chance(700) ? net::TlsVersion::tls13 : net::TlsVersion::tls12),
      entropy_((made(), random.next())) {
  most_ = std::max(least_, most_);
  static const int hook =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, nullptr, noteLatest, nullptr, nullptr);
  if (hook < 0) throw std::runtime_error("OpenSSL does not tell of its streams");
}

std::chrono::sys_seconds Security::at(base::Tyme tyme) const {
  return Epoch + std::chrono::floor<std::chrono::seconds>(tyme);
}

std::unique_ptr<core::tcp::Client> Security::client(ClientOptions options, Notes& notes) {
  net::TlsClientConfig config;
  if (mutual_) config.identity = identityOf(made().client);
  config.trust.ca.text = made().authority;
  config.trust.time = [this] { return at(tymth_()); };
  config.protocol = {.minVersion = least_, .maxVersion = most_, .resume = resumes_};
  return std::make_unique<NotedClient>(
      std::move(options),
      core::tcp::TlsOptions{.context = net::TlsContext::client(std::move(config))}, notes, blind_);
}

std::unique_ptr<core::tcp::Server> Security::server(ServerOptions options, Notes& notes,
                                                    Identity identity) const {
  net::TlsServerConfig config;
  config.identity = identityOf(made().servers.at(static_cast<std::size_t>(identity)));
  config.trust.ca.text = made().authority;
  config.trust.time = [this] { return at(tymth_()); };
  config.clients = mutual_ ? net::ClientCerts::required : net::ClientCerts::none;
  return std::make_unique<NotedServer>(
      std::move(options),
      core::tcp::ServerTlsOptions{.context = net::TlsContext::server(std::move(config))}, notes);
}

std::string Security::objection(const Wire& wire, const std::string& name) const {
  if (wire.tls.chain.empty()) return "connected without a certificate";
  const net::CertificateInfo& shown = wire.tls.chain.front();
  if (shown.issuer != std::string("CN=") + Issuer) return "connected to a stranger's certificate";
  if (std::find(shown.names.begin(), shown.names.end(), name) == shown.names.end()) {
    return "connected with a certificate for another name";
  }
  // It is judged when the handshake begins, that of a resumed session when it ends.
  if (shown.notAfter < at(wire.begun) && shown.notAfter < at(wire.connectedAt)) {
    return "connected with an expired certificate";
  }
  return {};
}

}  // namespace hio::swarm
