#include "demo_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "exit_codes.hpp"
#include "failing.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

using core::tcp::Server;
using core::tcp::ServerTls;

constexpr std::uint64_t Told = 1U << 20U;  // so often the client hears what has arrived

using Descriptors = std::map<core::Address, int>;

// Keeps the descriptors of its connections in mind.
template <class S>
class Knowing final : public S {
 public:
  template <class... More>
  explicit Knowing(Descriptors& descriptors, More&&... more)
      : S(std::forward<More>(more)...), descriptors_(descriptors) {}

 protected:
  std::unique_ptr<core::tcp::Remoter> remoterFor(core::tcp::RemoterOptions options) const override {
    descriptors_[options.ca] = options.cs->fd();
    return S::remoterFor(std::move(options));
  }

 private:
  Descriptors& descriptors_;
};

std::unique_ptr<Server> serverOver(std::shared_ptr<net::TlsContext> context,
                                   core::tcp::ServerOptions options, Descriptors& descriptors) {
  if (!context) return std::make_unique<Knowing<Server>>(descriptors, std::move(options));
  return std::make_unique<Knowing<ServerTls>>(
      descriptors, std::move(options), core::tcp::ServerTlsOptions{.context = std::move(context)});
}

}  // namespace

DemoServer::DemoServer(base::Tymth tymth, std::vector<Cut> cuts, const Journal& journal,
                       std::shared_ptr<net::TlsContext> context)
    : journal_(journal),
      server_(serverOver(std::move(context),
                         {.host = "127.0.0.1",
                          .port = 0,
                          .tymth = std::move(tymth),
                          .halfOpen = true,
                          .limits = {.rxHigh = 1U << 20U}},
                         descriptors_)),
      cuts_(std::move(cuts)) {
  if (!server_->open()) throw Problem(ExitCode::unexpected, server_->failure()->message());
}

void DemoServer::service() {
  server_->service();
  moved_ = false;
  Remoter* const remoter = current();
  if (remoter == nullptr) return;
  take(*remoter);
  if (cutNow(*remoter)) return;
  if (remoter->ended() && !ending_ && remoter->rxbs().empty()) {
    tell(*remoter, "done");
    ending_ = true;
  }
  // TLS may not have passed on yet all that it took.
  if (ending_ && remoter->txbs().empty() && !remoter->unsent()) remoter->shutdownSend();
  if (remoter->cutoff()) finish();
}

// A new connection waits until the one before it has brought all that it can: only then is it known
// what this side has.
DemoServer::Remoter* DemoServer::current() {
  if (ca_) return &server_->ix(*ca_);
  for (const auto& [ca, remoter] : server_->ixes()) {
    if (remoter->cutoff()) continue;
    ca_ = ca;
    begin(*remoter);
    return remoter.get();
  }
  return nullptr;
}

void DemoServer::begin(Remoter& remoter) {
  ending_ = false;
  taken_.push_back({.from = have_});
  part_.emplace();
  tell(remoter, "have");
}

void DemoServer::take(Remoter& remoter) {
  auto& rxbs = remoter.rxbs();
  std::uint64_t count = rxbs.size();
  // Up to the next cut, and no further: but what comes after an orderly end is taken.
  if (!cuts_.empty() && !ending_) {
    count = std::min(count, cuts_.front().at - std::min(have_, cuts_.front().at));
  }
  const auto bytes = rxbs.view().first(static_cast<std::size_t>(count));
  part_->update(bytes);
  whole_.update(bytes);
  rxbs.consume(bytes.size());
  have_ += count;
  moved_ = count > 0;
  if (moved_) remoter.wake();  // there may be room again
  taken_.back().count += count;
  if (have_ - told_ >= Told && !ending_) tell(remoter, "have");
}

// Makes the next cut if its time has come; true when the connection is gone with it.
bool DemoServer::cutNow(Remoter& remoter) {
  if (cuts_.empty() || ending_ || have_ < cuts_.front().at) return false;
  // A client that is cut off before it has gone on would count that as a connection not made.
  if (taken_.back().count == 0 && remoter.rxbs().empty() && !remoter.ended()) return false;
  const Cut cut = cuts_.front();
  cuts_.erase(cuts_.begin());
  journal_.note("server", fmt::format("hangs up at {} {}", sizeText(have_),
                                      cut.reset ? "with a reset" : "in order"));
  if (!cut.reset) {
    ending_ = true;
    remoter.shutdownSend();
    take(remoter);
    return false;
  }
  resetConnection(descriptors_.at(*ca_));
  server_->removeIx(*ca_);
  finish();
  return true;
}

void DemoServer::tell(Remoter& remoter, std::string_view what) {
  told_ = have_;
  (void)remoter.tx(fmt::format("{} {}\n", what, have_));
  remoter.serviceSends();
}

void DemoServer::finish() {
  taken_.back().sha256 = part_->hex();
  ca_.reset();
}

}  // namespace hio::tool
