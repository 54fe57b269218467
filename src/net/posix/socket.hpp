// Making and asking sockets; shared by stream and listener.
#pragma once

#include <optional>
#include <system_error>

#include "hio/net/stream.hpp"
#include "net/posix/descriptor.hpp"

namespace hio::net::posix {

// A TCP socket, nonblocking and close-on-exec from its birth; empty, and `code` set, if there is
// none.
Descriptor openSocket(Family family, std::error_code& code) noexcept;
void applyOptions(int fd, const StreamOptions& options, std::error_code& code) noexcept;
// The same for a socket of which it is known what buffers it has.
void applyOptions(int fd, const StreamOptions& options, const BufferSizes& had,
                  std::error_code& code) noexcept;
void setOption(int fd, int level, int name, int value, std::error_code& code) noexcept;
BufferSizes bufferSizesOf(int fd) noexcept;
// Where the socket is bound; empty, and `code` set, if the kernel won't tell.
std::optional<Endpoint> localOf(int fd, std::error_code& code) noexcept;
std::optional<Endpoint> peerOf(int fd, std::error_code& code) noexcept;

}  // namespace hio::net::posix
