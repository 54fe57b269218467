// Standalone Asio with callbacks.
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <optional>

#include "channel.hpp"
#include "contender.hpp"
#include "tls.hpp"

namespace bench {
namespace {

using asio::ip::tcp;

void check(const std::error_code& code, const char* what) {
  if (code) die(std::string(what) + ": " + code.message());
}

// Stream is a socket, or TLS over one. Kept alive by its handlers, as usual with Asio.
template <class Stream>
class AsioWire final : public Wire, public std::enable_shared_from_this<AsioWire<Stream>> {
 public:
  template <class... More>
  AsioWire(Session& session, More&&... more)
      : session_(session), stream_(std::forward<More>(more)...) {}

  void connect(const Target& target) {
    lowest().async_connect({asio::ip::make_address(target.host), target.port},
                           [self = this->shared_from_this()](const std::error_code& code) {
                             check(code, "connect");
                             self->lowest().set_option(tcp::no_delay(true));
                             self->shake();
                           });
  }
  void send(std::string_view bytes) override {
    asio::async_write(stream_, asio::buffer(bytes),
                      [self = this->shared_from_this()](const std::error_code& code, std::size_t) {
                        if (self->closed_) return;
                        check(code, "send");
                        self->session_.sent(*self);
                      });
  }
  void close() override {
    closed_ = true;
    lowest().close();
  }

 private:
  static constexpr bool Tls = !std::is_same_v<Stream, tcp::socket>;

  auto& lowest() { return stream_.lowest_layer(); }
  void shake() {
    if constexpr (Tls) {
      prepareClient(stream_.native_handle());
      stream_.async_handshake(asio::ssl::stream_base::client,
                              [self = this->shared_from_this()](const std::error_code& code) {
                                check(code, "shake hands");
                                self->begin();
                              });
    } else {
      begin();
    }
  }
  void begin() {
    receive();
    session_.opened(*this);
  }
  void receive() {
    const std::span<char> room = readRoom();
    stream_.async_read_some(
        asio::buffer(room.data(), room.size()),
        [self = this->shared_from_this()](const std::error_code& code, std::size_t count) {
          if (self->closed_) return;
          check(code, "receive");
          self->session_.received(*self, count);
          if (!self->closed_) self->receive();
        });
  }

  Session& session_;
  Stream stream_;
  bool closed_ = false;
};

class Asio final : public Contender {
 public:
  explicit Asio(const Options& options) {
    if (SSL_CTX* const context = clientContext(options)) context_.emplace(context);
  }

  void connect(Session& session, const Target& target) override {
    if (context_) {
      make<asio::ssl::stream<tcp::socket>>(session, target, loop_, *context_);
    } else {
      make<tcp::socket>(session, target, loop_);
    }
  }
  void run() override { loop_.run(); }
  void stop() override { loop_.stop(); }

 private:
  template <class Stream, class... More>
  void make(Session& session, const Target& target, More&... more) {
    std::make_shared<AsioWire<Stream>>(session, more...)->connect(target);
  }

  asio::io_context loop_{1};
  std::optional<asio::ssl::context> context_;
};

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  return std::make_unique<Asio>(options);
}

}  // namespace bench
