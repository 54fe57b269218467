#include "net/posix/fork.hpp"

#include <pthread.h>

namespace hio::net::posix {
namespace {

std::atomic<std::uint32_t> count{0};
// Before main(), so that there is no fork to be missed.
const bool counting =
    ::pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); }) == 0;

}  // namespace

std::uint32_t forks() noexcept {
  (void)counting;
  return count.load(std::memory_order_relaxed);
}

}  // namespace hio::net::posix
