// Options have names, and a misspelt one is an error (contract C8).
// expect: reconnectible
#include "hio/core/tcp.hpp"

#ifdef MUST_FAIL
const hio::core::tcp::ClientOptions options{.reconnectible = true};
#else
const hio::core::tcp::ClientOptions options{.reconnectable = true};
#endif
