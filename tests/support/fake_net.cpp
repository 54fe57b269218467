#include "support/fake_net.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace hio::test {
namespace {

class FakeStream final : public net::Stream {
 public:
  FakeStream(std::shared_ptr<Wire> wire, bool connected)
      : wire_(std::move(wire)), connected_(connected) {
    wire_->shutdowns.reserve(16);  // closing must not fail for want of memory
    wire_->open = true;
  }
  ~FakeStream() override { wire_->open = false; }

  net::IoResult connect() override {
    ++wire_->connectCalls;
    const net::IoResult result = pop(wire_->connects, net::IoResult::done());
    if (result.isDone()) connected_ = true;
    return result;
  }

  net::IoResult receive(std::span<std::byte> room) override {
    ++wire_->receiveCalls;
    auto& script = wire_->receives;
    if (script.empty()) return blockedOnRead();
    if (auto* result = std::get_if<net::IoResult>(&script.front())) {
      const net::IoResult copy = *result;
      // An end or an error lasts, as the kernel's do.
      if (copy.isBlocked()) script.pop_front();
      return copy;
    }
    auto& text = std::get<std::string>(script.front());
    const std::size_t count = std::min(text.size(), room.size());
    std::memcpy(room.data(), text.data(), count);
    text.erase(0, count);
    if (text.empty()) script.pop_front();
    return net::IoResult::done(count);
  }

  net::IoResult send(std::span<const std::byte> bytes) override {
    ++wire_->sendCalls;
    const net::IoResult result = pop(wire_->sends, net::IoResult::done(bytes.size()));
    if (!result.isDone()) return result;
    const std::size_t count = std::min(result.count(), bytes.size());
    wire_->sent.append(reinterpret_cast<const char*>(bytes.data()), count);
    return net::IoResult::done(result.count());
  }

  net::IoResult send(std::span<const std::span<const std::byte>> pieces) override {
    return pieces.empty() ? net::IoResult::done() : send(pieces.front());
  }

  net::IoResult shutdown(net::Direction direction) override {
    wire_->shutdowns.push_back(direction);
    return net::IoResult::done();
  }

  net::Endpoint local() const override { return connected_ ? wire_->local : net::Endpoint{}; }
  net::Endpoint peer() const override { return connected_ ? wire_->target : net::Endpoint{}; }
  net::BufferSizes bufferSizes() const override { return wire_->buffers; }
  int fd() const override { return 1000; }

 private:
  static net::IoResult pop(std::deque<net::IoResult>& script, net::IoResult otherwise) {
    if (script.empty()) return otherwise;
    const net::IoResult result = script.front();
    script.pop_front();
    return result;
  }

  std::shared_ptr<Wire> wire_;
  bool connected_;
};

class FakeLookup final : public net::Lookup {
 public:
  explicit FakeLookup(FakeNet::Name name) : name_(std::move(name)) {}

  net::IoResult poll(std::vector<net::Ip>& found) override {
    if (name_.blockedPolls-- > 0) return blockedOnRead();
    if (name_.code) return net::IoResult::failed(name_.code);
    found.insert(found.end(), name_.ips.begin(), name_.ips.end());
    return net::IoResult::done(name_.ips.size());
  }

 private:
  FakeNet::Name name_;
};

class FakeListener final : public net::Listener {
 public:
  FakeListener(FakeNet& fake, net::Endpoint local) : fake_(fake), local_(local) {
    ++fake_.listenersOpen;
  }
  ~FakeListener() override { --fake_.listenersOpen; }

  Accepted accept() override {
    if (fake_.knocks.empty()) return {blockedOnRead()};
    FakeNet::Knock knock = std::move(fake_.knocks.front());
    fake_.knocks.pop_front();
    if (knock.code) return {net::IoResult::of(knock.code, net::IoResult::On::read)};
    knock.wire->target = knock.peer;
    knock.wire->local = local_;
    return {net::IoResult::done(), std::make_unique<FakeStream>(knock.wire, true)};
  }
  net::Endpoint local() const override { return local_; }
  net::BufferSizes bufferSizes() const override { return {.send = 1, .receive = 2}; }
  int fd() const override { return 999; }

 private:
  FakeNet& fake_;
  net::Endpoint local_;
};

}  // namespace

FakeNet::~FakeNet() {
  EXPECT_EQ(openNow(), 0) << "streams left open";
  EXPECT_EQ(listenersOpen, 0) << "listeners left open";
  EXPECT_TRUE(prepared_.empty()) << prepared_.size() << " scripted streams were never opened";
  EXPECT_TRUE(openErrors_.empty()) << openErrors_.size() << " scripted open() were never made";
}

Wire& FakeNet::next() { return *prepared_.emplace_back(std::make_shared<Wire>()); }

int FakeNet::openNow() const {
  return static_cast<int>(
      std::count_if(opened_.begin(), opened_.end(), [](const auto& wire) { return wire->open; }));
}

Wire& FakeNet::knock(std::uint16_t port) {
  Knock& knock = knocks.emplace_back();
  knock.peer = {.ip = {.octets = {127, 0, 0, 1}}, .port = port};
  knock.wire = std::make_shared<Wire>();
  return *opened_.emplace_back(knock.wire);
}

net::Opened<net::Stream> FakeNet::open(const net::Endpoint& peer,
                                       const net::StreamOptions& options) {
  lastOptions = options;
  if (!openErrors_.empty()) {
    const std::error_code code = openErrors_.front();
    openErrors_.pop_front();
    if (code) return {nullptr, code};
  }
  std::shared_ptr<Wire> wire;
  if (prepared_.empty()) {
    wire = std::make_shared<Wire>();
  } else {
    wire = prepared_.front();
    prepared_.pop_front();
  }
  wire->target = peer;
  opened_.push_back(wire);
  return {std::make_unique<FakeStream>(std::move(wire), false), {}};
}

net::Opened<net::Listener> FakeNet::listen(const net::Endpoint& local,
                                           const net::ListenOptions& options) {
  lastOptions = options.stream;
  if (listenError) return {nullptr, listenError};
  net::Endpoint bound = local;
  if (bound.port == 0) bound.port = nextPort_++;
  return {std::make_unique<FakeListener>(*this, bound), {}};
}

std::unique_ptr<net::Lookup> FakeNet::FakeResolver::lookup(std::string name) {
  ++fake_.lookups;
  const auto found = fake_.names.find(name);
  if (found != fake_.names.end()) return std::make_unique<FakeLookup>(found->second);
  return std::make_unique<FakeLookup>(Name{.code = net::ResolveError::notFound});
}

}  // namespace hio::test
