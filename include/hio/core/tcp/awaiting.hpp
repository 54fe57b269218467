// What a coroutine (base::Deed) can wait for on a client or remoter:
//
//   if (!co_await connected(client, 5s)) co_return false;
//   client.tx("request");
//   bool all = co_await received(client, 100);
//
// Somebody else, such as a ClientDoer, services the link; the coroutine is visited when something
// has changed. The link may be destroyed while it is waited for. No memory is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "hio/base/deed.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

// The base of the waits below: over when the link says so, when it never will, or after `atMost`.
// Its result is whether it came to pass.
class HIO_EXPORT LinkWait : public base::Awaitable {
 public:
  LinkWait(const LinkWait&) = delete;
  LinkWait& operator=(const LinkWait&) = delete;

  bool await_resume() const;

 protected:
  LinkWait(Link& link, base::Tyme atMost) noexcept : link_(link), atMost_(atMost) {}
  ~LinkWait() override = default;

  enum class Outlook : std::uint8_t { open, reached, hopeless };
  virtual Outlook outlook() const = 0;

 private:
  bool ready(base::Tyme tyme, bool woken) final;
  base::Tyme next(base::Tyme /*tyme*/) final { return *end_; }
  void suspended(const base::Waker& waker) final { observer_.watch(link_, waker); }

  Link& link_;
  base::Tyme atMost_;
  std::optional<base::Tyme> end_;
  Observer observer_;
  bool reached_ = false;
};

// Hopeless once the client has stopped.
class HIO_EXPORT Connected final : public LinkWait {
 public:
  Connected(const Client& client, Link& link, base::Tyme atMost) noexcept
      : LinkWait(link, atMost), client_(client) {}

 private:
  Outlook outlook() const override;
  const Client& client_;
};
inline Connected connected(Client& client, base::Tyme atMost = base::Forever) {
  return {client, client, atMost};
}

// At least so many bytes are in rxbs. Hopeless when the connection has ended with fewer.
class HIO_EXPORT Received final : public LinkWait {
 public:
  Received(Link& link, std::size_t least, base::Tyme atMost) noexcept
      : LinkWait(link, atMost), rx_(link), least_(least) {}

 private:
  Outlook outlook() const override;
  const Link& rx_;
  std::size_t least_;
};
inline Received received(Link& link, std::size_t least = 1, base::Tyme atMost = base::Forever) {
  return {link, least, atMost};
}

// Everything in txbs was handed to the network. Hopeless when the connection has been cut off
// before.
class HIO_EXPORT Drained final : public LinkWait {
 public:
  Drained(Link& link, base::Tyme atMost) noexcept : LinkWait(link, atMost), tx_(link) {}

 private:
  Outlook outlook() const override;
  const Link& tx_;
};
inline Drained drained(Link& link, base::Tyme atMost = base::Forever) { return {link, atMost}; }

}  // namespace hio::core::tcp
