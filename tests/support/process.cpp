#include "support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "hio/net/net.hpp"
#include "support/loopback.hpp"

namespace hio::test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "hio-test-").string();
  name.append(6, 'X');  // mkdtemp's own
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

OpenUmask::OpenUmask() : old_(::umask(0)) {}

OpenUmask::~OpenUmask() { ::umask(old_); }

namespace {

// Sets the limit and gives the one before it.
std::uint64_t limitFiles(std::uint64_t size) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const std::uint64_t old = limit.rlim_cur;
  limit.rlim_cur = size;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  return old;
}

}  // namespace

FullDisk::FullDisk(std::uint64_t size)
    : handler_(std::signal(SIGXFSZ, SIG_IGN)), old_(limitFiles(size)) {}

FullDisk::~FullDisk() {
  limitFiles(old_);
  std::signal(SIGXFSZ, handler_);
}

Process::Process(const std::vector<std::string>& command, const std::filesystem::path& log,
                 StandardStreams streams)
    : log_(log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (streams.in >= 0) {
    posix_spawn_file_actions_adddup2(&files, streams.in, 0);
  } else {
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&files, streams.out >= 0 ? streams.out : 2, 1);
  const int error = ::posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::system_error(error, std::generic_category(), command.front());
}

Process::~Process() { kill(); }

bool Process::running() {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    if (WIFEXITED(status)) code_ = WEXITSTATUS(status);
  }
  return pid_ > 0;
}

void Process::kill() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string Process::printed() const {
  std::ifstream log(log_);
  return {std::istreambuf_iterator<char>(log), {}};
}

void Process::awaitPort(std::uint16_t port) {
  const net::Endpoint target{.ip = *net::Ip::parse("127.0.0.1"), .port = port};
  std::unique_ptr<net::Stream> probe;
  const bool up = turnUntil(
      [&] {
        if (!running()) return true;
        if (!probe) probe = net::systemNet().open(target, {}).it;
        const net::IoResult result = probe->connect();
        if (result.isError()) probe.reset();
        return result.isDone();
      },
      [] {});
  if (up && running()) return;
  throw std::runtime_error("the server did not come up: " + printed());
}

std::uint16_t freePort() {
  // Below the ports that the kernel gives to whoever asks for any, and for each process others:
  // nobody takes it before the one that it is for.
  static unsigned next = static_cast<unsigned>(::getpid()) * 16U;
  while (true) {
    const auto port = static_cast<std::uint16_t>(10000U + next++ % 20000U);
    try {
      const RawListener brief(1, false, port);
      return port;
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::address_in_use) throw;
    }
  }
}

}  // namespace hio::test
