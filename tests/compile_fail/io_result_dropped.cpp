// What became of a call on a stream is looked at, always.
// expect: ignoring return.*nodiscard
#include "hio/net/result.hpp"
#include "hio/net/stream.hpp"

#ifdef MUST_FAIL
void connect(hio::net::Stream& stream) { stream.connect(); }
#else
hio::net::IoResult connect(hio::net::Stream& stream) { return stream.connect(); }
#endif
