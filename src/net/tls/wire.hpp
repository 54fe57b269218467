// OpenSSL's view of a lower stream: a BIO that collects what is written and reads in bounded turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "hio/help/bytearray.hpp"
#include "hio/net/stream.hpp"
#include "net/tls/handles.hpp"

namespace hio::net::tls {

// The kind of BIO that a Wire makes; must outlive them.
BioMethod makeWireMethod();

// Writing never blocks OpenSSL: records are staged here and passed on by flush(), many in one call
// of the lower stream. So OpenSSL never has a write pending whose bytes it must be given again.
class Wire {
 public:
  explicit Wire(std::unique_ptr<Stream> lower) noexcept : lower_(std::move(lower)) {}

  // A BIO that reads and writes here; empty when there is no memory. The wire must outlive it.
  Bio bio(const BioMethod& method) noexcept;

  Stream& lower() noexcept { return *lower_; }
  const Stream& lower() const noexcept { return *lower_; }

  // Passes staged bytes on: done when none is left. The first error is kept.
  IoResult flush() noexcept;
  std::size_t staged() const noexcept { return staged_.size(); }
  // Something is staged that flush() may still pass on: no error has come yet.
  bool flushable() const noexcept { return !staged_.empty() && !writeEnd_; }
  // Positions among all bytes that were ever staged: the end of what is staged, and of what the
  // lower stream has taken.
  std::uint64_t stagedEnd() const noexcept { return staged_.consumed() + staged_.size(); }
  std::uint64_t takenEnd() const noexcept { return staged_.consumed(); }
  // From now on what OpenSSL writes is thrown away; what is staged already still goes out.
  void endWrites() noexcept { writesEnded_ = true; }
  // Gives the staging memory back when it is empty and larger than a small message needs.
  void rest() noexcept;

  // Lets OpenSSL read so many bytes until the next call of this.
  void allow(std::size_t bytes) noexcept {
    allowance_ = bytes;
    lacksMemory_ = false;
  }
  // Bytes that were read from the lower stream so far.
  std::uint64_t received() const noexcept { return received_; }
  // The allowance is used up: there may be more below.
  bool exhausted() const noexcept { return allowance_ == 0; }

  // A call of the lower stream since allow() was blocked by a shortage of the machine.
  bool lacksMemory() const noexcept { return lacksMemory_; }

  // What has ended the reading, or why a write could not be staged.
  const std::optional<IoResult>& end() const noexcept { return end_; }

 private:
  friend struct WireCalls;
  bool read(std::span<std::byte> room, std::size_t& count) noexcept;
  bool write(std::span<const std::byte> bytes) noexcept;

  std::unique_ptr<Stream> lower_;
  help::Bytearray staged_;
  std::size_t allowance_ = 0;
  std::uint64_t received_ = 0;
  bool lacksMemory_ = false;
  bool writesEnded_ = false;
  std::optional<IoResult> end_;
  std::optional<IoResult> writeEnd_;
};

}  // namespace hio::net::tls
