#include "swarm/tap.hpp"

#include <utility>

namespace hio::swarm {

using net::IoResult;

class Notes::TapStream final : public net::Stream {
 public:
  TapStream(Notes& notes, std::unique_ptr<net::Stream> below, bool isConnected)
      : notes_(notes), below_(std::move(below)) {
    ++notes_.open_;
    wire_->begun = notes_.tymth_();
    if (isConnected) connected();
  }
  ~TapStream() override {
    --notes_.open_;
    wire_->open = false;
  }

  IoResult connect() override {
    const IoResult result = below_->connect();
    if (result.isDone() && !wire_->connected) connected();
    return result;
  }
  IoResult receive(std::span<std::byte> room) override {
    const IoResult result = below_->receive(room);
    wire_->unsent = below_->pending().unsent;
    if (wire_->error && result.count() == 0) wire_->askedSinceError = true;
    note(result);
    if (result.isEnded()) wire_->ended = true;
    if (result.count() > 0) {
      const auto bytes = help::textOf(room.first(result.count()));
      wire_->received += bytes;
      notes_.moves_.push_back({false, !wire_->connected, wire_.get(), std::string(bytes)});
    }
    return result;
  }
  IoResult send(std::span<const std::byte> bytes) override {
    if (wire_->shut && !bytes.empty()) wire_->sentAfterShut = true;
    const IoResult result = below_->send(bytes);
    wire_->unsent = below_->pending().unsent;
    note(result);
    if (result.count() > 0) {
      const auto taken = help::textOf(bytes.first(result.count()));
      wire_->sent += taken;
      notes_.moves_.push_back({true, !wire_->connected, wire_.get(), std::string(taken)});
    }
    return result;
  }
  IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    return pieces.empty() ? IoResult::done() : send(pieces.front());
  }
  IoResult shutdown(net::Direction direction) override {
    if (direction != net::Direction::receive) wire_->shut = true;
    const IoResult result = below_->shutdown(direction);
    wire_->unsent = below_->pending().unsent;
    return result;
  }
  net::Endpoint local() const override { return below_->local(); }
  net::Endpoint peer() const override { return below_->peer(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return -1; }
  net::Pending pending() const noexcept override { return below_->pending(); }
  bool sendable() const noexcept override { return below_->sendable(); }
  bool attach(net::Poller* poller, base::Waker waker) override {
    return below_->attach(poller, std::move(waker));
  }
  std::string why() const override { return below_->why(); }

 private:
  void connected() {
    wire_->connected = true;
    wire_->connectedAt = notes_.tymth_();
    wire_->near = below_->local();
    wire_->far = below_->peer();
    wire_->tls = net::tlsInfoOf(below_.get());
    notes_.wires_.push_back(wire_);
  }
  void note(const IoResult& result) {
    if (result.isError() && !wire_->error) wire_->error = result.code();
  }

  Notes& notes_;
  std::unique_ptr<net::Stream> below_;
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
};

std::unique_ptr<net::Stream> Notes::tapped(std::unique_ptr<net::Stream> stream, bool connected) {
  return std::make_unique<TapStream>(*this, std::move(stream), connected);
}

class Tap::TapListener final : public net::Listener {
 public:
  TapListener(Notes& notes, std::unique_ptr<net::Listener> below)
      : notes_(notes), below_(std::move(below)) {}

  Accepted accept() override {
    Accepted accepted = below_->accept();
    if (accepted.stream) accepted.stream = notes_.tapped(std::move(accepted.stream), true);
    return accepted;
  }
  net::Endpoint local() const override { return below_->local(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return -1; }
  bool attach(net::Poller* poller, base::Waker waker) override {
    return below_->attach(poller, std::move(waker));
  }

 private:
  Notes& notes_;
  std::unique_ptr<net::Listener> below_;
};

net::Opened<net::Stream> Tap::open(const net::Endpoint& peer, const net::StreamOptions& options) {
  auto made = below_.open(peer, options);
  if (made.it) made.it = notes_.tapped(std::move(made.it), false);
  return made;
}

net::Opened<net::Listener> Tap::listen(const net::Endpoint& local,
                                       const net::ListenOptions& options) {
  auto made = below_.listen(local, options);
  if (made.it) made.it = std::make_unique<TapListener>(notes_, std::move(made.it));
  return made;
}

}  // namespace hio::swarm
