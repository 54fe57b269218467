#include "net/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "net/posix/descriptor.hpp"

namespace hio::net {

using posix::lastError;
using posix::uninterrupted;

std::optional<LogFile> LogFile::create(const std::filesystem::path& path, std::error_code& code) {
  constexpr int Flags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
  const int fd = uninterrupted([&] { return ::open(path.c_str(), Flags, 0600); });
  if (fd >= 0) return LogFile(fd);
  code = lastError();
  return std::nullopt;
}

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

LogFile::LogFile(LogFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

std::error_code LogFile::append(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = uninterrupted([&] { return ::write(fd_, bytes.data(), bytes.size()); });
    if (count < 0) return lastError();
    if (count == 0) return std::make_error_code(std::errc::io_error);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::optional<help::Bytes> LogFile::readAll() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return std::nullopt;
  help::Bytes bytes(static_cast<std::size_t>(status.st_size));
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = uninterrupted(
        [&] { return ::pread(fd_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at)); });
    if (count <= 0) return std::nullopt;
    at += static_cast<std::size_t>(count);
  }
  return bytes;
}

void LogFile::sync() const noexcept { (void)::fsync(fd_); }

std::error_code makeFolders(const std::filesystem::path& path) {
  std::filesystem::path part;
  for (const auto& name : path) {
    part /= name;
    if (::mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    // A folder that exists above one that may not be written, such as "/".
    std::error_code ignored;
    if (const auto code = lastError(); !std::filesystem::is_directory(part, ignored)) return code;
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  return std::make_error_code(std::errc::not_a_directory);
}

std::error_code makeNewFolder(const std::filesystem::path& path) noexcept {
  return ::mkdir(path.c_str(), 0700) == 0 ? std::error_code() : lastError();
}

std::error_code writable(const std::filesystem::path& folder) noexcept {
  constexpr int Wanted = R_OK | W_OK | X_OK;
  return ::faccessat(AT_FDCWD, folder.c_str(), Wanted, AT_EACCESS) == 0 ? std::error_code()
                                                                        : lastError();
}

bool isOwn(const std::filesystem::path& folder) noexcept {
  struct stat status {};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace hio::net
