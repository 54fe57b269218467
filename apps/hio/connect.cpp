// hio connect: standard input to the far side, the far side to standard output.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "failing.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "progress.hpp"
#include "terminal.hpp"
#include "text.hpp"
#include "wire_file.hpp"

namespace hio::tool {
namespace {

using base::Tyme;
using core::tcp::ClientOptions;
using core::tcp::Failure;
using core::tcp::Phase;

constexpr std::size_t Piece = 256U << 10U;  // of one read of the input
constexpr std::size_t Enough = 1U << 20U;   // waiting to be sent: no more input is read
constexpr Tyme Glance = std::chrono::milliseconds(100);  // the longest wait while connecting

// How it ended, and what to say about it; nothing when all went well.
struct Ending {
  ExitCode code = ExitCode::ok;
  std::string reason{};
};

class Talk {
 public:
  explicit Talk(const ConnectOptions& options)
      : options_(options),
        input_(options.file.empty() ? Input() : Input(options.file)),
        wireFile_(options.wirelog.empty() ? nullptr : std::make_unique<WireFile>(options.wirelog)),
        progress_(input_.size()),
        client_(makeClient(clientOptions(), options.tls)) {}

  ExitCode run();

 private:
  ClientOptions clientOptions() const;
  void pump();
  void readInput();
  void writeOutput();
  void endSending();
  void observeEpoch();
  void observeEnd();
  void observe();
  void observePhase();
  void observeFailure();
  void observeCutoff();
  void wait();
  ExitCode finish(const Ending& ending);
  ExitCode interrupted();
  void note(const std::string& text);
  Ending endingFor(const Failure& failure) const;
  bool inputSent() const { return inputEnded_ && client_->txbs().empty(); }
  std::uint64_t sent() const { return sentBefore_ + client_->traffic().sent; }
  std::uint64_t received() const { return receivedBefore_ + client_->traffic().received; }

  ConnectOptions options_;
  Interrupts interrupts_;
  Input input_;
  Output output_;
  Waiter waiter_;
  std::unique_ptr<WireFile> wireFile_;
  Progress progress_;
  help::MonoTimer clock_;
  base::Tymist tymist_;
  std::unique_ptr<core::tcp::Client> client_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(Piece);

