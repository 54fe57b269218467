// The descriptor of a connection, which a link shows to nobody else.
#pragma once

#include "hio/core/tcp/link.hpp"

namespace hio::test {

// -1 without a connection.
inline int descriptorOf(const core::tcp::Link& link) {
  struct Peek : core::tcp::Link {
    static const net::Stream* at(const core::tcp::Link& link) { return (link.*(&Peek::stream))(); }
  };
  const net::Stream* const stream = Peek::at(link);
  return stream != nullptr ? stream->fd() : -1;
}

}  // namespace hio::test
