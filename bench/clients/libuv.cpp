// libuv; no TLS, as libuv has none.
#include <uv.h>

#include <vector>

#include "channel.hpp"
#include "contender.hpp"

namespace bench {
namespace {

void check(long status, const char* what) {
  if (status < 0) die(std::string(what) + ": " + uv_strerror(static_cast<int>(status)));
}

class UvWire final : public Wire {
 public:
  UvWire(uv_loop_t& loop, Session& session) : session_(session) {
    check(uv_tcp_init(&loop, &tcp_), "init");
    tcp_.data = connect_.data = write_.data = this;
  }

  void connect(const Target& target) {
    sockaddr_in address{};
    check(uv_ip4_addr(target.host.c_str(), target.port, &address), "address");
    check(uv_tcp_connect(&connect_, &tcp_, reinterpret_cast<const sockaddr*>(&address), connected),
          "connect");
  }
  void send(std::string_view bytes) override {
    // Only read; uv_buf_t has no const.
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    check(uv_write(&write_, stream(), &buffer, 1, written), "send");
  }
  void close() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&tcp_),
             [](uv_handle_t* handle) { delete static_cast<UvWire*>(handle->data); });
  }

 private:
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp_); }

  static void connected(uv_connect_t* request, int status) {
    check(status, "connect");
    auto& wire = *static_cast<UvWire*>(request->data);
    check(uv_tcp_nodelay(&wire.tcp_, 1), "nodelay");
    check(uv_read_start(wire.stream(), room, received), "read");
    wire.session_.opened(wire);
  }
  static void room(uv_handle_t* /*handle*/, std::size_t /*suggested*/, uv_buf_t* buffer) {
    *buffer = uv_buf_init(readRoom().data(), static_cast<unsigned>(readRoom().size()));
  }
  static void received(uv_stream_t* stream, ssize_t count, const uv_buf_t* /*buffer*/) {
    check(count, "receive");
    auto& wire = *static_cast<UvWire*>(stream->data);
    if (count > 0) wire.session_.received(wire, static_cast<std::size_t>(count));
  }
  static void written(uv_write_t* request, int status) {
    if (status == UV_ECANCELED) return;  // closed
    check(status, "send");
    auto& wire = *static_cast<UvWire*>(request->data);
    wire.session_.sent(wire);
  }

  Session& session_;
  uv_tcp_t tcp_{};
  uv_connect_t connect_{};
  uv_write_t write_{};
};

class Uv final : public Contender {
 public:
  Uv() { check(uv_loop_init(&loop_), "init"); }

  void connect(Session& session, const Target& target) override {
    // Deletes itself when it is closed.
    std::make_unique<UvWire>(loop_, session).release()->connect(target);
  }
  void run() override { uv_run(&loop_, UV_RUN_DEFAULT); }
  void stop() override { uv_stop(&loop_); }

 private:
  uv_loop_t loop_{};
};

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  if (options.number("tls", 0) != 0) die("libuv has no TLS");
  return std::make_unique<Uv>();
}

}  // namespace bench
