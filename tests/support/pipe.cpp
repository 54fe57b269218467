#include "support/pipe.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "hio/help/bytearray.hpp"

namespace hio::test {
namespace {

class PipeEnd final : public net::Stream {
 public:
  PipeEnd(std::shared_ptr<Pipe> pipe, bool isNear)
      : pipe_(std::move(pipe)),
        out_(isNear ? pipe_->forth : pipe_->back),
        in_(isNear ? pipe_->back : pipe_->forth),
        isNear_(isNear) {}
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
    if (out_.tamper) {
      std::string piece(help::textOf(bytes.first(count)));
      out_.tamper(piece, out_.passed);
      out_.bytes += piece;
    } else {
      out_.bytes += help::textOf(bytes.first(count));
    }
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

  net::Endpoint local() const override { return isNear_ ? pipe_->near : pipe_->far; }
  net::Endpoint peer() const override { return isNear_ ? pipe_->far : pipe_->near; }
  net::BufferSizes bufferSizes() const override { return {}; }
  int fd() const override { return -1; }

 private:
  std::shared_ptr<Pipe> pipe_;
  Flow& out_;
  Flow& in_;
  bool isNear_;
  bool shutReceive_ = false;
};

}  // namespace

Pipe::Ends Pipe::ends(const std::shared_ptr<Pipe>& pipe) {
  return {.near = std::make_unique<PipeEnd>(pipe, true),
          .far = std::make_unique<PipeEnd>(pipe, false)};
}

std::string_view nameOf(Pieces pieces) {
  constexpr std::array<std::string_view, 3> Names{"whole", "random", "single"};
  return Names.at(static_cast<std::size_t>(pieces));
}

void cut(Pipe& pipe, Pieces pieces, std::uint64_t seed) {
  if (pieces == Pieces::whole) return;
  for (Flow* const flow : {&pipe.forth, &pipe.back}) {
    if (pieces == Pieces::single) {
      flow->piece = [] { return std::size_t(1); };
      continue;
    }
    flow->piece = [random = std::mt19937_64(seed++)]() mutable {
      const std::size_t most = random() % 4 == 0 ? 3000 : 60;
      return 1 + random() % most;
    };
  }
}

}  // namespace hio::test
