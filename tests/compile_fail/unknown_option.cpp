// Options have names, and a misspelt one is an error (contract C8).
// expect: reconnectible
#include "hio/core/tcp.hpp"

int main() {
#ifdef MUST_FAIL
  hio::core::tcp::Client client({.reconnectible = true});
#else
  hio::core::tcp::Client client({.reconnectable = true});
#endif
  return client.opened() ? 1 : 0;
}
