#include "hio/net/poller.hpp"

namespace hio::net {

PollerRef::PollerRef(Poller* poller) noexcept {
  if (poller != nullptr) poller_ = poller->self_;
}

Poller::~Poller() { end(); }

void Poller::end() noexcept { *self_ = nullptr; }

Registration& Registration::operator=(Registration&& other) noexcept {
  std::swap(poller_, other.poller_);
  std::swap(handle_, other.handle_);
  std::swap(fd_, other.fd_);
  return *this;
}

void Registration::reset() noexcept {
  if (Poller* const poller = std::exchange(poller_, {}).get()) poller->forget(handle_, fd_);
}

void Registration::resetClosing() noexcept {
  fd_ = -1;
  reset();
}

void PollerPacer::wait(std::optional<base::Tyme> atMost) {
  const IoResult result = poller_.wait(atMost);
  if (result.isError()) throw std::system_error(result.code(), "wait for descriptors");
}

}  // namespace hio::net
