#include "net/posix/fork.hpp"

#include <pthread.h>

namespace hio::net::posix {

std::atomic<std::uint32_t> forks{0};

namespace {

// Before main(), so that no fork is missed.
[[maybe_unused]] const bool counting =
    ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }) == 0;

}  // namespace

}  // namespace hio::net::posix
