// The simulated network's streams, listeners and lookups.
#pragma once

#include <string>
#include <vector>

#include "sim/fabric.hpp"

namespace hio::sim {

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

  const Host& host() const noexcept { return host_; }
  net::Endpoint target() const noexcept { return peer_; }

 private:
  End& end() const noexcept { return connection_->ends.at(side_); }
  CallFate fateOf(Op op, std::size_t bytes, std::uint64_t moved);
  net::IoResult refuse(std::error_code code);
  net::IoResult error(std::error_code code, net::IoResult::On on);
  net::IoResult ruled(std::error_code code, net::IoResult::On on);
  net::IoResult nothingToReceive();
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
};

class SimListener final : public net::Listener {
 public:
  SimListener(Fabric& fabric, std::unique_ptr<Door> door) noexcept
      : fabric_(fabric), door_(std::move(door)) {}
  ~SimListener() override;

  Accepted accept() override;
  net::Endpoint local() const override { return door_->local; }
  net::BufferSizes bufferSizes() const override { return door_->buffers; }
  int fd() const override { return -1; }

 private:
  Fabric& fabric_;
  std::unique_ptr<Door> door_;
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
