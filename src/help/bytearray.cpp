#include "hio/help/bytearray.hpp"
#include "help/probe.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>

namespace hio::help {
namespace {

constexpr std::size_t Smallest = 256;
// A large block that starts 16 bytes into a page, as plain new gives it, doubles what the kernel's
// copy costs.
constexpr std::align_val_t Alignment{64};

std::byte* newBlock(std::size_t size) {
  return static_cast<std::byte*>(::operator new(size, Alignment));
}

void deleteBlock(std::byte* block) noexcept { ::operator delete(block, Alignment); }

void copy(std::byte* to, std::span<const std::byte> from) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace

Bytearray::~Bytearray() { deleteBlock(block_); }

void Bytearray::append(std::span<const std::byte> bytes) {
  const std::less<const std::byte*> before;
  const bool ours = !before(bytes.data(), block_) && before(bytes.data(), block_ + capacity_);
  if (capacity_ - tail_ < bytes.size() && (ours || !compact(bytes.size()))) {
    HIO_PROBE("bytearray.append.grows");
    return regrow(bytes.size(), bytes);
  }
  copy(block_ + tail_, bytes);
  tail_ += bytes.size();
}

std::span<std::byte> Bytearray::writable(std::size_t least) {
  if (capacity_ - tail_ < least && !compact(least)) regrow(least, {});
  return {block_ + tail_, capacity_ - tail_};
}

// Moves the content to the front of its block, if that makes the room and moves no more bytes than
// were consumed since the last move: so the cost stays constant per byte.
bool Bytearray::compact(std::size_t least) noexcept {
  if (head_ < size() || capacity_ - size() < least) return false;
  HIO_PROBE("bytearray.compact");
  copy(block_, view());
  tail_ = size();
  head_ = 0;
  return true;
}

// Moves to a larger block and appends `tail`, which may lie in the block that is replaced.
void Bytearray::regrow(std::size_t least, std::span<const std::byte> tail) {
  if (least > PTRDIFF_MAX - size()) throw std::bad_alloc();
  const std::size_t capacity = std::max({Smallest, size() + least, 2 * size()});
  std::byte* const block = newBlock(capacity);
  copy(block, view());
  copy(block + size(), tail);
  deleteBlock(block_);
  tail_ = size() + tail.size();
  head_ = 0;
  block_ = block;
  capacity_ = capacity;
}

void Bytearray::commit(std::size_t count) {
  if (count > capacity_ - tail_) {
    throw std::out_of_range("Bytearray::commit: " + std::to_string(count) + " bytes, room for " +
                            std::to_string(capacity_ - tail_));
  }
  tail_ += count;
}

void Bytearray::consume(std::size_t count) {
  if (count > size()) {
    throw std::out_of_range("Bytearray::consume: " + std::to_string(count) + " bytes of " +
                            std::to_string(size()));
  }
  if (count == size()) return clear();
  head_ += count;
  consumed_ += count;
}

void Bytearray::clear() noexcept {
  consumed_ += size();
  head_ = tail_ = 0;
  HIO_PROBE_IF("bytearray.clear.large", capacity_ > Keep);
  if (capacity_ > Keep) release();
}

void Bytearray::release() noexcept {
  if (!empty()) return;
  deleteBlock(block_);
  block_ = nullptr;
  capacity_ = head_ = tail_ = 0;
}

}  // namespace hio::help
