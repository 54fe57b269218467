#include "hio/net/result.hpp"
#include "help/probe.hpp"

#include <cerrno>

namespace hio::net {

IoResult IoResult::of(std::error_code code, On on) noexcept {
  if (code.category() != std::system_category() && code.category() != std::generic_category()) {
    return failed(code);
  }
  switch (code.value()) {
    // Nothing has happened yet.
    case EAGAIN:
    case EINPROGRESS:
    case EALREADY:
    case EINTR:
      HIO_PROBE("result.blocked");
      return blocked(on);
    // Memory that the kernel lacks for the moment is no reason to give a connection up.
    case ENOBUFS:
    case ENOMEM:
      HIO_PROBE("result.lacking");
      return lacking(on);
    // The peer is gone: hio's list (contract R2, T1), then what it forgot (contract T4).
    case ECONNRESET:
    case ENETRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case EPIPE:
    case ENOTCONN:
    case ECONNABORTED:
    case ESHUTDOWN:
      HIO_PROBE("result.lost");
      return lost(code);
    default:
      HIO_PROBE("result.failed");
      return failed(code);
  }
}

}  // namespace hio::net
