// hio demo: a file survives a server that hangs up on the way; every byte is accounted for.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "certificates.hpp"
#include "commands.hpp"
#include "demo_client.hpp"
#include "demo_server.hpp"
#include "digest.hpp"
#include "hio/help/timing.hpp"
#include "journal.hpp"
#include "source.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

using base::Tyme;

constexpr Tyme Patience = std::chrono::seconds(30);  // without any progress

// One in each of as many equal stretches, so that there is something between them.
std::vector<Cut> cutsFor(std::uint64_t size, std::uint64_t count, std::uint64_t seed) {
  std::vector<Cut> cuts;
  for (std::uint64_t at = 0; at < count; ++at) {
    const std::uint64_t stretch = size / count;
    const std::uint64_t within = stretch == 0 ? 0 : mixed(mixed(seed) + at) % stretch;
    cuts.push_back({.at = stretch * at + within, .reset = at % 2 == 1});
  }
  return cuts;
}

// Of the two sides; both empty: without TLS.
struct Contexts {
  std::shared_ptr<net::TlsContext> client{};
  std::shared_ptr<net::TlsContext> server{};
};

// The client trusts an authority that is made here and now, and nobody else.
Contexts makeContexts() {
  const Authority authority("hio demo");
  const KeyAndCertificate made = authority.issue({"localhost"});
  return {.client = net::TlsContext::client({.trust = {.ca = {.text = authority.certificate()}}}),
          .server = net::TlsContext::server(
              {.identity = {.key = {.text = made.key}, .certificate = {.text = made.certificate}},
               .clients = net::ClientCerts::none})};
}

// What the whole source, and pieces of it, have as their SHA-256.
class SourceDigests {
 public:
  explicit SourceDigests(const Source& source) : source_(source) {}

  // The ranges follow one another, so that one reading serves both.
  std::string next(std::uint64_t count) {
    Sha256 part;
    while (count > 0) {
      const auto piece =
          std::span(room_).first(static_cast<std::size_t>(std::min<std::uint64_t>(count, Room)));
      source_.read(at_, piece);
      part.update(piece);
      whole_.update(piece);
      at_ += piece.size();
      count -= piece.size();
    }
    return part.hex();
  }
  std::string whole() {
    next(source_.size() - at_);
    return whole_.hex();
  }

 private:
  static constexpr std::size_t Room = 256U << 10U;

  const Source& source_;
  std::vector<std::byte> room_ = std::vector<std::byte>(Room);
  std::uint64_t at_ = 0;
  Sha256 whole_;
};

class Demo {
 public:
  explicit Demo(const DemoOptions& options)
      : source_(options.file.empty() ? madeUpSource(options.size << 20U, options.seed)
                                     : fileSource(options.file)),
        cuts_(options.cuts),
        contexts_(options.plain ? Contexts() : makeContexts()),
        journal_(tymist_.tymen()),
        server_(tymist_.tymen(), cutsFor(source_->size(), options.cuts, options.seed), journal_,
                contexts_.server),
        client_(tymist_.tymen(), server_.address(), *source_, options.seed, journal_,
                contexts_.client) {}

  ExitCode run();

 private:
  bool stream();
  void checkProgress();
  void wait();
  void reportConnections();
  void reportSums() const;
  void verify(bool well, const std::string& what) const;

  std::unique_ptr<Source> source_;
  std::uint64_t cuts_;
  Contexts contexts_;
  Interrupts interrupts_;
  Waiter waiter_;
  help::MonoTimer clock_;
  base::Tymist tymist_;
  Journal journal_;
  DemoServer server_;
  DemoClient client_;
  std::uint64_t seen_ = 0;  // what the last progress was, and when
  Tyme seenAt_{0};
};

ExitCode Demo::run() {
  say(fmt::format("hio demo: streams {} to {}, which hangs up {} times on the way", source_->name(),
                  server_.address().text(), cuts_));
  say(contexts_.client
          ? "over TLS: a certificate made now, its authority and its name checked each time"
          : "over TCP, without TLS");
  try {
    if (!stream()) {
      say("demo: interrupted");
      return ExitCode::interrupted;
    }
    const double seconds = std::chrono::duration<double>(clock_.elapsed()).count();
    reportConnections();
    reportSums();
    say(fmt::format("time         {:.3f} s, {:.1f} MiB/s", seconds,
                    seconds > 0 ? mebibytes(source_->size()) / seconds : 0.0));
  } catch (const std::exception& error) {
    say(fmt::format("demo: FAILED: {}", error.what()));
    throw;
  }
  say("demo: OK");
  return ExitCode::ok;
}

