#include "hio/core/wiring.hpp"

#include <cstdlib>
#include <deque>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "hio/help/timing.hpp"
#include "net/log_file.hpp"

namespace hio::core {
namespace {

// How many names are tried before giving up.
constexpr int Most = 1000;

void checkPart(const std::string& part, std::string_view field) {
  if (part != "." && part != ".." && part.find('/') == std::string::npos &&
      part.find('\0') == std::string::npos) {
    return;
  }
  throw std::invalid_argument("WireLog: " + std::string(field) + " is '" + part +
                              "'; it must be a plain file name");
}

WireLogOptions checked(WireLogOptions options) {
  if (options.name.empty()) options.name = "main";
  checkPart(options.name, "name");
  checkPart(options.prefix, "prefix");
  return options;
}

WireLogOptions changed(WireLogOptions options, WireLogChanges& changes) {
  const auto set = [](auto& to, auto& from) {
    if (from) to = std::move(*from);
  };
  set(options.rxed, changes.rxed);
  set(options.txed, changes.txed);
  set(options.samed, changes.samed);
  set(options.filed, changes.filed);
  set(options.fmt, changes.fmt);
  set(options.name, changes.name);
  set(options.temp, changes.temp);
  set(options.headDirPath, changes.headDirPath);
  return checked(std::move(options));
}

}  // namespace

// An entry's format: literal text and keys in turn.
class WireLog::Pattern {
 public:
  explicit Pattern(std::string_view format) {
    std::string literal;
    for (std::size_t at = 0; at < format.size(); ++at) {
      if (format[at] != '%') {
        literal += format[at];
      } else if (format.substr(at, 2) == "%%") {
        literal += format[at++];
      } else {
        pieces_.push_back({Key::text, std::exchange(literal, {})});
        pieces_.push_back({keyAt(format, at), {}});
      }
    }
    pieces_.push_back({Key::text, std::move(literal)});
  }

  // How long the entry is that write() appends.
  std::size_t sizeOf(std::string_view direction, std::string_view who,
                     std::span<const std::byte> data) const noexcept {
    std::size_t size = 0;
    for (const Piece& piece : pieces_) {
      size += piece.text.size() + (piece.key == Key::dx ? direction.size() : 0) +
              (piece.key == Key::who ? who.size() : 0) + (piece.key == Key::data ? data.size() : 0);
    }
    return size;
  }

  // Appends a whole entry, or nothing and throws std::bad_alloc.
  void write(help::Bytearray& entry, std::string_view direction, std::string_view who,
             std::span<const std::byte> data) const {
    (void)entry.writable(sizeOf(direction, who, data));
    for (const Piece& piece : pieces_) {
      switch (piece.key) {
        case Key::text:
          entry.append(piece.text);
          break;
        case Key::dx:
          entry.append(direction);
          break;
        case Key::who:
          entry.append(who);
          break;
        case Key::data:
          entry.append(data);
          break;
      }
    }
  }

 private:
  enum class Key : std::uint8_t { text, dx, who, data };
  struct Piece {
    Key key;
    std::string text;
  };

  // Moves `at` to the last character of the key.
  static Key keyAt(std::string_view format, std::size_t& at) {
    constexpr std::pair<std::string_view, Key> Keys[] = {
        {"%(dx)", Key::dx}, {"%(who)", Key::who}, {"%(data)", Key::data}};
    for (const auto& [text, key] : Keys) {
      const std::size_t end = at + text.size();
      if (format.substr(at, text.size()) != text || end >= format.size()) continue;
      if (format[end] != 'b' && format[end] != 's') continue;
      at = end;
      return key;
    }
    throw std::invalid_argument("WireLog: fmt '" + std::string(format) + "' at " +
                                std::to_string(at) +
                                ": only %(dx)b, %(who)b, %(data)b and %% are known");
  }

  std::vector<Piece> pieces_;
};

class WireLog::Log {
 public:
  // In memory, of at most `limit` bytes; 0: any number.
  explicit Log(std::size_t limit) noexcept : limit_(limit) {}
  explicit Log(net::LogFile file) noexcept : file_(std::move(file)) {}

