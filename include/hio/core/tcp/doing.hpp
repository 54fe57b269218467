// Doers that service clients and servers (contract D6).
#pragma once

#include <memory>
#include <optional>

#include "hio/base/doing.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/serving.hpp"
#include "hio/core/wiring.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

struct LinkDoerOptions {
  // Between two visits where nothing tells of readiness; see base::DoerOptions.
  base::Tyme tock{0};
  // Winds the client or server too; as does being run by a Doist.
  base::Tymth tymth{};
  // Given, the doer is visited only when there is something to do. Outlives the doer.
  net::Poller* poller = nullptr;
};

// Opens a client, services it at each visit and closes it in the end; never done by itself. What is
// put on txbs past tx() waits for the next visit, and so does reading after rxbs was full: call the
// client's wake() then.
class HIO_EXPORT ClientDoer : public base::Doer {
 public:
  // The client has to outlive the doer.
  explicit ClientDoer(Client& client, LinkDoerOptions options = {});
  ~ClientDoer() override;

  Client& client() const noexcept { return client_; }
  void wind(base::Tymth tymth) override;

 protected:
  void enter() override;
  bool recur(base::Tyme tyme) override;
  std::optional<base::Tyme> due() override;
  void exit() override;

 private:
  Client& client_;
  net::Poller* poller_;
};

// The same for a server.
class HIO_EXPORT ServerDoer : public base::Doer {
 public:
  // The server has to outlive the doer.
  explicit ServerDoer(Server& server, LinkDoerOptions options = {});
  ~ServerDoer() override;

  Server& server() const noexcept { return server_; }
  void wind(base::Tymth tymth) override;

 protected:
  void enter() override;
  bool recur(base::Tyme tyme) override;
  std::optional<base::Tyme> due() override;
  void exit() override;

 private:
  Server& server_;
  net::Poller* poller_;
};

// A ServerDoer that sends back what each connection brings. What a peer does not read back in time
// holds up what is read from it: at most txLimit bytes wait.
class HIO_EXPORT EchoServerDoer : public ServerDoer {
 public:
  using ServerDoer::ServerDoer;

 protected:
  bool recur(base::Tyme tyme) override;
};

// Opens a wire log, if it is not open, and closes it in the end; never done by itself (G7).
class HIO_EXPORT WireLogDoer : public base::Doer {
 public:
  // The log has to outlive the doer.
  explicit WireLogDoer(WireLog& log, base::DoerOptions options = {});

  WireLog& log() const noexcept { return log_; }

 protected:
  void enter() override;
  bool recur(base::Tyme tyme) override;
  void exit() override;

 private:
  WireLog& log_;
};

}  // namespace hio::core::tcp
