#include "demo_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "text.hpp"
#include "tls_options.hpp"

namespace hio::tool {
namespace {

using core::tcp::Client;

constexpr std::size_t Piece = 64U << 10U;
constexpr std::size_t Enough = 256U << 10U;  // waiting to be sent

// `have N` or `done N`: the N.
std::uint64_t numberIn(std::string_view line) {
  constexpr std::size_t Word = 5;
  std::uint64_t number = 0;
  const char* const end = line.data() + line.size();
  if (line.starts_with("have ") || line.starts_with("done ")) {
    const auto [stop, error] = std::from_chars(line.data() + Word, end, number);
    if (error == std::errc() && stop == end) return number;
  }
  throw std::runtime_error(fmt::format("the server says '{}'", line));
}

std::unique_ptr<Client> clientOver(std::shared_ptr<net::TlsContext> context,
                                   core::tcp::ClientOptions options) {
  if (!context) return std::make_unique<Client>(std::move(options));
  return std::make_unique<core::tcp::ClientTls>(
      std::move(options),
      core::tcp::TlsOptions{.context = std::move(context), .certedhost = "localhost"});
}

}  // namespace

// The tail of a lost connection is dropped: where to go on is the server's to say, and the library
// cannot know what of it has arrived.
DemoClient::DemoClient(base::Tymth tymth, const core::Address& server, const Source& source,
                       std::uint64_t seed, const Journal& journal,
                       std::shared_ptr<net::TlsContext> context)
    : source_(source),
      journal_(journal),
      client_(clientOver(
          std::move(context),
          {.timeout = std::chrono::seconds(10),
           .ha = server,
           .reconnectable = true,
           .tymth = std::move(tymth),
           // Each connection lasts long enough to count as a success: the pauses stay short.
           .retry = {.stableAfter = base::Tyme(0), .seed = seed},
           .onCutoff = core::tcp::OnCutoff::drop})),
      piece_(Piece) {}

void DemoClient::service() {
  if (done_) return;
  client_->service();
  if (client_->phase() == core::tcp::Phase::stopped) {
    throw std::runtime_error(client_->failure()->message());
  }
  if (client_->epoch() != sent_.size()) beginEpoch();
  if (sent_.empty()) return;
  readLines();
  if (resumed_ && !client_->cutoff()) feed();
  if (resumed_) sent_.back().handedOver = sent_.back().from + client_->traffic().sent;
  if (client_->cutoff()) endEpoch();
}

void DemoClient::beginEpoch() {
  sent_.push_back({});
  resumed_ = ended_ = false;
  client_->rxbs().consume(client_->staleRx());
}

void DemoClient::readLines() {
  auto& rxbs = client_->rxbs();
  for (auto end = rxbs.text().find('\n'); end != std::string_view::npos;
       end = rxbs.text().find('\n')) {
    const std::uint64_t have = numberIn(rxbs.text().substr(0, end));
    const bool all = rxbs.text().starts_with("done");
    rxbs.consume(end + 1);
    heard(have, all);
  }
}

void DemoClient::heard(std::uint64_t have, bool all) {
  if (!resumed_) resume(have);
  Sent& sent = sent_.back();
  const std::uint64_t most = std::min(sent.from + client_->traffic().sent, source_.size());
  if (have < acknowledged_ || have > most) {
    throw std::runtime_error(fmt::format("the server says it has {}, which is not from {} to {}",
                                         have, acknowledged_, most));
  }
  sent.acknowledged = acknowledged_ = have;
  allArrived_ = all && have == source_.size();
}

void DemoClient::resume(std::uint64_t have) {
  const std::uint64_t before = sent_.size() > 1 ? sent_[sent_.size() - 2].handedOver : 0;
  const std::uint64_t doubted = before - acknowledged_;
  if (have < acknowledged_ || have > before) {
    throw std::runtime_error(fmt::format("the server resumes at {}, which is not from {} to {}",
                                         have, acknowledged_, before));
  }
  std::string text = fmt::format("connected to {}", client_->ha().text());
  const net::TlsInfo info = tlsInfoOf(*client_);
  if (!info.version.empty()) text += " over " + settledText(info);
  if (sent_.size() > 1) {
    text += fmt::format("; the server has {}: of {} in doubt {} had arrived, {} sent again", have,
                        doubted, have - acknowledged_, before - have);
  }
  journal_.note(fmt::format("epoch {}", sent_.size()), text);
  sent_.back() = {.from = have, .handedOver = have, .acknowledged = have};
  next_ = have;
  resumed_ = true;
}

void DemoClient::feed() {
  auto& txbs = client_->txbs();
  while (next_ < source_.size() && txbs.size() < Enough) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(Piece, source_.size() - next_));
    const auto piece = std::span(piece_).first(count);
    source_.read(next_, piece);
    if (!client_->tx(piece)) return;
    next_ += count;
  }
  if (next_ < source_.size() || !txbs.empty() || ended_) return;
  ended_ = true;
  client_->shutdownSend();
}

void DemoClient::endEpoch() {
  if (ended_ && !client_->failure() && allArrived_) {
    done_ = true;
    journal_.note(fmt::format("epoch {}", sent_.size()), "all is sent and acknowledged");
    client_->close();
    return;
  }
  Sent& sent = sent_.back();
  // Cut off before the server had said anything: nothing was sent, and what was in doubt still is.
  if (!resumed_) sent = sent_.size() > 1 ? sent_[sent_.size() - 2] : Sent{};
  if (!resumed_) sent.from = sent.handedOver;
  sent.cut = true;
  resumed_ = false;  // nothing is fed before the server has told where to go on
  journal_.note(
      fmt::format("epoch {}", sent_.size()),
      fmt::format("cut off: {}; handed over {}, acknowledged {}, in doubt {}; reconnecting",
                  client_->failure() ? client_->failure()->message() : "the far side closed",
                  sent.handedOver, acknowledged_, sent.handedOver - acknowledged_));
}

}  // namespace hio::tool
