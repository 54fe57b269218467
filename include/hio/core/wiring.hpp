// hio.core.wiring: a log of the bytes that went over the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "hio/export.hpp"
#include "hio/help/bytearray.hpp"

namespace hio::core {

struct WireLogOptions {
  bool rxed = true;    // log what is received
  bool txed = true;    // log what is sent
  bool samed = false;  // both directions in one log, in call order
  bool filed = false;  // in files; otherwise in memory
  // An entry's format; empty: WireLog::Format.
  std::optional<std::string> fmt{};
  // Part of the files' names, and of the folder's path; without '/'.
  std::string name = "main";
  bool temp = false;  // files go to a temporary folder, which close() removes
  std::string prefix = "hio";
  // Head of the folder's path; empty: WireLog::HeadDirPath.
  std::string headDirPath{};
  bool reopen = false;  // open at construction
  // Bytes that a log in memory keeps, dropping its oldest entries for new ones; a longer entry is
  // lost. 0: all.
  std::size_t limit = 0;
};

// What reopen() changes; empty: as before.
struct WireLogChanges {
  std::optional<bool> rxed{};
  std::optional<bool> txed{};
  std::optional<bool> samed{};
  std::optional<bool> filed{};
  std::optional<std::string> fmt{};
  std::optional<std::string> name{};
  std::optional<bool> temp{};
  std::optional<std::string> headDirPath{};
  bool clear = false;  // remove the files of the log that is closed
};

// Writes an entry for each piece of data received or sent (contract G1 to G6). Logging never
// disturbs the stream: what cannot be written is counted in lost() and forgotten. The log holds the
// traffic as it is, passwords and all: files are made with mode 0600, in folders of mode 0700,
// never through a symbolic link. Not thread-safe; clients and servers hold a pointer to it, so it
// must outlive them.
class HIO_EXPORT WireLog {
 public:
  static constexpr std::string_view HeadDirPath = "/usr/local/var";
  // %(dx)b is "Rx" or "Tx", %(who)b the far address, %(data)b the bytes, %% a percent sign.
  static constexpr std::string_view Format = "\n%(dx)b %(who)b:\n%(data)b\n";

  // Throws std::invalid_argument for a format with an unknown key, and for a name or prefix that
  // would lead out of its folder.
  explicit WireLog(WireLogOptions options = {});
  ~WireLog();
  WireLog(const WireLog&) = delete;
  WireLog& operator=(const WireLog&) = delete;

  // Closes, then opens with the changes. A log in memory starts empty, one in files starts new
  // files. False, and closed, when its files cannot be made; error() says why. Throws
  // std::invalid_argument, and goes on as it was, for what the constructor refuses too.
  bool reopen(WireLogChanges changes = {});
  // Idempotent. Removes the files when the log is temporary or `clear` is given, and their folder
  // unless other logs have files in it.
  void close(bool clear = false);
  // Waits until what was written has reached the disk; nothing to do in memory.
  void flush();

  // Nothing happens when that direction is off or the log is closed (contract G3, W3).
  void writeRx(std::span<const std::byte> data, std::string_view who = {});
  void writeRx(std::string_view data, std::string_view who = {});
  void writeTx(std::span<const std::byte> data, std::string_view who = {});
  void writeTx(std::string_view data, std::string_view who = {});

  // All that the log holds; empty when there is no log of that direction (contract G4).
  std::optional<help::Bytes> readRx() const;
  std::optional<help::Bytes> readTx() const;

  bool opened() const noexcept { return opened_; }
  bool rxed() const noexcept { return options_.rxed; }
  bool txed() const noexcept { return options_.txed; }
  bool samed() const noexcept { return options_.samed; }
  bool filed() const noexcept { return options_.filed; }
  bool temp() const noexcept { return options_.temp; }
  const std::string& name() const noexcept { return options_.name; }
  const std::string& prefix() const noexcept { return options_.prefix; }
  // The folder of the files; empty when in memory or never opened.
  const std::filesystem::path& dirPath() const noexcept { return dirPath_; }
  // Entries that could not be written, or not as a whole, since construction.
  std::uint64_t lost() const noexcept { return lost_; }
  // Why reopen() last gave false, with the path; empty otherwise.
  const std::string& error() const noexcept { return error_; }

 private:
  class Pattern;  // the format, taken apart once
  class Log;      // one log, in memory or a file

  static std::unique_ptr<const Pattern> patternOf(const WireLogOptions& options);
  bool openLogs();
  bool openFolder();
  bool makeTemporaryFolder();
  bool makeLastingFolder();
  bool refuse(const std::string& what, const std::error_code& code);
  std::shared_ptr<Log> openLog(const std::string& stamp, std::string_view ending);
  void write(Log* log, std::string_view direction, std::span<const std::byte> data,
             std::string_view who) noexcept;

  WireLogOptions options_;
  std::unique_ptr<const Pattern> pattern_;
  std::shared_ptr<Log> rxl_;  // the same as txl_ when samed
  std::shared_ptr<Log> txl_;
  std::filesystem::path dirPath_;
  std::vector<std::filesystem::path> files_;  // of the log that is open
  std::string error_;
  std::uint64_t lost_ = 0;
  bool opened_ = false;
};

// A log for a scope: opened now, closed at the end (contract G7). The default options are hio's:
// the name "test", temporary; options given replace them all. Throws std::runtime_error, with the
// path, when it cannot be opened.
HIO_EXPORT std::unique_ptr<WireLog> openWL(WireLogOptions options = {.name = "test", .temp = true});

}  // namespace hio::core
