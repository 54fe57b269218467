#include "net/tls/wire.hpp"

#include <algorithm>
#include <new>

namespace hio::net::tls {

// The calls of a BIO, in C's terms.
struct WireCalls {
  static Wire& wireOf(BIO* bio) noexcept { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, std::size_t size, std::size_t* count) noexcept {
    BIO_clear_retry_flags(bio);
    Wire& wire = wireOf(bio);
    if (wire.read({reinterpret_cast<std::byte*>(data), size}, *count)) return 1;
    if (!wire.end_) BIO_set_retry_read(bio);
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
  if (end_ || allowance_ == 0) return false;
  const IoResult result = lower_->receive(room.first(std::min(room.size(), allowance_)));
  if (result.isDone()) {
    count = result.count();
    allowance_ -= std::min(allowance_, count);
    received_ += count;
    return count > 0;
  }
  if (!result.isBlocked()) end_ = result;
  lacksMemory_ = lacksMemory_ || result.lacksMemory();
  return false;
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
}

}  // namespace hio::net::tls
