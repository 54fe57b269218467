#include "fuzz/chance_net.hpp"

#include <utility>

namespace hio::fuzz {

using net::IoResult;
using On = net::IoResult::On;

namespace {

constexpr net::Ip Here{.octets = {127, 0, 0, 1}};

}  // namespace

std::error_code ChanceNet::drawError() {
  static constexpr std::array Errors{
      std::errc::connection_reset,      std::errc::broken_pipe,
      std::errc::connection_refused,    std::errc::timed_out,
      std::errc::host_unreachable,      std::errc::network_unreachable,
      std::errc::network_down,          std::errc::connection_aborted,
      std::errc::not_connected,         std::errc::too_many_files_open,
      std::errc::no_buffer_space,       std::errc::not_enough_memory,
      std::errc::permission_denied,     std::errc::operation_not_permitted,
      std::errc::address_not_available, std::errc::address_in_use,
      std::errc::bad_file_descriptor,   std::errc::io_error,
      std::errc::invalid_argument,      std::errc::protocol_error,
  };
  return {static_cast<int>(input_.pick(Errors)), std::system_category()};
}

class ChanceNet::ChanceStream final : public net::Stream {
 public:
  ChanceStream(ChanceNet& net, std::shared_ptr<Opened> state, std::uint16_t port)
      : net_(net), state_(std::move(state)), port_(port) {
    state_->open = true;
  }
  ~ChanceStream() override { state_->open = false; }

  IoResult connect() override {
    if (state_->connected) return IoResult::done();
    if (state_->error) return kept();
    const std::uint8_t drawn = net_.input_.byte();
    if (drawn >= 192) return fail();
    if (drawn >= 128) return IoResult::blocked(On::write);
    state_->connected = true;
    return IoResult::done();
  }
  IoResult receive(std::span<std::byte> room) override {
    if (room.empty()) return IoResult::done();
    if (state_->error) return kept();
    if (ended_) return IoResult::ended();
    const std::uint8_t drawn = net_.input_.byte();
    if (drawn < 64) return IoResult::blocked(On::read);
    if (drawn >= 240) return fail();
    if (drawn >= 230) {
      ended_ = true;
      return IoResult::ended();
    }
    const std::size_t count = drawn >= 128 ? room.size() : 1 + net_.input_.below(room.size());
    for (std::byte& each : room.first(count)) {
      each = static_cast<std::byte>(received_++ * 0x9e3779b97f4a7c15U >> 56U);
    }
    return IoResult::done(count);
  }
  IoResult send(std::span<const std::byte> bytes) override {
    if (bytes.empty()) return IoResult::done();
    if (state_->error) return kept();
    if (shutSend_) return keep({static_cast<int>(std::errc::broken_pipe), std::system_category()});
    const std::uint8_t drawn = net_.input_.byte();
    if (drawn >= 240) return fail();
    if (drawn >= 192) return IoResult::blocked(On::write);
    return IoResult::done(drawn >= 128 ? 1 + net_.input_.below(bytes.size()) : bytes.size());
  }
  IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    return pieces.empty() ? IoResult::done() : send(pieces.front());
  }
  IoResult shutdown(net::Direction direction) override {
    if (direction != net::Direction::receive) shutSend_ = true;
    if (direction != net::Direction::send) ended_ = true;
    return IoResult::done();
  }
  net::Endpoint local() const override {
    return state_->connected ? net::Endpoint{.ip = Here, .port = port_} : net::Endpoint{};
  }
  net::Endpoint peer() const override {
    return state_->connected ? state_->target : net::Endpoint{};
  }
  net::BufferSizes bufferSizes() const override { return {.send = 16'384, .receive = 131'072}; }
  int fd() const override { return -1; }

 private:
  IoResult fail() { return keep(net_.drawError()); }
  IoResult keep(std::error_code code) {
    state_->error = code;
    return kept();
  }
  IoResult kept() const { return IoResult::of(state_->error, On::read); }

  ChanceNet& net_;
  std::shared_ptr<Opened> state_;
  std::uint16_t port_;
  std::uint64_t received_ = 0;
  bool ended_ = false;
  bool shutSend_ = false;
};

class ChanceNet::ChanceListener final : public net::Listener {
 public:
  ChanceListener(ChanceNet& net, net::Endpoint local) : net_(net), local_(local) {}

  Accepted accept() override {
    const std::uint8_t drawn = net_.input_.byte();
    if (drawn < 160) return {IoResult::blocked(On::read)};
    if (drawn >= 250) return {IoResult::failed(net_.drawError())};
    auto state = net_.opened_.emplace_back(std::make_shared<Opened>());
    state->connected = true;
    state->target = {.ip = Here, .port = net_.port_++};
    return {IoResult::done(), std::make_unique<ChanceStream>(net_, state, local_.port)};
  }
  net::Endpoint local() const override { return local_; }
  net::BufferSizes bufferSizes() const override { return {}; }
  int fd() const override { return -1; }

 private:
  ChanceNet& net_;
  net::Endpoint local_;
};

class ChanceNet::ChanceLookup final : public net::Lookup {
 public:
  ChanceLookup(ChanceNet& net, std::string name) : net_(net), answer_{.name = std::move(name)} {}

  IoResult poll(std::vector<net::Ip>& found) override {
    Input& input = net_.input_;
    const std::uint8_t drawn = input.byte();
    if (drawn >= 192) return IoResult::blocked(On::read);
    if (drawn >= 160) {
      answer_.code = static_cast<net::ResolveError>(1 + input.below(5));
    } else if (drawn >= 150) {
      answer_.code = net_.drawError();
    }
    if (!answer_.code) {
      // The same addresses come again, also within an answer.
      for (std::size_t left = 1 + input.below(net_.most_); left > 0; --left) {
        const std::uint8_t which = input.byte();
        net::Ip& ip = answer_.ips.emplace_back();
        ip.family = (which & 1U) != 0 ? net::Family::v6 : net::Family::v4;
        ip.octets[0] = 10;
        ip.octets[3] = which & 15U;
      }
    }
    answer_.openedBefore = net_.opened_.size();
    net_.answers_.push_back(answer_);
    if (answer_.code) return IoResult::failed(answer_.code);
    found.insert(found.end(), answer_.ips.begin(), answer_.ips.end());
    return IoResult::done(answer_.ips.size());
  }

 private:
  ChanceNet& net_;
  Answer answer_;
};

std::size_t ChanceNet::openNow() const {
  return static_cast<std::size_t>(
      std::count_if(opened_.begin(), opened_.end(), [](const auto& each) { return each->open; }));
}

net::Opened<net::Stream> ChanceNet::open(const net::Endpoint& peer,
                                         const net::StreamOptions& /*options*/) {
  auto state = opened_.emplace_back(std::make_shared<Opened>());
  state->target = peer;
  if (input_.byte() >= 240) {
    state->error = drawError();
    return {nullptr, state->error};
  }
  return {std::make_unique<ChanceStream>(*this, state, port_++), {}};
}

net::Opened<net::Listener> ChanceNet::listen(const net::Endpoint& local,
                                             const net::ListenOptions& /*options*/) {
  if (input_.byte() >= 240) return {nullptr, drawError()};
  return {std::make_unique<ChanceListener>(*this, local), {}};
}

std::unique_ptr<net::Lookup> ChanceNet::ChanceResolver::lookup(std::string name) {
  return std::make_unique<ChanceLookup>(net_, std::move(name));
}

}  // namespace hio::fuzz
