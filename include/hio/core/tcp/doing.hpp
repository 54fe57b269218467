// Doers that service clients and servers (contract D6).
#pragma once

#include <memory>
#include <optional>

#include "hio/base/doing.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/serving.hpp"
#include "hio/core/wiring.hpp"
#include "hio/export.hpp"
#include "hio/net/poller.hpp"

namespace hio::core::tcp {

struct LinkDoerOptions {
  // Between two visits where nothing notifies of readiness; see base::DoerOptions.
  base::Tyme tock{0};
  // Winds the client or server too; so does being run by a Doist.
  base::Tymth tymth{};
  // Given, the doer is visited only when there is something to do. It may be destroyed before the
  // doer, which is then visited at each tock.
  net::Poller* poller = nullptr;
};

// Opens a client or server, services it at each visit and closes it in the end; never done by
// itself.
template <class T>
class HIO_EXPORT LinkDoer : public base::Doer {
 public:
  ~LinkDoer() override;

  void wind(base::Tymth tymth) override;

 protected:
  LinkDoer(T& serviced, LinkDoerOptions options);

  T& serviced() const noexcept { return serviced_; }
  void enter() override;
  bool recur(base::Tyme tyme) override;
  std::optional<base::Tyme> due() override;
  void exit() override;

 private:
  void detach();

  T& serviced_;
  net::PollerRef poller_;
  bool attached_ = false;
};
extern template class LinkDoer<Client>;
extern template class LinkDoer<Server>;

// What is put on txbs past tx() waits for the next visit, and so does reading after rxbs was full:
// call the client's wake() then.
class HIO_EXPORT ClientDoer : public LinkDoer<Client> {
 public:
  // The client has to outlive the doer's run.
  explicit ClientDoer(Client& client, LinkDoerOptions options = {});
  ~ClientDoer() override;

  Client& client() const noexcept { return serviced(); }
};

class HIO_EXPORT ServerDoer : public LinkDoer<Server> {
 public:
  // The server has to outlive the doer's run.
  explicit ServerDoer(Server& server, LinkDoerOptions options = {});
  ~ServerDoer() override;

  Server& server() const noexcept { return serviced(); }
};

// A ServerDoer that sends back what each connection brings. While a peer does not read back, at
// most txLimit bytes for it wait to be sent and rxHigh to be taken; then it is read from no more.
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
