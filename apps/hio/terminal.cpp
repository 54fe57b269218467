#include "terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <limits>

#include "exit_codes.hpp"

namespace hio::tool {
namespace {

std::error_code lastError() noexcept { return {errno, std::system_category()}; }

template <class Call>
auto uninterrupted(Call call) noexcept {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// Where the handler leaves its note. A signal handler has nothing but globals.
volatile std::sig_atomic_t interruptPipe = -1;
volatile std::sig_atomic_t interruptCount = 0;

extern "C" void onInterrupt(int /*signal*/) {
  const int before = errno;
  interruptCount = interruptCount + 1;
  const char note = 0;
  if (interruptPipe >= 0) (void)!::write(interruptPipe, &note, 1);
  errno = before;
}

void handle(int signal, void (*handler)(int)) noexcept {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(signal, &action, nullptr);
}

[[noreturn]] void cannotOpen(const std::string& path, const std::error_code& code) {
  throw Problem(ExitCode::usage, fmt::format("cannot open '{}': {}", path, code.message()));
}

std::error_code writeAll(int fd, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (count < 0) return lastError();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

void prepareProcess() noexcept {
  for (const int fd : {0, 1, 2}) {
    // The lowest free number is taken, so this is `fd`. Reading gives the end, writing an error.
    if (::fcntl(fd, F_GETFD) == -1) (void)::open("/dev/null", O_RDONLY);
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
}

bool isTerminal(int fd) noexcept { return ::isatty(fd) == 1; }

void resetConnection(int fd) noexcept {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  (void)::connect(fd, &nowhere, sizeof nowhere);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// ---- signals ------------------------------------------------------------------------------------

Interrupts::Interrupts() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(lastError(), "make a pipe");
  }
  read_ = Descriptor(ends[0]);
  write_ = Descriptor(ends[1]);
  interruptPipe = ends[1];
  handle(SIGINT, onInterrupt);
  handle(SIGTERM, onInterrupt);
}

Interrupts::~Interrupts() {
  handle(SIGINT, SIG_DFL);
  handle(SIGTERM, SIG_DFL);
  interruptPipe = -1;
}

bool Interrupts::asked() const noexcept { return interruptCount > 0; }

// ---- waiting ------------------------------------------------------------------------------------

void Waiter::add(int fd, bool read, bool write) {
  if (fd < 0 || (!read && !write)) return;
  const int events = (read ? POLLIN : 0) | (write ? POLLOUT : 0);
  polled_.push_back({fd, static_cast<short>(events), 0});
  // A file cannot be watched, and need not be: it is always ready.
  std::error_code code;
  if (!watched_.contains(fd)) watched_.emplace(fd, poller_->watch(fd, ignored_, code));
}

void Waiter::wait(std::optional<std::chrono::nanoseconds> most) {
  // The poller tells of changes only: what is ready already would not end its wait.
  look();
  const bool some = std::any_of(polled_.begin(), polled_.end(),
                                [](const pollfd& each) { return each.revents != 0; });
  (void)poller_->wait(some ? std::chrono::nanoseconds(0) : most);
  if (!some) look();
}

void Waiter::look() noexcept {
  if (::poll(polled_.data(), polled_.size(), 0) >= 0) return;
  // A signal, most likely: nothing is known to be ready.
  for (pollfd& each : polled_) each.revents = 0;
}

bool Waiter::ready(int fd) const noexcept {
  return std::any_of(polled_.begin(), polled_.end(),
                     [fd](const pollfd& each) { return each.fd == fd && each.revents != 0; });
}

// ---- input --------------------------------------------------------------------------------------

Input::Input() noexcept : fd_(STDIN_FILENO) { look(); }

Input::Input(const std::string& path)
    : owned_(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); })),
      fd_(owned_.get()) {
  if (fd_ < 0) cannotOpen(path, lastError());
  struct stat status {};
  if (::fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode)) {
    cannotOpen(path, std::make_error_code(std::errc::is_a_directory));
  }
  look();
}

void Input::look() noexcept {
  terminal_ = tool::isTerminal(fd_);
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  const off_t at = ::lseek(fd_, 0, SEEK_CUR);
  size_ = at >= 0 && at < status.st_size ? static_cast<std::uint64_t>(status.st_size - at) : 0;
}

Input::Got Input::read(std::span<std::byte> room) noexcept {
  const ssize_t count = ::read(fd_, room.data(), room.size());
  if (count > 0) return {.count = static_cast<std::size_t>(count)};
  if (count == 0) return {.ended = true};
  if (errno == EAGAIN || errno == EINTR) return {};
  return {.error = lastError()};
}

Input::Got Input::readAt(std::uint64_t offset, std::span<std::byte> room) const noexcept {
  const ssize_t count = uninterrupted(
      [&] { return ::pread(fd_, room.data(), room.size(), static_cast<off_t>(offset)); });
  if (count > 0) return {.count = static_cast<std::size_t>(count)};
  if (count == 0) return {.ended = true};
  return {.error = lastError()};
}

// ---- output -------------------------------------------------------------------------------------

// The descriptor is shared with other programs, so it is not made nonblocking. A pipe that is ready
// has room for PIPE_BUF bytes, a file for everything.
Output::Output() noexcept : piece_(PIPE_BUF) {
  struct stat status {};
  if (::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode)) piece_ = 1U << 20U;
}

int Output::fd() const noexcept { return STDOUT_FILENO; }

Output::Put Output::write(std::span<const std::byte> bytes) noexcept {
  Put put;
  while (!bytes.empty()) {
    pollfd room{STDOUT_FILENO, POLLOUT, 0};
    if (::poll(&room, 1, 0) <= 0) break;
    const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), std::min(piece_, bytes.size()));
    if (count < 0) {
      if (errno == EPIPE) {
        put.gone = true;
      } else if (errno != EAGAIN && errno != EINTR) {
        put.error = lastError();
      }
      break;
    }
    put.count += static_cast<std::size_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return put;
}

// ---- files to write -----------------------------------------------------------------------------

void writeFile(const std::string& path, std::string_view text) {
  const Descriptor file(uninterrupted([&] {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                  S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  }));
  if (file.get() < 0) cannotOpen(path, lastError());
  if (const std::error_code error = writeAll(file.get(), std::as_bytes(std::span(text)))) {
    throw Problem(ExitCode::usage, fmt::format("cannot write '{}': {}", path, error.message()));
  }
}

AppendFile::AppendFile(const std::string& path)
    : fd_(uninterrupted([&] {
        return ::open(
            path.c_str(),
            O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
            S_IRUSR | S_IWUSR);
      })) {
  if (fd_.get() < 0) cannotOpen(path, lastError());
}

std::error_code AppendFile::append(std::span<const std::byte> bytes) noexcept {
  return writeAll(fd_.get(), bytes);
}

}  // namespace hio::tool
