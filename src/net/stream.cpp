#include "hio/net/net.hpp"

namespace hio::net {

bool Stream::attach(Poller* /*poller*/, base::Waker /*waker*/) { return false; }

bool Listener::attach(Poller* /*poller*/, base::Waker /*waker*/) { return false; }

bool Lookup::attach(Poller* /*poller*/, base::Waker /*waker*/) { return false; }

}  // namespace hio::net
