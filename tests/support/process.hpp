// Programs, folders and modes that a test has for itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hio::test {

// A new folder of its own, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// For a scope, new files get every permission they are made with.
class OpenUmask {
 public:
  OpenUmask();
  ~OpenUmask();
  OpenUmask(const OpenUmask&) = delete;
  OpenUmask& operator=(const OpenUmask&) = delete;

 private:
  mode_t old_;
};

// For a scope, no file of this process grows beyond so many bytes.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t size);
  ~FullDisk();
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  std::uint64_t old_;
};

// Where a program's standard input comes from and its output goes to; -1: nowhere and the log. The
// caller's, who may close them once the program runs.
struct StandardStreams {
  int in = -1;
  int out = -1;
};

// Runs a program, its output going to `log`, and kills it in the end.
class Process {
 public:
  Process(const std::vector<std::string>& command, const std::filesystem::path& log,
          StandardStreams streams = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool running();
  // Kills it and waits until it is gone, and its connections with it.
  void kill();
  // Its exit code once it has ended by itself; empty before, and for one that was killed.
  const std::optional<int>& code() const { return code_; }
  // What it has printed.
  std::string printed() const;
  // Waits until something listens on that port of 127.0.0.1; throws, with what the program printed,
  // when it ends before.
  void awaitPort(std::uint16_t port);

 private:
  pid_t pid_;
  std::filesystem::path log_;
  std::optional<int> code_;
};

// A port of 127.0.0.1 that was free a moment ago.
std::uint16_t freePort();

}  // namespace hio::test
