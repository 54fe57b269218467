#include "support/pipe.hpp"

#include <algorithm>

#include "hio/help/bytearray.hpp"

namespace hio::test {
namespace {

class PipeEnd final : public net::Stream {
 public:
  PipeEnd(std::shared_ptr<Pipe> pipe, Flow& out, Flow& in, net::Endpoint local, net::Endpoint peer)
      : pipe_(std::move(pipe)), out_(out), in_(in), local_(local), peer_(peer) {}
  ~PipeEnd() override { out_.fin = true; }

  net::IoResult connect() override { return net::IoResult::done(); }

  net::IoResult receive(std::span<std::byte> room) override {
    if (shutReceive_) return net::IoResult::ended();
    const std::size_t count = std::min({room.size(), in_.bytes.size(), in_.piece()});
    if (count > 0) {
      std::copy_n(in_.bytes.begin(), count, reinterpret_cast<char*>(room.data()));
      in_.bytes.erase(0, count);
      ++in_.calls;
      return net::IoResult::done(count);
    }
    if (room.empty()) return net::IoResult::done();
    if (in_.reset) return net::IoResult::lost(in_.reset);
    return in_.fin && in_.bytes.empty() ? net::IoResult::ended()
                                        : net::IoResult::blocked(net::IoResult::On::read);
  }

  net::IoResult send(std::span<const std::byte> bytes) override {
    if (out_.reset) return net::IoResult::lost(out_.reset);
    if (out_.fin) return net::IoResult::lost(std::make_error_code(std::errc::broken_pipe));
    if (bytes.empty()) return net::IoResult::done();
    const std::size_t room = out_.capacity - std::min(out_.capacity, out_.bytes.size());
    const std::size_t count = std::min({bytes.size(), room, out_.piece()});
    if (count == 0) return net::IoResult::blocked(net::IoResult::On::write);
    std::string piece(help::textOf(bytes.first(count)));
    if (out_.tamper) out_.tamper(piece, out_.passed);
    out_.bytes += piece;
    out_.passed += count;
    ++out_.calls;
    return net::IoResult::done(count);
  }

  net::IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    std::size_t count = 0;
    for (const auto& piece : pieces) {
      const net::IoResult result = send(piece);
      count += result.count();
      if (result.count() < piece.size()) return count > 0 ? net::IoResult::done(count) : result;
    }
    return net::IoResult::done(count);
  }

  net::IoResult shutdown(net::Direction direction) override {
    if (direction != net::Direction::receive) out_.fin = true;
    if (direction != net::Direction::send) shutReceive_ = true;
    return net::IoResult::done();
  }

  net::Endpoint local() const override { return local_; }
  net::Endpoint peer() const override { return peer_; }
  net::BufferSizes bufferSizes() const override { return {}; }
  int fd() const override { return -1; }

 private:
  std::shared_ptr<Pipe> pipe_;
  Flow& out_;
  Flow& in_;
  net::Endpoint local_;
  net::Endpoint peer_;
  bool shutReceive_ = false;
};

}  // namespace

Pipe::Ends Pipe::ends(const std::shared_ptr<Pipe>& pipe, const net::Endpoint& near,
                      const net::Endpoint& far) {
  return {.near = std::make_unique<PipeEnd>(pipe, pipe->forth, pipe->back, near, far),
          .far = std::make_unique<PipeEnd>(pipe, pipe->back, pipe->forth, far, near)};
}

}  // namespace hio::test
