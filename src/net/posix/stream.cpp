#include "net/posix/stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <utility>

#include "net/posix/sockaddr.hpp"
#include "net/posix/socket.hpp"

namespace hio::net::posix {

bool SocketStream::isForeign() noexcept {
  if (!birthplace_.isChild()) return false;
  first_ = std::make_error_code(std::errc::operation_not_permitted);
  return true;
}

IoResult SocketStream::connect() {
  if (isForeign()) return refuse(first_);
  if (connected_) return IoResult::done();
  if (first_) return refuse(first_);
  if (readiness_.connected()) return finishConnect();
  if (!readiness_.writable()) return IoResult::blocked(IoResult::On::write);
  const SockAddr peer(peer_);
  if (::connect(fd_.get(), peer.get(), peer.length) == 0) return finishConnect();
  const std::error_code code = lastError();
  switch (code.value()) {
    case EISCONN:
      return finishConnect();
    case EINPROGRESS:
    case EALREADY:
    case EINTR:
      return readiness_.connecting(fd_.get());
    default:
      return refuse(code);
  }
}

IoResult SocketStream::finishConnect() {
  std::error_code code;
  const auto local = localOf(fd_.get(), code);
  // The kernel knows better only where "any" was asked for.
  const auto peer = peer_.ip.isAny() && local ? peerOf(fd_.get(), code) : std::optional(peer_);
  if (!local || !peer) return refuse(code);
  // Nobody listens: the kernel picked the target's own port as the source (contract A12).
  if (*local == *peer) return refuse(std::make_error_code(std::errc::connection_refused));
  local_ = *local;
  peer_ = *peer;
  connected_ = true;
  return IoResult::done();
}

// What would merely block a transfer ends an attempt: it cannot go on with this descriptor.
IoResult SocketStream::refuse(std::error_code code) noexcept {
  first_ = code;
  const IoResult result = IoResult::of(code, IoResult::On::write);
  return result.isBlocked() ? IoResult::failed(code) : result;
}

IoResult SocketStream::receive(std::span<std::byte> room) {
  if (isForeign()) return IoResult::failed(first_);
  if (room.empty()) return IoResult::done();
  if (!readiness_.readable()) return IoResult::blocked(IoResult::On::read);
  const ssize_t count =
      uninterrupted([&] { return ::recv(fd_.get(), room.data(), room.size(), 0); });
  if (count < 0) return error(lastError(), IoResult::On::read);
  const auto received = static_cast<std::size_t>(count);
  readiness_.received(received);
  if (received < room.size()) readiness_.spent(IoResult::On::read);
  if (received > 0) return IoResult::done(received);
  return first_ ? IoResult::of(first_, IoResult::On::read) : IoResult::ended();
}

IoResult SocketStream::send(std::span<const std::byte> bytes) {
  if (isForeign() || first_) return IoResult::of(first_, IoResult::On::write);
  if (bytes.empty()) return IoResult::done();
  if (!readiness_.writable()) return IoResult::blocked(IoResult::On::write);
  return sent(
      uninterrupted([&] { return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }),
      bytes.size());
}

IoResult SocketStream::send(std::span<const std::span<const std::byte>> pieces) {
  if (isForeign() || first_) return IoResult::of(first_, IoResult::On::write);
  std::array<iovec, 64> vectors{};
  std::size_t used = 0;
  std::size_t asked = 0;
  for (const auto& piece : pieces) {
    if (used == vectors.size()) break;
    // The kernel only reads here; its struct has no const.
    if (!piece.empty()) vectors[used++] = {const_cast<std::byte*>(piece.data()), piece.size()};
    asked += piece.size();
  }
  if (used == 0) return IoResult::done();
  if (!readiness_.writable()) return IoResult::blocked(IoResult::On::write);
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = used;
  return sent(uninterrupted([&] { return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL); }), asked);
}

IoResult SocketStream::sent(ssize_t count, std::size_t asked) {
  if (count < 0) return error(lastError(), IoResult::On::write);
  if (static_cast<std::size_t>(count) < asked) readiness_.spent(IoResult::On::write);
  return IoResult::done(static_cast<std::size_t>(count));
}

IoResult SocketStream::error(std::error_code code, IoResult::On on) {
  const IoResult result = IoResult::of(code, on);
  // Only of EAGAIN does the kernel tell the end.
  if (result.isBlocked() && code.value() != EAGAIN) return IoResult::lacking(on);
  if (result.isBlocked()) {
    const IoResult blocked = readiness_.blocked(fd_.get(), on);
    if (blocked.isError()) first_ = blocked.code();
    return blocked;
  }
  if (!first_) first_ = code;
  readiness_.failed();
  return IoResult::of(first_, on);
}

IoResult SocketStream::shutdown(Direction direction) {
  if (birthplace_.isChild()) return IoResult::done();  // closing takes away the child's copy only
  constexpr std::array How{SHUT_RD, SHUT_WR, SHUT_RDWR};
  if (::shutdown(fd_.get(), How.at(static_cast<std::size_t>(direction))) == 0) {
    return IoResult::done();
  }
  return IoResult::of(lastError(), IoResult::On::write);
}

bool SocketStream::attach(Poller* poller, base::Waker waker) {
  readiness_.attach(poller, std::move(waker));
  return poller != nullptr;
}

BufferSizes SocketStream::bufferSizes() const { return bufferSizesOf(fd_.get()); }

}  // namespace hio::net::posix