  std::optional<Ending> over_;  // the connection is done with; what it brought is still written
  std::optional<Ending> cut_;   // how the last connection ended, until the next one stands
  bool inputEnded_ = false;
  bool sentEnd_ = false;  // told the far side so, on this connection
  bool sawEnd_ = false;
  std::uint64_t epoch_ = 0;
  std::uint64_t sentBefore_ = 0;  // on earlier connections
  std::uint64_t receivedBefore_ = 0;
  Phase phase_ = Phase::closed;
  std::string noted_;  // the last failure that was told
  std::uint64_t notedEpoch_ = 0;
};

// Without --reconnect there is one attempt: as a reconnectable client's, the library bounds its
// time. The program then ends with the connection, before service() would begin another one. With
// it, the far side's end is a reason to connect anew as long as there is input, so nothing is half
// open.
ClientOptions Talk::clientOptions() const {
  return {.timeout = options_.timeout,
          .host = options_.host,
          .port = options_.port,
          .reconnectable = true,
          .wl = wireFile_ ? wireFile_->log() : nullptr,
          .tymth = tymist_.tymen(),
          .retry = {.attempts = options_.reconnect ? 0U : 1U},
          .halfOpen = !options_.reconnect,
          .limits = {.rxHigh = 1U << 20U, .txLimit = Enough + Piece, .rxBudget = 1U << 20U},
          .keepAlive = true};
}

ExitCode Talk::run() {
  client_->attach(&waiter_.poller());
  client_->open();
  observe();
  while (true) {
    tymist_.tyme(clock_.elapsed());
    if (interrupts_.asked()) return interrupted();
    readInput();
    pump();
    writeOutput();
    if (over_ && client_->rxbs().empty()) return finish(*over_);
    wait();
  }
}

void Talk::pump() {
  if (over_) return;
  client_->service();
  observeEpoch();
  observeEnd();
  endSending();
  observe();
  if (wireFile_) wireFile_->save();
  progress_.update(sent(), tymist_.tyme());
}

void Talk::readInput() {
  if (inputEnded_ || over_ || !waiter_.ready(input_.fd())) return;
  const Input::Got got = input_.read(piece_);
  if (got.error) {
    throw Problem(ExitCode::unexpected, "reading the input: " + got.error.message());
  }
  inputEnded_ = got.ended;
  // Always taken: the limit is what may wait when input is read, and one piece.
  (void)client_->tx(std::span(piece_).first(got.count));
}

void Talk::writeOutput() {
  auto& rxbs = client_->rxbs();
  if (rxbs.empty()) return;
  progress_.wipe();
  const Output::Put put = output_.write(rxbs.view());
  rxbs.consume(put.count);
  client_->wake();  // there may be room again
  if (put.error) {
    throw Problem(ExitCode::unexpected, "writing the output: " + put.error.message());
  }
  if (!put.gone) return;
  note("the reader of the output has gone");
  rxbs.clear();
  over_ = Ending{};
}

void Talk::endSending() {
  if (!client_->connected() || sentEnd_) return;
  // A person does not want to type an end for a far side that has ended already.
  const bool left = client_->ended() && input_.isTerminal() && client_->txbs().empty();
  if (!inputSent() && !left) return;
  // TLS still has some of it: after the far side's end, the shutdown would be the end of that too.
  if (!client_->txbs().empty() || client_->unsent()) return;
  sentEnd_ = true;
  client_->shutdownSend();
  note(left ? "ended the sending too" : "the input is at its end: ended the sending");
}

void Talk::observeEnd() {
  if (!client_->ended() || sawEnd_) return;
  sawEnd_ = true;
  note("the far side has ended its sending");
}

void Talk::observeEpoch() {
  if (client_->epoch() == epoch_) return;
  epoch_ = client_->epoch();
  note(fmt::format("connected to {} from {} (epoch {})", client_->ha().text(), client_->ca().text(),
                   epoch_));
  if (options_.tls.on)
    note(settledText(tlsInfoOf(*client_)) +
         (options_.tls.insecure ? ", NOT CHECKED" : ", checked"));
  // Zeros before the first connection.
  sentBefore_ += client_->previousTraffic().sent;
  receivedBefore_ += client_->previousTraffic().received;
  cut_.reset();
  sentEnd_ = sawEnd_ = false;
}

void Talk::observe() {
  observeFailure();
  observePhase();
  observeCutoff();
}

void Talk::observePhase() {
  if (client_->phase() == phase_) return;
  phase_ = client_->phase();
  const std::string at = core::Address(client_->hostname(), client_->port()).text();
  switch (phase_) {
    case Phase::resolving:
      return note("looking up " + client_->hostname());
    case Phase::connecting:
      return note("connecting to " + at);
    case Phase::waiting:
      return note(fmt::format("trying again in {:.2f} s",
                              std::chrono::duration<double>(
                                  client_->deadline().value_or(tymist_.tyme()) - tymist_.tyme())
                                  .count()));
    default:
      return;
  }
}

void Talk::observeFailure() {
  const auto& failure = client_->failure();
  if (!failure) return;
  std::string text = reasonOf(*failure);
  if (text == noted_ && epoch_ == notedEpoch_) return;
  note(text);
  noted_ = std::move(text);
  notedEpoch_ = epoch_;
}

void Talk::observeCutoff() {
  const auto& failure = client_->failure();
  if (client_->cutoff() && !cut_) {
    cut_ = failure ? endingFor(*failure) : Ending{};
    note(fmt::format("cut off: sent {} and received {} in epoch {}",
                     bytesText(client_->traffic().sent), bytesText(client_->traffic().received),
                     epoch_));
  }
  if (client_->phase() == Phase::stopped && failure) {
    over_ = endingFor(*failure);
  } else if (cut_ && (!options_.reconnect || inputSent())) {
    over_ = cut_;
  }
}

Ending Talk::endingFor(const Failure& failure) const {
  const ExitCode code = client_->ended() ? ExitCode::closedEarly : codeFor(failure);
  if (code != ExitCode::closedEarly) return {code, reasonOf(failure)};
  return {code, fmt::format("{} closed before all input was sent; {} had been handed over",
                            failure.address().text(), bytesText(sent()))};
}

void Talk::wait() {
  waiter_.clear();
  waiter_.add(interrupts_.fd(), true, false);
  waiter_.add(output_.fd(), false, !client_->rxbs().empty());
  std::optional<Tyme> most;
  if (!over_) {
    waiter_.add(input_.fd(), !inputEnded_ && client_->txbs().size() < Enough, false);
    if (const auto deadline = client_->deadline()) most = *deadline - tymist_.tyme();
    const auto atMost = [&most](Tyme longest) { most = std::min(most.value_or(longest), longest); };
    if (!client_->notifies()) atMost(Glance);
    if (progress_.shown()) atMost(Progress::Pause);
  }
  waiter_.wait(most);
}

ExitCode Talk::finish(const Ending& ending) {
  client_->close();
  progress_.finish(sent(), clock_.elapsed());
  note(fmt::format("sent {}, received {}", bytesText(sent()), bytesText(received())));
  const bool told = options_.verbose && ending.reason == noted_;
  if (!ending.reason.empty() && !told) complain("hio: " + ending.reason);
  return ending.code;
}

ExitCode Talk::interrupted() {
  note("interrupted");
  return finish({ExitCode::interrupted, {}});
}

void Talk::note(const std::string& text) {
  if (!options_.verbose) return;
  progress_.wipe();
  complain("hio: " + text);
}

}  // namespace

ExitCode runConnect(const ConnectOptions& options) { return Talk(options).run(); }

}  // namespace hio::tool
