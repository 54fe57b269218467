// OpenSSL's view of a lower stream: a BIO that collects what is written and reads in bounded turns.
#pragma once

#include <array>
#include <atomic>
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

// The streams of a context read into blocks of this size. A stream has one only while bytes lie in
// it; one spare is kept for the next to read, so that a steady stream gets the same memory each
// time and an idle one has none. Thread-safe.
class SpareBlock {
 public:
  static constexpr std::size_t Size = std::size_t(64) * 1024;
  using Block = std::unique_ptr<std::byte[]>;

  SpareBlock() noexcept = default;
  ~SpareBlock() { give(Block()); }
  SpareBlock(const SpareBlock&) = delete;
  SpareBlock& operator=(const SpareBlock&) = delete;

  // Null when there is no memory.
  Block take() noexcept;
  void give(Block block) noexcept { Block before(spare_.exchange(block.release())); }

 private:
  std::atomic<std::byte*> spare_ = nullptr;
};

// Reading takes from the lower stream as much as a block holds, and gives OpenSSL what it asks for:
// the header of a record, then its body. So each record is counted.
//
// Writing never blocks OpenSSL: records are staged here and passed on by flush(), many in one call
// of the lower stream. So OpenSSL never has a write pending whose bytes it must be given again.
class Wire {
 public:
  // `spare` must outlive the wire.
  Wire(std::unique_ptr<Stream> lower, SpareBlock& spare) noexcept
      : lower_(std::move(lower)), spare_(spare) {}

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
  // Gives memory back that holds nothing; of what is staged only a block that is larger than a
  // small message needs.
  void rest() noexcept;

  // Lets OpenSSL begin records until the next call of this: with so many bytes, and so many that
  // are small.
  void allow(std::size_t bytes, int smallRecords) noexcept {
    allowance_ = bytes;
    smallLeft_ = smallRecords;
    exhausted_ = lacksMemory_ = false;
  }
  // A record was refused as allow() says: there may be more below.
  bool exhausted() const noexcept { return exhausted_; }
  // Bytes that OpenSSL has not asked for yet.
  bool buffers() const noexcept { return head_ < tail_; }
  // OpenSSL has read whole records.
  bool betweenRecords() const noexcept { return headerSize_ == 0 && bodyLeft_ == 0; }
  // Records that have begun since the last forgetRecords().
  std::size_t records() const noexcept { return records_; }
  void forgetRecords() noexcept { records_ = 0; }
  // Bytes that were read from the lower stream so far.
  std::uint64_t received() const noexcept { return received_; }

  // A call of the lower stream since allow() was blocked by a shortage of the machine.
  bool lacksMemory() const noexcept { return lacksMemory_; }

  // What has ended the reading, or why a write could not be staged.
  const std::optional<IoResult>& end() const noexcept { return end_; }

 private:
  friend struct WireCalls;
  bool read(std::span<std::byte> room, std::size_t& count) noexcept;
  bool write(std::span<const std::byte> bytes) noexcept;
  bool fill() noexcept;
  void follow(std::span<const std::byte> bytes) noexcept;
  void beginBody() noexcept;

  std::unique_ptr<Stream> lower_;
  SpareBlock& spare_;
  SpareBlock::Block block_;  // what has been read lies from head_ to tail_
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::array<std::uint8_t, 5> header_{};  // of the record that OpenSSL is reading
  std::size_t headerSize_ = 0;            // so much of it has been read; 0 within the body
  std::size_t bodyLeft_ = 0;
  bool isFirst_ = true;
  std::size_t records_ = 0;
  help::Bytearray staged_;
  std::size_t allowance_ = 0;
  int smallLeft_ = 0;
  bool exhausted_ = false;
  std::uint64_t received_ = 0;
  bool lacksMemory_ = false;
  bool writesEnded_ = false;
  std::optional<IoResult> end_;
  std::optional<IoResult> writeEnd_;
};

}  // namespace hio::net::tls
