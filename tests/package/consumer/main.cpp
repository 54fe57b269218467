// What a user's first program looks like.
#include <hio/core/tcp.hpp>

#include <cstdio>

int main() {
  hio::core::tcp::Client plain;
  hio::core::tcp::Client client({.host = "127.0.0.1", .port = 56000});
  std::printf("%s:%d\n", client.host().c_str(), client.port());
  return client.port() == 56000 && !plain.opened() ? 0 : 1;
}
