#include "net/tls/sessions.hpp"

#include <algorithm>

namespace hio::net::tls {

void Sessions::put(std::string_view key, Session session) {
  const std::lock_guard lock(mutex_);
  sessions_.emplace_back(std::string(key), std::move(session));
  if (sessions_.size() > Most) sessions_.pop_front();
}

Session Sessions::take(std::string_view key) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(sessions_.rbegin(), sessions_.rend(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found == sessions_.rend()) return {};
  SSL_SESSION* const session = found->second.get();
  if (SSL_SESSION_is_resumable(session) == 1 &&
      SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION &&
      SSL_SESSION_up_ref(session) == 1) {
    return Session(session);
  }
  Session taken = std::move(found->second);
  sessions_.erase(std::next(found).base());
  return SSL_SESSION_is_resumable(taken.get()) == 1 ? std::move(taken) : Session();
}

}  // namespace hio::net::tls
