#include "torture/watched_net.hpp"

#include <utility>

#include "support/allocations.hpp"

namespace hio::torture {
namespace {

using net::IoResult;
using test::SparedAllocations;
using Count = WatchedNet::Count;

// Asks below; no allocation fails there.
template <class Ask>
auto spared(Ask ask) {
  const SparedAllocations spared;
  return ask();
}

class WatchedStream final : public net::Stream {
 public:
  explicit WatchedStream(std::shared_ptr<Count> count) : count_(std::move(count)) {
    ++count_->open;
    ++count_->streams;
  }
  ~WatchedStream() override {
    --count_->open;
    --count_->streams;
    spared([this] { below_.reset(); });
  }

  void over(std::unique_ptr<net::Stream> below) noexcept { below_ = std::move(below); }
  void isAccepted() noexcept { connected_ = true; }

  IoResult connect() override {
    IoResult result = spared([this] { return below_->connect(); });
    if (result.isDone() && !std::exchange(connected_, true)) count_->failed = false;
    return result;
  }
  IoResult receive(std::span<std::byte> room) override {
    return told(spared([&] { return below_->receive(room); }));
  }
  IoResult send(std::span<const std::byte> bytes) override {
    return told(spared([&] { return below_->send(bytes); }));
  }
  IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    return told(spared([&] { return below_->send(pieces); }));
  }
  IoResult shutdown(net::Direction direction) override {
    return spared([&] { return below_->shutdown(direction); });
  }
  net::Endpoint local() const override { return below_->local(); }
  net::Endpoint peer() const override { return below_->peer(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return below_->fd(); }

 private:
  IoResult told(const IoResult& result) {
    if (result.isError()) count_->failed = true;
    return result;
  }

  std::shared_ptr<Count> count_;
  std::unique_ptr<net::Stream> below_;
  bool connected_ = false;
};

class WatchedListener final : public net::Listener {
 public:
  explicit WatchedListener(std::shared_ptr<Count> count) : count_(std::move(count)) {
    ++count_->open;
  }
  ~WatchedListener() override {
    --count_->open;
    spared([this] { below_.reset(); });
  }

  void over(std::unique_ptr<net::Listener> below) noexcept { below_ = std::move(below); }

  // As with the kernel's, a connection for whose stream there is no memory is lost.
  Accepted accept() override {
    Accepted accepted = spared([this] { return below_->accept(); });
    if (!accepted.stream) return accepted;
    struct Closed {
      std::unique_ptr<net::Stream>& stream;
      ~Closed() {
        spared([this] { stream.reset(); });
      }
    } const closed{accepted.stream};
    auto stream = std::make_unique<WatchedStream>(count_);
    stream->isAccepted();
    stream->over(std::move(accepted.stream));
    return {accepted.result, std::move(stream)};
  }
  net::Endpoint local() const override { return below_->local(); }
  net::BufferSizes bufferSizes() const override { return below_->bufferSizes(); }
  int fd() const override { return below_->fd(); }

 private:
  std::shared_ptr<Count> count_;
  std::unique_ptr<net::Listener> below_;
};

class WatchedLookup final : public net::Lookup {
 public:
  explicit WatchedLookup(std::shared_ptr<Count> count) : count_(std::move(count)) {
    ++count_->open;
  }
  ~WatchedLookup() override {
    --count_->open;
    spared([this] { below_.reset(); });
  }

  void over(std::unique_ptr<net::Lookup> below) noexcept { below_ = std::move(below); }

  IoResult poll(std::vector<net::Ip>& found) override {
    return spared([&] { return below_->poll(found); });
  }

 private:
  std::shared_ptr<Count> count_;
  std::unique_ptr<net::Lookup> below_;
};

}  // namespace

net::Opened<net::Stream> WatchedNet::open(const net::Endpoint& peer,
                                          const net::StreamOptions& options) {
  ++count_->opens;
  auto stream = std::make_unique<WatchedStream>(count_);
  auto made = spared([&] { return below_.open(peer, options); });
  if (!made.it) return {nullptr, made.code};
  stream->over(std::move(made.it));
  return {std::move(stream), {}};
}

net::Opened<net::Listener> WatchedNet::listen(const net::Endpoint& local,
                                              const net::ListenOptions& options) {
  auto listener = std::make_unique<WatchedListener>(count_);
  auto made = spared([&] { return below_.listen(local, options); });
  if (!made.it) return {nullptr, made.code};
  listener->over(std::move(made.it));
  return {std::move(listener), {}};
}

std::unique_ptr<net::Lookup> WatchedNet::WatchedResolver::lookup(std::string name) {
  auto lookup = std::make_unique<WatchedLookup>(net_.count_);
  lookup->over(spared([&] { return net_.below_.resolver().lookup(std::move(name)); }));
  return lookup;
}

}  // namespace hio::torture
