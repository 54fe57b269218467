// A growing byte queue: the type of txbs and rxbs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hio/export.hpp"

namespace hio::help {

// Bytes that their holder owns, such as what receive() returns.
using Bytes = std::vector<std::byte>;

// The same memory seen as bytes, or as text; nothing is copied, the lifetime is the argument's.
inline std::span<const std::byte> bytesOf(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}
inline std::string_view textOf(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes appended at the back and consumed at the front, always in one contiguous piece:
//
//   block   |  consumed  |  view()  |  writable()  |
//                        ^head_     ^tail_         ^capacity_
//
// Consuming takes constant time, appending amortized constant time per byte. The object has one
// address for life; its memory moves when it grows, so a view() is good until the next non-const
// call. Every operation that throws std::bad_alloc leaves the bytes as they were. Not thread-safe.
class HIO_EXPORT Bytearray {
 public:
  // An emptied Bytearray keeps a block of up to this many bytes for the next ones and gives a
  // larger one back at once.
  static constexpr std::size_t Keep = std::size_t(64) * 1024;

  Bytearray() noexcept = default;
  ~Bytearray();
  Bytearray(const Bytearray&) = delete;
  Bytearray& operator=(const Bytearray&) = delete;

  std::size_t size() const noexcept { return tail_ - head_; }
  bool empty() const noexcept { return tail_ == head_; }
  std::size_t capacity() const noexcept { return capacity_; }

  std::span<const std::byte> view() const noexcept { return {block_ + head_, size()}; }
  std::string_view text() const noexcept { return textOf(view()); }

  // Copies the bytes to the back. They may lie in this very Bytearray.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(bytesOf(text)); }

  // Room at the back for at least `least` bytes, uninitialized; commit() makes what was written
  // there part of the content. So the network writes in place and bytes are copied once.
  std::span<std::byte> writable(std::size_t least);
  // Throws std::out_of_range when more is committed than there is room for.
  void commit(std::size_t count);

  // Drops bytes at the front. Throws std::out_of_range, and drops nothing, when there are fewer.
  void consume(std::size_t count);
  void clear() noexcept;
  // Gives the block back if there are no bytes in it.
  void release() noexcept;

  // How many bytes have been dropped at the front in this object's life: the position, in all that
  // was ever appended, of the first byte of view().
  std::uint64_t consumed() const noexcept { return consumed_; }

 private:
  bool compact(std::size_t least) noexcept;
  void regrow(std::size_t least, std::span<const std::byte> tail);

  std::byte* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::uint64_t consumed_ = 0;
};

}  // namespace hio::help