// True when all has arrived, false when a person ended it.
bool Demo::stream() {
  server_.attach(waiter_.poller());
  client_.attach(waiter_.poller());
  while (!client_.done() || server_.busy()) {
    tymist_.tyme(clock_.elapsed());
    if (interrupts_.asked()) return false;
    server_.service();
    client_.service();
    checkProgress();
    wait();
  }
  return true;
}

void Demo::checkProgress() {
  const std::uint64_t now = server_.have() + client_.acknowledged() + (cuts_ - server_.cutsLeft());
  if (now != seen_) {
    seen_ = now;
    seenAt_ = tymist_.tyme();
  } else if (tymist_.tyme() - seenAt_ > Patience) {
    throw std::runtime_error(fmt::format("nothing moves any more; the server has {} of {}",
                                         server_.have(), bytesText(source_->size())));
  }
}

void Demo::wait() {
  waiter_.clear();
  waiter_.add(interrupts_.fd(), true, false);
  Tyme most = std::chrono::milliseconds(100);
  for (const auto& deadline : {server_.deadline(), client_.deadline()}) {
    if (deadline) most = std::min(most, *deadline - tymist_.tyme());
  }
  waiter_.wait(most);
}

void Demo::reportConnections() {
  say("");
  say("What each connection brought, by the far side's count and SHA-256:");
  SourceDigests digests(*source_);
  std::uint64_t at = 0;
  std::uint64_t epoch = 0;
  for (const DemoServer::Taken& taken : server_.connections()) {
    ++epoch;
    verify(taken.from == at,
           fmt::format("epoch {} begins at {} instead of {}", epoch, taken.from, at));
    const bool same = digests.next(taken.count) == taken.sha256;
    say(fmt::format("epoch {:<3} {:>12} bytes from {:<12} {} {}", epoch, taken.count, taken.from,
                    taken.sha256, same ? "as sent" : "NOT AS SENT"));
    verify(same, fmt::format("epoch {} brought other bytes than the source has", epoch));
    at += taken.count;
  }
  verify(epoch == client_.connections().size(), "the two sides count other connections");
  verify(at == source_->size(), fmt::format("{} arrived of {}", at, bytesText(source_->size())));
  const std::string whole = digests.whole();
  say("");
  say("SHA-256      " + server_.sha256() + " far side");
  say("             " + whole + " source");
  verify(whole == server_.sha256(), "the far side has another stream than the source");
}

void Demo::reportSums() const {
  std::uint64_t handedOver = 0;
  std::uint64_t resent = 0;
  std::uint64_t doubted = 0;
  std::uint64_t doubts = 0;
  std::string inDoubt;
  const DemoClient::Sent* before = nullptr;
  for (const DemoClient::Sent& sent : client_.connections()) {
    handedOver += sent.handedOver - sent.from;
    if (before != nullptr) resent += before->handedOver - sent.from;
    before = &sent;
    if (!sent.cut) continue;
    doubted += sent.handedOver - sent.acknowledged;
    // A thousand cuts would make this a long line.
    if (++doubts <= 10) inDoubt += fmt::format(" {}", sent.handedOver - sent.acknowledged);
  }
  if (doubts > 10) inDoubt += " ...";
  say(fmt::format("total        {}", bytesText(source_->size())));
  say(fmt::format("acknowledged {}", bytesText(client_.acknowledged())));
  say(fmt::format("in doubt     {} at {} cuts{}{}", bytesText(doubted), doubts,
                  doubts > 0 ? ":" : "", inDoubt));
  say(fmt::format("resent       {}; the other {} in doubt had arrived", bytesText(resent),
                  doubted - resent));
  say(fmt::format("handed over  {} = total + resent", bytesText(handedOver)));
  verify(client_.acknowledged() == source_->size(), "not all was acknowledged");
  verify(handedOver == source_->size() + resent, "the bytes handed over do not add up");
}

void Demo::verify(bool well, const std::string& what) const {
  if (!well) throw std::runtime_error(what);
}

}  // namespace

ExitCode runDemo(const DemoOptions& options) { return Demo(options).run(); }

}  // namespace hio::tool
