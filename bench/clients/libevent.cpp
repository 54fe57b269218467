// libevent's bufferevents, with TLS those of its OpenSSL part.
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "contender.hpp"
#include "tls.hpp"

namespace bench {
namespace {

class EventWire final : public Wire {
 public:
  EventWire(event_base* base, SSL_CTX* context, Session& session) : session_(session) {
    if (context == nullptr) {
      buffers_ = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    } else {
      SSL* const ssl = SSL_new(context);
      prepareClient(ssl);
      buffers_ = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                BEV_OPT_CLOSE_ON_FREE);
    }
    bufferevent_setcb(buffers_, received, drained, happened, this);
  }

  void connect(const Target& target) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(target.port);
    inet_pton(AF_INET, target.host.c_str(), &address.sin_addr);
    if (bufferevent_socket_connect(buffers_, reinterpret_cast<const sockaddr*>(&address),
                                   sizeof address) != 0) {
      die("connect");
    }
  }
  void send(std::string_view bytes) override {
    // Large ones by reference, as one does with libevent; small ones are copied.
    constexpr std::size_t Large = 4096;
    evbuffer* const output = bufferevent_get_output(buffers_);
    const int result =
        bytes.size() < Large
            ? evbuffer_add(output, bytes.data(), bytes.size())
            : evbuffer_add_reference(output, bytes.data(), bytes.size(), nullptr, nullptr);
    if (result != 0) die("send");
  }
  void close() override {
    bufferevent_free(buffers_);
    delete this;
  }

 private:
  static void received(bufferevent* buffers, void* wire) {
    auto& self = *static_cast<EventWire*>(wire);
    evbuffer* const input = bufferevent_get_input(buffers);
    const std::size_t count = evbuffer_get_length(input);
    evbuffer_drain(input, count);
    self.session_.received(self, count);
  }
  static void drained(bufferevent* /*buffers*/, void* wire) {
    auto& self = *static_cast<EventWire*>(wire);
    if (self.open_) self.session_.sent(self);
  }
  static void happened(bufferevent* buffers, short what, void* wire) {
    auto& self = *static_cast<EventWire*>(wire);
    if ((what & BEV_EVENT_CONNECTED) == 0) die("connection lost");
    const int yes = 1;
    must(setsockopt(bufferevent_getfd(buffers), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes),
         "TCP_NODELAY");
    bufferevent_enable(buffers, EV_READ | EV_WRITE);
    self.open_ = true;
    self.session_.opened(self);
  }

  Session& session_;
  bufferevent* buffers_ = nullptr;
  bool open_ = false;
};

class Event final : public Contender {
 public:
  explicit Event(const Options& options) : context_(clientContext(options)) {
    if (base_ == nullptr) die("no event base");
  }

  void connect(Session& session, const Target& target) override {
    // Deletes itself when it is closed.
    std::make_unique<EventWire>(base_, context_, session).release()->connect(target);
  }
  void run() override { event_base_dispatch(base_); }
  void stop() override { event_base_loopbreak(base_); }

 private:
  event_base* const base_ = event_base_new();
  SSL_CTX* const context_;
};

}  // namespace

std::unique_ptr<Contender> makeContender(const Options& options) {
  return std::make_unique<Event>(options);
}

}  // namespace bench
