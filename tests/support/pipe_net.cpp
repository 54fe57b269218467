#include "support/pipe_net.hpp"

#include <utility>

namespace hio::test {
namespace {

constexpr net::Ip Here{.octets = {127, 0, 0, 1}};

class PipeListener final : public net::Listener {
 public:
  PipeListener(net::Endpoint local,
               std::shared_ptr<std::deque<std::unique_ptr<net::Stream>>> waiting)
      : local_(local), waiting_(std::move(waiting)) {}

  Accepted accept() override {
    if (waiting_->empty()) return {net::IoResult::blocked(net::IoResult::On::read)};
    auto stream = std::move(waiting_->front());
    waiting_->pop_front();
    return {net::IoResult::done(), std::move(stream)};
  }
  net::Endpoint local() const override { return local_; }
  net::BufferSizes bufferSizes() const override { return {}; }
  int fd() const override { return -1; }

 private:
  net::Endpoint local_;
  std::shared_ptr<std::deque<std::unique_ptr<net::Stream>>> waiting_;
};

struct HereLookup final : net::Lookup {
  net::IoResult poll(std::vector<net::Ip>& found) override {
    found.push_back(Here);
    return net::IoResult::done(1);
  }
};

}  // namespace

std::unique_ptr<net::Lookup> PipeNet::HereResolver::lookup(std::string) {
  return std::make_unique<HereLookup>();
}

std::unique_ptr<net::Stream> PipeNet::takeFarEnd() {
  auto stream = std::move(waiting_->front());
  waiting_->pop_front();
  return stream;
}

net::Made<net::Stream> PipeNet::open(const net::Endpoint& peer, const net::StreamOptions&) {
  pipes_.push_back(std::make_shared<Pipe>());
  const auto port = static_cast<std::uint16_t>(40000 + pipes_.size());
  Pipe::Ends ends = Pipe::ends(pipes_.back(), {.ip = Here, .port = port},
                               {.ip = peer.ip.isAny() ? Here : peer.ip, .port = peer.port});
  waiting_->push_back(std::move(ends.far));
  return {.it = std::move(ends.near)};
}

net::Made<net::Listener> PipeNet::listen(const net::Endpoint& local, const net::ListenOptions&) {
  return {.it = std::make_unique<PipeListener>(local, waiting_)};
}

}  // namespace hio::test
