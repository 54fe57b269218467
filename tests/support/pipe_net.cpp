#include "support/pipe_net.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace hio::test {
namespace {

constexpr net::Ip Here{.octets = {127, 0, 0, 1}};

class Home final : public net::Lookup {
 public:
  net::IoResult poll(std::vector<net::Ip>& found) override {
    found.push_back(Here);
    return net::IoResult::done(1);
  }
};

class PipeListener final : public net::Listener {
 public:
  PipeListener(PipeNet& net, const net::Endpoint& local) : net_(net), local_(local) {}

  Accepted accept() override {
    auto stream = net_.takeFarEnd();
    if (!stream) return {net::IoResult::blocked(net::IoResult::On::read)};
    return {net::IoResult::done(), std::move(stream)};
  }
  net::Endpoint local() const override { return local_; }
  net::BufferSizes bufferSizes() const override { return {}; }
  int fd() const override { return -1; }

 private:
  PipeNet& net_;
  net::Endpoint local_;
};

}  // namespace

std::unique_ptr<net::Stream> PipeNet::takeFarEnd() {
  const auto line = std::find_if(lines.begin(), lines.end(),
                                 [](const Line& each) { return each.far != nullptr; });
  return line != lines.end() ? std::move(line->far) : nullptr;
}

net::Opened<net::Stream> PipeNet::open(const net::Endpoint& peer,
                                       const net::StreamOptions& /*options*/) {
  auto pipe = std::make_shared<Pipe>();
  pipe->near = {.ip = Here, .port = static_cast<std::uint16_t>(40001 + lines.size())};
  pipe->far = {.ip = peer.ip.isAny() ? Here : peer.ip, .port = peer.port};
  cut(*pipe, pieces, lines.size());
  Pipe::Ends ends = Pipe::ends(pipe);
  lines.push_back({std::move(pipe), std::move(ends.far)});
  return {std::move(ends.near), {}};
}

net::Opened<net::Listener> PipeNet::listen(const net::Endpoint& local,
                                           const net::ListenOptions& /*options*/) {
  return {std::make_unique<PipeListener>(*this, local), {}};
}

std::unique_ptr<net::Lookup> PipeNet::Everywhere::lookup(std::string /*name*/) {
  return std::make_unique<Home>();
}

}  // namespace hio::test
