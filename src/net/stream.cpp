#include "hio/net/stream.hpp"

namespace hio::net {

bool Stream::attach(Poller* /*poller*/, base::Waker /*waker*/) { return false; }

bool Listener::attach(Poller* /*poller*/, base::Waker /*waker*/) { return false; }

}  // namespace hio::net
