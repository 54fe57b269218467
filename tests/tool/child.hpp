// The tool as a child process: its streams are pipes that the test serves without ever blocking.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hio::tool_test {

// Far more than anything takes: only a hanging program comes to feel it.
constexpr std::chrono::seconds Generous{60};

inline bool oneLine(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

class Child {
 public:
  // Runs `hio` with the arguments. Standard input comes from the path, or from this test when
  // empty.
  explicit Child(std::vector<std::string> arguments, const std::string& stdinPath = {}) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto [inRead, inWrite] = stdinPath.empty() ? pipe() : openFile(stdinPath);
    const auto [outRead, outWrite] = pipe();
    const auto [errRead, errWrite] = pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, inRead, 0);
    posix_spawn_file_actions_adddup2(&actions, outWrite, 1);
    posix_spawn_file_actions_adddup2(&actions, errWrite, 2);
    arguments.insert(arguments.begin(), HIO_TOOL);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, HIO_TOOL, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    for (const int fd : {inRead, outWrite, errWrite}) ::close(fd);
    in_ = inWrite;
    out_ = outRead;
    err_ = errRead;
    if (error != 0) throw std::runtime_error("cannot run " HIO_TOOL);
    for (const int fd : {in_, out_, err_}) {
      if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
  }

  ~Child() {
    if (pid_ > 0 && !ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    closeInput();
    closeOutput();
    if (err_ >= 0) ::close(err_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Goes to standard input as the child takes it.
  void write(std::string_view bytes) { pending_ += bytes; }
  // Ends standard input when all has been written.
  void endInput() { endInput_ = true; }
  // Stops reading standard output for good, as a pager that is left.
  void closeOutput() {
    if (out_ >= 0) ::close(std::exchange(out_, -1));
  }
  void signal(int number) const { ::kill(pid_, number); }

  // Serves the pipes until the condition holds; false when it does not come to pass.
  bool until(const std::function<bool()>& holds) {
    const auto giveUp = std::chrono::steady_clock::now() + Generous;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > giveUp) return false;
      serve();
    }
    return true;
  }
  bool untilOut(std::string_view text) {
    return until([&] { return out.find(text) != std::string::npos; });
  }
  bool untilErr(std::string_view text) {
    return until([&] { return err.find(text) != std::string::npos; });
  }

  // Waits for the end: the exit code, or 1000 and the signal; -1 when it does not end.
  int wait() {
    const bool well = until([this] {
      int status = 0;
      if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        ended_ = true;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
      }
      return ended_ && outEnded_ && errEnded_;
    });
    return well ? code_ : -1;
  }
  // Ends the input, then waits.
  int finish() {
    endInput();
    return wait();
  }

  pid_t pid() const { return pid_; }

  std::string out;
  std::string err;

 private:
  using Ends = std::pair<int, int>;

  static Ends pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    return {ends[0], ends[1]};
  }
  static Ends openFile(const std::string& path) {
    return {::open(path.c_str(), O_RDONLY | O_CLOEXEC), -1};
  }

  void closeInput() {
    if (in_ >= 0) ::close(std::exchange(in_, -1));
  }

  // One turn: waits a moment for a pipe, then moves what can be moved.
  void serve() {
    if (pending_.empty() && endInput_) closeInput();
    std::array<pollfd, 3> fds{pollfd{pending_.empty() ? -1 : in_, POLLOUT, 0},
                              pollfd{outEnded_ ? -1 : out_, POLLIN, 0},
                              pollfd{errEnded_ ? -1 : err_, POLLIN, 0}};
    ::poll(fds.data(), fds.size(), 10);
    if (fds[0].revents != 0) feed();
    outEnded_ = outEnded_ || out_ < 0 || !drain(out_, out);
    errEnded_ = errEnded_ || !drain(err_, err);
  }

  void feed() {
    const ssize_t count = ::write(in_, pending_.data(), pending_.size());
    if (count >= 0) {
      pending_.erase(0, static_cast<std::size_t>(count));
    } else if (errno != EAGAIN) {
      pending_.clear();
      closeInput();
    }
  }

  // False at the end.
  static bool drain(int fd, std::string& to) {
    std::array<char, 65536> room{};
    while (true) {
      const ssize_t count = ::read(fd, room.data(), room.size());
      if (count == 0) return false;
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      to.append(room.data(), static_cast<std::size_t>(count));
    }
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  int code_ = -1;
  bool ended_ = false;
  bool outEnded_ = false;
  bool errEnded_ = false;
  bool endInput_ = false;
  std::string pending_;
};

}  // namespace hio::tool_test
