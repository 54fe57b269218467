#include "hio/core/wiring.hpp"

#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "hio/help/timing.hpp"
#include "net/log_file.hpp"

namespace hio::core {
namespace {

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

  // Appends a whole entry, or nothing and throws std::bad_alloc.
  void write(help::Bytearray& entry, std::string_view direction, std::string_view who,
             std::span<const std::byte> data) const {
    std::size_t size = 0;
    for (const Piece& piece : pieces_) {
      size += piece.text.size() + (piece.key == Key::dx ? direction.size() : 0) +
              (piece.key == Key::who ? who.size() : 0) + (piece.key == Key::data ? data.size() : 0);
    }
    (void)entry.writable(size);
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
    const std::size_t before = entry_.size();
    pattern.write(entry_, direction, who, data);
    return limit_ == 0 || trim(entry_.size() - before);
  }

  std::optional<help::Bytes> read() const {
    if (file_) return file_->readAll();
    return help::Bytes(entry_.view().begin(), entry_.view().end());
  }

  void sync() const noexcept {
    if (file_) file_->sync();
  }

 private:
  // Drops the oldest entries down to the limit; false when the new one is among them.
  bool trim(std::size_t added) {
    sizes_.push_back(added);
    while (entry_.size() > limit_) {
      entry_.consume(sizes_.front());
      sizes_.pop_front();
    }
    return !sizes_.empty();
  }

  std::optional<net::LogFile> file_;
  std::size_t limit_ = 0;
  help::Bytearray entry_;  // one entry on its way to the file; the whole log in memory
  std::deque<std::size_t> sizes_;
};

WireLog::WireLog(WireLogOptions options)
    : options_(checked(std::move(options))),
      pattern_(std::make_unique<Pattern>(options_.fmt ? std::string_view(*options_.fmt) : Format)) {
  if (options_.reopen) reopen();
}

WireLog::~WireLog() { close(); }

bool WireLog::reopen(WireLogChanges changes) {
  close(changes.clear);
  adopt(changes);
  error_.clear();
  opened_ = openLogs();
  if (!opened_) {
    rxl_.reset();
    txl_.reset();
  }
  return opened_;
}

void WireLog::adopt(WireLogChanges& changes) {
  WireLogOptions next = options_;
  const auto set = [](auto& to, auto& from) {
    if (from) to = std::move(*from);
  };
  set(next.rxed, changes.rxed);
  set(next.txed, changes.txed);
  set(next.samed, changes.samed);
  set(next.filed, changes.filed);
  set(next.fmt, changes.fmt);
  set(next.name, changes.name);
  set(next.temp, changes.temp);
  set(next.headDirPath, changes.headDirPath);
  next = checked(std::move(next));
  pattern_ = std::make_unique<Pattern>(next.fmt ? std::string_view(*next.fmt) : Format);
  options_ = std::move(next);
}

bool WireLog::openLogs() {
  dirPath_.clear();
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

bool WireLog::openFolder() {
  namespace fs = std::filesystem;
  const auto make = [this](const fs::path& path) {
    const std::error_code code = net::makeFolders(path);
    if (code) error_ = "WireLog: make the folder " + path.string() + ": " + code.message();
    return !code;
  };
  if (options_.temp) {
    std::error_code code;
    const fs::path top = fs::temp_directory_path(code);
    fs::path head = top / options_.prefix / "wirelogs";
    if (!make(head) || !net::isWritable(head)) head = top;  // it may be another user's
    error_.clear();
    // Another log may be opened within the same microsecond.
    for (int number = 0; number < 1000; ++number) {
      dirPath_ = head / ("test_" + help::utcStamp() + '_' + std::to_string(number) + "_temp");
      code = net::makeNewFolder(dirPath_);
      if (code != std::errc::file_exists) break;
    }
    if (code) error_ = "WireLog: make the folder " + dirPath_.string() + ": " + code.message();
    if (code) dirPath_.clear();
    return !code;
  }
  const fs::path head =
      options_.headDirPath.empty() ? fs::path(HeadDirPath) : fs::path(options_.headDirPath);
  dirPath_ = head / options_.prefix / "wirelogs";
  if (make(dirPath_) && net::isWritable(dirPath_)) return true;
  const char* const home = std::getenv("HOME");
  dirPath_ = fs::path(home != nullptr ? home : "/") / ('.' + options_.prefix) / "wirelogs";
  return make(dirPath_);
}

std::shared_ptr<WireLog::Log> WireLog::openLog(const std::string& stamp, std::string_view ending) {
  if (!options_.filed) return std::make_shared<Log>(options_.limit);
  std::error_code code;
  std::filesystem::path path;
  for (int number = 0; number < 1000; ++number) {
    const std::string again = number == 0 ? "" : '-' + std::to_string(number);
    path = dirPath_ / (options_.name + '.' + stamp + again + std::string(ending));
    if (auto file = net::LogFile::create(path, code)) {
      error_.clear();
      return std::make_shared<Log>(std::move(*file));
    }
    if (code != std::errc::file_exists) break;
  }
  error_ = "WireLog: make the file " + path.string() + ": " + code.message();
  return nullptr;
}

void WireLog::close(bool clear) {
  flush();
  opened_ = false;
  rxl_.reset();
  txl_.reset();
  if (dirPath_.empty() || !(clear || options_.temp)) return;
  std::error_code ignored;  // what cannot be removed is left: there is nobody to tell
  std::filesystem::remove_all(dirPath_, ignored);
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
  } catch (const std::bad_alloc&) {
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
