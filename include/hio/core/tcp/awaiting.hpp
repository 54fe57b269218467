// What a coroutine (base::Deed) can wait for on a client or remoter:
//
//   const Waited link = co_await connected(client, 5s);
//   if (link != Waited::reached) co_return false;
//   client.tx("request");
//   const Waited answer = co_await received(client, 100);
//   if (answer == Waited::cut) co_return false;  // nothing will come any more
//
// (g++ 11 and 12 crash on co_await inside the condition of an if: take the result first.)
//
// A wait belongs to one connection: the one that stands when the wait begins, else the next one. It
// is over when that connection is, whatever happens before the coroutine is visited. Somebody else,
// such as a ClientDoer, services the link, before or after the coroutine in the order of doers. The
// link may be destroyed while it is waited for. No memory is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hio/base/deed.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/export.hpp"

namespace hio::core::tcp {

// How a wait has ended.
enum class Waited : std::uint8_t {
  reached,  // what was waited for has come to pass
  cut,      // the connection has ended before
  late,     // the time that was given has passed
  stopped,  // the client has stopped, or the link was destroyed: no connection will come
};
HIO_EXPORT std::string_view nameOf(Waited waited) noexcept;

// The base of the waits below.
class HIO_EXPORT LinkWait : public base::Awaitable {
 public:
  LinkWait(const LinkWait&) = delete;
  LinkWait& operator=(const LinkWait&) = delete;

  Waited await_resume() const;

 protected:
  LinkWait(Link& link, base::Tyme atMost) noexcept : link_(link), atMost_(atMost) {}
  ~LinkWait() override = default;

  virtual bool reached(const Link& link) const = 0;

 private:
  bool ready(base::Tyme tyme, bool woken) final;
  base::Tyme next(base::Tyme /*tyme*/) final { return *end_; }
  void suspended(const base::Waker& waker) final { observer_.observe(link_, waker); }
  std::optional<Waited> outcome(base::Tyme tyme) const;

  Link& link_;
  base::Tyme atMost_;
  std::optional<base::Tyme> end_;
  std::uint64_t epoch_ = 0;  // of the connection that it belongs to
  Observer observer_;
  Waited waited_ = Waited::late;
};

// A connection stands.
class HIO_EXPORT Connected final : public LinkWait {
 public:
  Connected(Client& client, base::Tyme atMost) noexcept : LinkWait(client, atMost) {}

 private:
  bool reached(const Link& link) const override;
};
inline Connected connected(Client& client, base::Tyme atMost = base::Forever) {
  return {client, atMost};
}

// At least so many bytes are in rxbs, those included that were there before.
class HIO_EXPORT Received final : public LinkWait {
 public:
  Received(Link& link, std::size_t atLeast, base::Tyme atMost) noexcept
      : LinkWait(link, atMost), atLeast_(atLeast) {}

 private:
  bool reached(const Link& link) const override;
  std::size_t atLeast_;
};
inline Received received(Link& link, std::size_t atLeast = 1, base::Tyme atMost = base::Forever) {
  return {link, atLeast, atMost};
}

// Everything in txbs was handed to the network; bytes that a cutoff threw away were not.
class HIO_EXPORT Drained final : public LinkWait {
 public:
  Drained(Link& link, base::Tyme atMost) noexcept : LinkWait(link, atMost) {}

 private:
  bool reached(const Link& link) const override;
};
inline Drained drained(Link& link, base::Tyme atMost = base::Forever) { return {link, atMost}; }

}  // namespace hio::core::tcp
