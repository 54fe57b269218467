// Standalone Asio with C++20 coroutines, one for each connection; without TLS.
#include <asio.hpp>
#include <vector>

#include "channel.hpp"
#include "contender.hpp"

namespace bench {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

class AsioWire final : public Wire {
 public:
  AsioWire(Session& session, asio::io_context& loop) : session_(session), socket_(loop) {}

  // Between two reads the connection's own coroutine sends, otherwise one made for it.
  void send(std::string_view bytes) override {
    rest_ = bytes;
    if (reading_) asio::co_spawn(socket_.get_executor(), flush(), rethrow);
  }
  void close() override { socket_.close(); }

  awaitable<void> talk(Target target) {
    co_await socket_.async_connect({asio::ip::make_address(target.host), target.port},
                                   use_awaitable);
    socket_.set_option(tcp::no_delay(true));
    session_.opened(*this);
    const std::span<char> room = readRoom();
    while (socket_.is_open()) {
      co_await flush();
      reading_ = true;
      const std::size_t count =
          co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), use_awaitable);
      reading_ = false;
      session_.received(*this, count);
    }
  }

 private:
  awaitable<void> flush() {
    while (!rest_.empty()) {
      const std::string_view bytes = std::exchange(rest_, {});
      co_await asio::async_write(socket_, asio::buffer(bytes), use_awaitable);
      session_.sent(*this);
    }
  }

  Session& session_;
  tcp::socket socket_;
  std::string_view rest_;
  bool reading_ = false;
};

class Asio final : public Contender {
 public:
  void connect(Session& session, const Target& target) override {
    asio::co_spawn(
        loop_,
        [&session, target, this]() -> awaitable<void> {
          AsioWire wire(session, loop_);
          co_await wire.talk(target);
        },
        rethrow);
  }
  void run() override { loop_.run(); }
  void stop() override { loop_.stop(); }

 private:
  asio::io_context loop_{1};
};

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  if (options.number("tls", 0) != 0) die("for TLS see the one with callbacks");
  return std::make_unique<Asio>();
}

}  // namespace bench
