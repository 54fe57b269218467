// Files that only their owner may read, for logs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>

#include "hio/help/bytearray.hpp"

namespace hio::net {

// A new file, open for appending and reading, of mode 0600 also where the umask would allow more;
// closed by the destructor.
class LogFile {
 public:
  // Never opens what exists already, nor follows a symbolic link. Empty, and `code` set, on
  // failure.
  static std::optional<LogFile> create(const std::filesystem::path& path, std::error_code& code);
  ~LogFile();
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) = delete;

  // Appends all of the bytes; what was written before a failure stays.
  std::error_code append(std::span<const std::byte> bytes) noexcept;
  std::optional<help::Bytes> readAll() const;
  void sync() const noexcept;

 private:
  explicit LogFile(int fd) noexcept : fd_(fd) {}

  int fd_;
};

// Makes the folder and those above it that are missing, each with mode 0700.
std::error_code makeFolders(const std::filesystem::path& path);
// Makes one new folder with mode 0700; an error if there is something of that name.
std::error_code makeNewFolder(const std::filesystem::path& path) noexcept;
// Why this process may not make files in the folder; no error when it may.
std::error_code writable(const std::filesystem::path& folder) noexcept;
// Whether it is a folder, not a link to one, that no other user can change.
bool isOwn(const std::filesystem::path& folder) noexcept;

}  // namespace hio::net
