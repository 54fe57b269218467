// The demo's far side: takes a stream in over several connections, and cuts some of them off.
//
// The demo's protocol. The server sends lines `have N`: that it has the first N bytes of the
// stream. It sends one when a connection begins, and the client goes on from exactly there; then
// one after each MiB. The client sends nothing but the stream, and then ends its sending; the
// server answers `done N` and ends too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "digest.hpp"
#include "hio/core/tcp/serving_tls.hpp"
#include "hio/net/poller.hpp"
#include "journal.hpp"

namespace hio::tool {

// The server hangs up when it has this many bytes.
struct Cut {
  std::uint64_t at = 0;
  bool reset =
      false;  // at once, what is under way is lost; otherwise orderly, and it still arrives
};

class DemoServer {
 public:
  // What one connection brought.
  struct Taken {
    std::uint64_t from = 0;
    std::uint64_t count = 0;
    std::string sha256{};
  };

  // Over TLS with the context, over TCP without one. Throws Problem when it cannot listen.
  DemoServer(base::Tymth tymth, std::vector<Cut> cuts, const Journal& journal,
             std::shared_ptr<net::TlsContext> context);

  const core::Address& address() const noexcept { return server_->eha(); }
  void service();
  void attach(net::Poller& poller) { server_->attach(&poller); }
  // When to call service() again though the poller tells of nothing.
  std::optional<base::Tyme> deadline() const {
    return moved_ ? server_->tyme() : server_->deadline();
  }

  std::uint64_t have() const noexcept { return have_; }
  // A connection is being served.
  bool busy() const noexcept { return ca_.has_value(); }
  std::uint64_t cutsLeft() const noexcept { return cuts_.size(); }
  const std::vector<Taken>& connections() const noexcept { return taken_; }
  std::string sha256() const { return whole_.hex(); }

 private:
  using Remoter = core::tcp::Remoter;

  Remoter* current();
  void begin(Remoter& remoter);
  void take(Remoter& remoter);
  bool cutNow(Remoter& remoter);
  void tell(Remoter& remoter, std::string_view what);
  void finish();

  const Journal& journal_;
  std::map<core::Address, int> descriptors_{};  // of the connections, to reset them
  std::unique_ptr<core::tcp::Server> server_;
  std::vector<Cut> cuts_;              // those that are still to be made
  std::optional<core::Address> ca_{};  // of the connection that is served; others wait
  bool moved_ = false;                 // something was taken in this turn
  bool ending_ = false;                // this side has ended its sending, or is about to
  std::uint64_t have_ = 0;
  std::uint64_t told_ = 0;
  std::vector<Taken> taken_{};
  std::optional<Sha256> part_{};  // of the connection that is served
  Sha256 whole_{};
};

}  // namespace hio::tool