  // False when the entry could not be kept as a whole.
  bool write(const Pattern& pattern, std::string_view direction, std::string_view who,
             std::span<const std::byte> data) {
    if (file_) {
      entry_.clear();
      pattern.write(entry_, direction, who, data);
      return !file_->append(entry_.view());
    }
    if (limit_ == 0) {
      pattern.write(entry_, direction, who, data);
      return true;
    }
    const std::size_t size = pattern.sizeOf(direction, who, data);
    if (size > limit_) return false;
    trim(limit_ - size);
    sizes_.push_back(size);
    try {
      pattern.write(entry_, direction, who, data);
    } catch (const std::bad_alloc&) {
      sizes_.pop_back();  // they are what entry_ holds, or trim() would drop parts of entries
      throw;
    }
    return true;
  }

  std::optional<help::Bytes> read() const {
    if (file_) return file_->readAll();
    return help::Bytes(entry_.view().begin(), entry_.view().end());
  }

  void sync() const noexcept {
    if (file_) file_->sync();
  }

 private:
  // Drops the oldest entries until no more than `most` bytes are left.
  void trim(std::size_t most) {
    while (entry_.size() > most) {
      entry_.consume(sizes_.front());
      sizes_.pop_front();
    }
  }

  std::optional<net::LogFile> file_;
  std::size_t limit_ = 0;
  help::Bytearray entry_;          // one entry on its way to the file; the whole log in memory
  std::deque<std::size_t> sizes_;  // of the entries, where there is a limit
};

std::unique_ptr<const WireLog::Pattern> WireLog::patternOf(const WireLogOptions& options) {
  return std::make_unique<const Pattern>(options.fmt ? std::string_view(*options.fmt) : Format);
}

WireLog::WireLog(WireLogOptions options)
    : options_(checked(std::move(options))), pattern_(patternOf(options_)) {
  if (options_.reopen) reopen();
}

WireLog::~WireLog() { close(); }

bool WireLog::reopen(WireLogChanges changes) {
  // What throws comes first: a log that refuses the changes goes on as it was.
  WireLogOptions next = changed(options_, changes);
  auto pattern = patternOf(next);
  close(changes.clear);
  options_ = std::move(next);
  pattern_ = std::move(pattern);
  error_.clear();
  dirPath_.clear();
  files_.clear();
  opened_ = openLogs();
  if (opened_) {
    error_.clear();  // of a place that it could do without
  } else {
    close();  // what is there already
  }
  return opened_;
}

bool WireLog::openLogs() {
  if (!options_.rxed && !options_.txed) return true;
  if (options_.filed && !openFolder()) return false;
  const std::string stamp = help::utcStamp();
  if (options_.samed) {
    const auto log = openLog(stamp, ".log");
    if (options_.rxed) rxl_ = log;
    if (options_.txed) txl_ = log;
    return log != nullptr;
  }
  if (options_.rxed) rxl_ = openLog(stamp, ".rx.log");
  if (options_.txed) txl_ = openLog(stamp, ".tx.log");
  return (rxl_ || !options_.rxed) && (txl_ || !options_.txed);
}

bool WireLog::openFolder() { return options_.temp ? makeTemporaryFolder() : makeLastingFolder(); }

bool WireLog::makeTemporaryFolder() {
  namespace fs = std::filesystem;
  std::error_code code;
  fs::path top = fs::temp_directory_path(code);
  if (!code) top = fs::absolute(top, code);
  if (code) return refuse("find the system's temporary folder", code);
  fs::path head = top / options_.prefix / "wirelogs";
  // Who owns a folder can exchange what is in it, so another user's is left alone.
  if (net::makeFolders(head) || !net::isOwn(head.parent_path()) || !net::isOwn(head)) head = top;
  fs::path folder;
  // Another log may be opened within the same microsecond.
  for (int number = 0; number < Most; ++number) {
    folder = head / ("test_" + help::utcStamp() + '_' + std::to_string(number) + "_temp");
    code = net::makeNewFolder(folder);
    if (code != std::errc::file_exists) break;
  }
  if (code) return refuse("make the folder " + folder.string(), code);
  dirPath_ = std::move(folder);
  return true;
}

bool WireLog::makeLastingFolder() {
  namespace fs = std::filesystem;
  const fs::path head =
      options_.headDirPath.empty() ? fs::path(HeadDirPath) : fs::path(options_.headDirPath);
  const char* const home = std::getenv("HOME");
  std::vector<fs::path> folders{head / options_.prefix / "wirelogs"};
  if (home != nullptr && *home != '\0') {
    folders.push_back(fs::path(home) / ('.' + options_.prefix) / "wirelogs");
  }
  for (const fs::path& each : folders) {
    std::error_code code;
    fs::path folder = fs::absolute(each, code);
    if (!code) code = net::makeFolders(folder);
    if (!code) code = net::writable(folder);
    if (!code) {
      dirPath_ = std::move(folder);
      return true;
    }
    refuse("make files in the folder " + each.string(), code);
  }
  return false;
}

bool WireLog::refuse(const std::string& what, const std::error_code& code) {
  error_ += (error_.empty() ? "WireLog: cannot " : "; nor ") + what + ": " + code.message();
  return false;
}

std::shared_ptr<WireLog::Log> WireLog::openLog(const std::string& stamp, std::string_view ending) {
  if (!options_.filed) return std::make_shared<Log>(options_.limit);
  std::error_code code;
  std::filesystem::path path;
  // Another log may be opened within the same microsecond.
  for (int number = 0; number < Most; ++number) {
    const std::string again = number == 0 ? "" : '-' + std::to_string(number);
    path = dirPath_ / (options_.name + '.' + stamp + again + std::string(ending));
    if (auto file = net::LogFile::create(path, code)) {
      files_.push_back(std::move(path));
      return std::make_shared<Log>(std::move(*file));
    }
    if (code != std::errc::file_exists) break;
  }
  refuse("make the file " + path.string(), code);
  return nullptr;
}

void WireLog::close(bool clear) {
  flush();
  opened_ = false;
  rxl_.reset();
  txl_.reset();
  if (dirPath_.empty() || !(clear || options_.temp)) return;
  std::error_code ignored;  // what cannot be removed is left: there is nobody to tell
  if (options_.temp) {
    std::filesystem::remove_all(dirPath_, ignored);
  } else {
    // Other logs may have files there; then the folder stays.
    for (const auto& file : files_) std::filesystem::remove(file, ignored);
    std::filesystem::remove(dirPath_, ignored);
  }
  dirPath_.clear();
}

void WireLog::flush() {
  if (rxl_) rxl_->sync();
  if (txl_ && txl_ != rxl_) txl_->sync();
}

void WireLog::writeRx(std::span<const std::byte> data, std::string_view who) {
  write(rxl_.get(), "Rx", data, who);
}

void WireLog::writeRx(std::string_view data, std::string_view who) {
  writeRx(help::bytesOf(data), who);
}

void WireLog::writeTx(std::span<const std::byte> data, std::string_view who) {
  write(txl_.get(), "Tx", data, who);
}

void WireLog::writeTx(std::string_view data, std::string_view who) {
  writeTx(help::bytesOf(data), who);
}

void WireLog::write(Log* log, std::string_view direction, std::span<const std::byte> data,
                    std::string_view who) noexcept {
  if (log == nullptr) return;
  try {
    if (!log->write(*pattern_, direction, who, data)) ++lost_;
  } catch (const std::exception&) {  // std::bad_alloc
    ++lost_;
  }
}

std::optional<help::Bytes> WireLog::readRx() const { return rxl_ ? rxl_->read() : std::nullopt; }

std::optional<help::Bytes> WireLog::readTx() const { return txl_ ? txl_->read() : std::nullopt; }

std::unique_ptr<WireLog> openWL(WireLogOptions options) {
  options.reopen = true;
  auto log = std::make_unique<WireLog>(std::move(options));
  if (!log->opened()) throw std::runtime_error(log->error());
  return log;
}

}  // namespace hio::core
