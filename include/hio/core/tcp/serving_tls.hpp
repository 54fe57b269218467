// hio.core.tcp.serving: the nonblocking TCP server over TLS. Threads and lifetimes as in
// serving.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "hio/core/tcp/serving.hpp"
#include "hio/export.hpp"
#include "hio/net/tls.hpp"

namespace hio::core::tcp {

class Handshakes;

// The server's end of one connection over TLS, made when its handshake is done.
class HIO_EXPORT RemoterTls : public Remoter {
 public:
  using Remoter::Remoter;

  // Version, cipher, protocol and the client's certificates; empty once closed.
  net::TlsInfo tlsInfo() const { return net::tlsInfoOf(stream()); }
};

using net::ClientCerts;

struct ServerTlsOptions {
  // Shared, reusable settings; then the fields from version to cafilepath have to be left out.
  std::shared_ptr<net::TlsContext> context{};
  std::optional<net::TlsVersion> version{};  // exactly this one; empty: TLS 1.2 and up
  std::optional<ClientCerts> certify{};      // whether clients show certificates; empty: required
  // The server's key and certificate; certpath alone where it holds both.
  std::string keypath{};
  std::string certpath{};
  // Whose client certificates to believe; needed unless certify is none.
  std::string cafilepath{};

  // Beyond hio:
  // A client that has not finished its handshake by then is dropped. Needs a source of time.
  base::Tyme handshakeTimeout = std::chrono::seconds(10);
  // Handshakes in progress at once; at least 1. When there are so many, and another connection
  // waits, the one that has been silent longest gives way: first those that have sent nothing for
  // 100 ms since they came, then those that have sent nothing more for 1 s. Where none is silent,
  // or without a source of time, further connections wait in the kernel.
  std::size_t maxHandshakes = 1024;
  // Steps of handshakes in one service(); at least 1. A step answers what one client has sent and
  // may sign once, which is what a handshake costs: about 2 ms with an RSA key of 4096 bits, 0.1 ms
  // with P-256. Further steps wait for the next service(), which deadline() asks for at once.
  std::size_t maxHandshakeSteps = 4;
};

// The context that a ServerTls with these options uses. Throws as net::TlsContext::server().
HIO_EXPORT std::shared_ptr<net::TlsContext> initServerContext(const ServerTlsOptions& options);

// A Server over TLS (V9). One context serves all connections; threads may share it. A client that
// fails or stalls in its handshake is dropped and counted; the others go on. In each service()
// connections that stand come first, then handshakes: those that have something to do take turns.
// Silent ones cost nothing with a poller; without one, up to 64 are asked in each service().
class HIO_EXPORT ServerTls : public Server {
 public:
  // Throws as Server and initServerContext() do; std::invalid_argument also for a handshakeTimeout,
  // maxHandshakes or maxHandshakeSteps that is not above 0.
  explicit ServerTls(ServerOptions options = {}, ServerTlsOptions tls = {});
  ~ServerTls() override;

  const std::shared_ptr<net::TlsContext>& context() const noexcept { return context_; }
  // How many connections are in their handshake; ixes() has those that are through.
  std::size_t cxes() const noexcept;
  // How many clients failed in their handshake or gave way, and why the last one did: null when
  // none has. Good until the next service function.
  std::uint64_t refused() const noexcept { return refused_; }
  const Failure* refusal() const noexcept { return refusal_ ? &*refusal_ : nullptr; }

  // Winds the handshakes' deadlines too; they start anew.
  void wind(base::Tymth tymth) override;
  void attach(net::Poller* poller, base::Waker waker = {}) override;
  // False also while a handshake is in progress whose stream does not notify.
  bool notifies() const noexcept override;
  void close() override;
  // Puts what is in axes under TLS.
  void serviceAxes() override;
  // Up to maxHandshakeSteps steps of handshakes; those that are done become remoters.
  void serviceCxes();
  // Accepts, then serviceAxes, then serviceCxes.
  void serviceConnects() override;

 protected:
  std::size_t room() const noexcept override;
  std::unique_ptr<Remoter> remoterFor(RemoterOptions options) const override;
  std::optional<base::Tyme> connectsDue() const override;

 private:
  void makeWay();
  void refuse(const Address& ca, std::error_code code, std::string why);

  std::shared_ptr<net::TlsContext> context_;
  std::size_t most_;
  std::unique_ptr<Handshakes> cxes_;
  std::uint64_t refused_ = 0;
  std::optional<Failure> refusal_;
};

}  // namespace hio::core::tcp
