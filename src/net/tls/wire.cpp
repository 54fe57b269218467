#include "net/tls/wire.hpp"

#include <algorithm>
#include <new>

namespace hio::net::tls {
namespace {

// A record that costs more to handle than its bytes are worth: it counts as one of the few that a
// call may handle.
constexpr std::size_t SmallRecord = 512;

}  // namespace

SpareBlock::Block SpareBlock::take() noexcept {
  Block block(spare_.exchange(nullptr));
  return block ? std::move(block) : Block(new (std::nothrow) std::byte[Size]);
}

// The calls of a BIO, in C's terms.
struct WireCalls {
  static Wire& wireOf(BIO* bio) noexcept { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, std::size_t size, std::size_t* count) noexcept {
    BIO_clear_retry_flags(bio);
    Wire& wire = wireOf(bio);
    if (wire.read({reinterpret_cast<std::byte*>(data), size}, *count)) return 1;
    if (!wire.end_ || wire.exhausted_) BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* count) noexcept {
    BIO_clear_retry_flags(bio);
    if (!wireOf(bio).write({reinterpret_cast<const std::byte*>(data), size})) return 0;
    *count = size;
    return 1;
  }

  static long control(BIO* bio, int command, long, void*) noexcept {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_EOF: {
        const auto& end = wireOf(bio).end_;
        return end && end->isEnded() ? 1 : 0;
      }
      default:
        return 0;
    }
  }
};

BioMethod makeWireMethod() {
  BioMethod method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hio"));
  if (!method || BIO_meth_set_read_ex(method.get(), WireCalls::read) != 1 ||
      BIO_meth_set_write_ex(method.get(), WireCalls::write) != 1 ||
      BIO_meth_set_ctrl(method.get(), WireCalls::control) != 1) {
    throw std::bad_alloc();
  }
  return method;
}

Bio Wire::bio(const BioMethod& method) noexcept {
  Bio bio(BIO_new(method.get()));
  if (bio) {
    BIO_set_data(bio.get(), this);
    BIO_set_init(bio.get(), 1);
  }
  return bio;
}

bool Wire::read(std::span<std::byte> room, std::size_t& count) noexcept {
  const bool isOver = end_ && !buffers();
  if (!isOver && betweenRecords() && (allowance_ == 0 || smallLeft_ <= 0)) {
    exhausted_ = true;
    return false;
  }
  if (!buffers() && !fill()) return false;
  count = std::min(room.size(), tail_ - head_);
  const std::span<const std::byte> bytes(block_.get() + head_, count);
  std::copy(bytes.begin(), bytes.end(), room.begin());
  head_ += count;
  allowance_ -= std::min(allowance_, count);
  follow(bytes);
  return count > 0;
}

// Reads what the lower stream has, as much as a block holds; true when something came.
bool Wire::fill() noexcept {
  if (end_) return false;
  if (!block_) block_ = spare_.take();
  if (!block_) {
    lacksMemory_ = true;
    return false;
  }
  head_ = tail_ = 0;
  const IoResult result = lower_->receive({block_.get(), SpareBlock::Size});
  if (result.isDone()) {
    tail_ = std::min(result.count(), SpareBlock::Size);
    received_ += tail_;
    return tail_ > 0;
  }
  if (!result.isBlocked()) end_ = result;
  lacksMemory_ = lacksMemory_ || result.lacksMemory();
  return false;
}

// Keeps track of where records begin and end.
void Wire::follow(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    if (bodyLeft_ > 0) {
      const std::size_t size = std::min(bodyLeft_, bytes.size());
      bodyLeft_ -= size;
      bytes = bytes.subspan(size);
      continue;
    }
    header_.at(headerSize_++) = std::to_integer<std::uint8_t>(bytes.front());
    bytes = bytes.subspan(1);
    if (headerSize_ == header_.size()) beginBody();
  }
}

void Wire::beginBody() noexcept {
  headerSize_ = 0;
  std::size_t size = header_[3] * std::size_t(256) + header_[4];
  // The first hello may be wrapped as SSL 2 did it, with two bytes for the length of what follows.
  if (isFirst_ && (header_[0] & 0x80U) != 0) {
    size = (header_[0] & 0x7fU) * std::size_t(256) + header_[1];
    size -= std::min<std::size_t>(size, 3);
  }
  isFirst_ = false;
  bodyLeft_ = size;
  ++records_;
  if (size < SmallRecord) --smallLeft_;
}

bool Wire::write(std::span<const std::byte> bytes) noexcept {
  if (writesEnded_) return true;
  try {
    staged_.append(bytes);
    return true;
  } catch (const std::bad_alloc&) {
    end_ = IoResult::failed(std::make_error_code(std::errc::not_enough_memory));
    return false;
  }
}

IoResult Wire::flush() noexcept {
  while (!staged_.empty() && !writeEnd_) {
    const IoResult result = lower_->send(staged_.view());
    if (result.isDone()) {
      staged_.consume(std::min(result.count(), staged_.size()));
      continue;
    }
    if (result.isBlocked()) return result;
    writeEnd_ = result;
  }
  return writeEnd_ ? *writeEnd_ : IoResult::done();
}

void Wire::rest() noexcept {
  constexpr std::size_t Small = 1024;
  if (staged_.empty() && staged_.capacity() > Small) staged_.release();
  if (block_ && !buffers()) spare_.give(std::move(block_));
}

}  // namespace hio::net::tls
