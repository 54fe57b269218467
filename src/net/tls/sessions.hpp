// Sessions to resume, each under the key that it was made for.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/tls/handles.hpp"

namespace hio::net::tls {

// Keeps a bounded number, the newest. Thread-safe.
class Sessions {
 public:
  // Throws std::bad_alloc; the session is then not kept.
  void put(std::string_view key, Session session);
  // The newest of that key, empty when there is none. One of TLS 1.3 is given once: to use a ticket
  // twice lets others see that both connections are the same client's.
  Session take(std::string_view key) noexcept;

 private:
  static constexpr std::size_t Most = 256;

  std::mutex mutex_;
  std::deque<std::pair<std::string, Session>> sessions_;  // the newest last
};

}  // namespace hio::net::tls
