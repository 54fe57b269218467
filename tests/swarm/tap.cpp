#include "swarm/tap.hpp"

#include <utility>

namespace hio::swarm {

using net::IoResult;

class Tap::TapStream final : public net::Stream {
 public:
  TapStream(Tap& tap, std::unique_ptr<net::Stream> below, bool accepted)
      : tap_(tap), below_(std::move(below)) {
    ++tap_.open_;
    if (accepted) connected();
  }
  ~TapStream() override {
    --tap_.open_;
    wire_->open = false;
  }

  IoResult connect() override {
    const IoResult result = below_->connect();
    if (result.isDone() && !wire_->connected) connected();
    return result;
  }
  IoResult receive(std::span<std::byte> room) override {
    const IoResult result = below_->receive(room);
    note(result);
    if (result.isEnded()) wire_->ended = true;
    if (result.count() > 0) {
      const auto bytes = help::textOf(room.first(result.count()));
      wire_->received += bytes;
      tap_.moves_.push_back({false, wire_.get(), std::string(bytes)});
    }
    return result;
  }
  IoResult send(std::span<const std::byte> bytes) override {
    const IoResult result = below_->send(bytes);
    note(result);
    if (result.count() > 0) {
      const auto taken = help::textOf(bytes.first(result.count()));
      wire_->sent += taken;
      tap_.moves_.push_back({true, wire_.get(), std::string(taken)});
    }
    return result;
  }
  IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    return pieces.empty() ? IoResult::done() : send(pieces.front());
  }
  IoResult shutdown(net::Direction direction) override { return below_->shutdown(direction); }
  net::Endpoint local() const override { return below_->local(); }
  net::Endpoint peer() const override { return below_->peer(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return -1; }

 private:
  void connected() {
    wire_->connected = true;
    wire_->near = below_->local();
    wire_->far = below_->peer();
    tap_.wires_.push_back(wire_);
  }
  void note(const IoResult& result) {
    if (result.isError() && !wire_->error) wire_->error = result.code();
  }

  Tap& tap_;
  std::unique_ptr<net::Stream> below_;
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
};

class Tap::TapListener final : public net::Listener {
 public:
  TapListener(Tap& tap, std::unique_ptr<net::Listener> below)
      : tap_(tap), below_(std::move(below)) {}

  Accepted accept() override {
    Accepted accepted = below_->accept();
    if (accepted.stream) {
      accepted.stream = std::make_unique<TapStream>(tap_, std::move(accepted.stream), true);
    }
    return accepted;
  }
  net::Endpoint local() const override { return below_->local(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return -1; }

 private:
  Tap& tap_;
  std::unique_ptr<net::Listener> below_;
};

net::Made<net::Stream> Tap::open(const net::Endpoint& peer, const net::StreamOptions& options) {
  auto made = below_.open(peer, options);
  if (made.it) made.it = std::make_unique<TapStream>(*this, std::move(made.it), false);
  return made;
}

net::Made<net::Listener> Tap::listen(const net::Endpoint& local,
                                     const net::ListenOptions& options) {
  auto made = below_.listen(local, options);
  if (made.it) made.it = std::make_unique<TapListener>(*this, std::move(made.it));
  return made;
}

}  // namespace hio::swarm
