#include "net/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "net/posix/descriptor.hpp"

namespace hio::net {
namespace {

// Makes `text` longer and leaves no copy of it behind: it may be a key.
void lengthen(std::string& text, std::size_t size) {
  std::string longer;
  longer.reserve(size);
  longer = text;
  longer.resize(size);
  ::explicit_bzero(text.data(), text.size());
  text.swap(longer);
}

}  // namespace

std::string readFile(const std::string& path, std::size_t most, std::error_code& code) {
  using posix::uninterrupted;
  const posix::Descriptor fd(
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  if (!fd) {
    code = posix::lastError();
    return {};
  }
  std::string text;
  for (std::size_t used = 0;;) {
    if (used == text.size()) lengthen(text, used + 16384);
    const ssize_t count =
        uninterrupted([&] { return ::read(fd.get(), text.data() + used, text.size() - used); });
    if (count < 0) code = posix::lastError();
    if (count > 0) used += static_cast<std::size_t>(count);
    if (used > most) code = std::make_error_code(std::errc::file_too_large);
    if (count > 0 && !code) continue;
    if (code) ::explicit_bzero(text.data(), text.size());
    text.resize(code ? 0 : used);
    return text;
  }
}

}  // namespace hio::net
