// A number without a unit is not a time.
// expect: (could not convert|no viable conversion|cannot convert).*int
#include "hio/core/tcp.hpp"

#ifdef MUST_FAIL
const hio::core::tcp::ClientOptions options{.timeout = 5};
#else
const hio::core::tcp::ClientOptions options{.timeout = std::chrono::seconds(5)};
#endif
