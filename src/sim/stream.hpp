// The simulated network's streams, listeners and lookups.
#pragma once

#include <string>
#include <vector>

#include "sim/fabric.hpp"

namespace hio::sim {

// Whether a program that is told of its streams knows that a call need not wait. It is told once:
// when that has become so.
class SimReadiness final : public net::ReadinessHandler {
 public:
  void attach(net::Poller* poller, base::Waker waker) noexcept {
    attached_ = poller != nullptr;
    waker_ = std::move(waker);
    known_ = {.readable = true, .writable = true};
  }
  bool attached() const noexcept { return attached_; }
  const net::Readiness& known() const noexcept { return known_; }

  void ready(net::Readiness now) noexcept override {
    const bool news = (now.readable && !known_.readable) || (now.writable && !known_.writable) ||
                      (now.ending && !known_.ending);
    known_ = {.readable = known_.readable || now.readable,
              .writable = known_.writable || now.writable,
              .ending = known_.ending || now.ending};
    if (news) waker_.wake();
  }
  // A call has found out how it is.
  void found(net::Readiness now) noexcept { known_ = now; }

 private:
  bool attached_ = false;
  net::Readiness known_{.readable = true, .writable = true};
  base::Waker waker_;
};

class SimStream final : public net::Stream {
 public:
  // Will connect to `peer`.
  SimStream(Fabric& fabric, Host& host, const net::Endpoint& peer, const net::BufferSizes& sizes);
  // Has been accepted.
  SimStream(Fabric& fabric, Connection& connection, const net::BufferSizes& sizes);
  ~SimStream() override;

  net::IoResult connect() override;
  net::IoResult receive(std::span<std::byte> room) override;
  net::IoResult send(std::span<const std::byte> bytes) override;
  net::IoResult send(std::span<const std::span<const std::byte>> pieces) override;
  net::IoResult shutdown(net::Direction direction) override;

  net::Endpoint local() const override;
  net::Endpoint peer() const override;
  net::BufferSizes bufferSizes() const override { return sizes_; }
  int fd() const override { return -1; }
  net::Pending pending() const noexcept override;
  bool sendable() const noexcept override {
    return !readiness_.attached() || readiness_.known().writable;
  }
  bool attach(net::Poller* poller, base::Waker waker) override;

  const Host& host() const noexcept { return host_; }
  net::Endpoint target() const noexcept { return peer_; }

 private:
  End& end() const noexcept { return connection_->ends.at(side_); }
  CallVerdict verdictOf(Op op, std::size_t bytes, std::uint64_t moved);
  net::IoResult refuse(std::error_code code);
  net::IoResult error(std::error_code code, net::IoResult::On on);
  net::IoResult ruled(std::error_code code, net::IoResult::On on);
  net::IoResult receiveNow(std::span<std::byte> room);
  net::IoResult nothingToReceive();
  net::IoResult sendNow(std::span<const std::span<const std::byte>> pieces, std::size_t wanted);
  // Marks what the next call would not have to wait for.
  void look() noexcept;
  void keep(std::error_code code);

  Fabric& fabric_;
  Host& host_;
  net::Endpoint peer_;
  net::BufferSizes sizes_;
  Connection* connection_ = nullptr;
  std::size_t side_ = 0;
  std::uint64_t number_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool connected_ = false;
  bool endTold_ = false;
  std::error_code first_{};
  SimReadiness readiness_;
};

class SimListener final : public net::Listener {
 public:
  SimListener(Fabric& fabric, std::unique_ptr<ListenSocket> listener) noexcept;
  ~SimListener() override;

  Accepted accept() override;
  net::Endpoint local() const override { return socket_->local; }
  net::BufferSizes bufferSizes() const override { return socket_->buffers; }
  int fd() const override { return -1; }
  bool attach(net::Poller* poller, base::Waker waker) override;

 private:
  Fabric& fabric_;
  std::unique_ptr<ListenSocket> socket_;
  SimReadiness readiness_;
};

class SimLookup final : public net::Lookup {
 public:
  SimLookup(Fabric& fabric, Host& host, std::string name);
  ~SimLookup() override { fabric_.leaveLookup(number_); }

  net::IoResult poll(std::vector<net::Ip>& found) override;

 private:
  Fabric& fabric_;
  Host& host_;
  std::string name_;
  std::uint64_t number_;
  std::optional<LookedUp> answer_;
  bool told_ = false;
};

}  // namespace hio::sim
