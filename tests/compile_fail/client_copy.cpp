// A client is one object with one connection: there is no copy of it.
// expect: deleted (function|(copy )?constructor).*Client
#include "hio/core/tcp.hpp"

using hio::core::tcp::Client;

#ifdef MUST_FAIL
Client copy(const Client& client) { return client; }
#else
const Client& same(const Client& client) { return client; }
#endif
