// The wire log's format, its limit and its files, also on a disk that is full: what is read back is
// what an ideal log would have kept.
#include <sys/resource.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "fuzz/input.hpp"
#include "hio/core/wiring.hpp"

namespace {

using namespace hio;
using fuzz::Input;
using fuzz::require;

// An entry, made the slow and obvious way; empty for a format that makes no sense.
std::optional<std::string> entryOf(std::string_view format, std::string_view dx,
                                   std::string_view who, std::string_view data) {
  std::string entry;
  while (!format.empty()) {
    const auto eat = [&](std::string_view mark, std::string_view meaning) {
      if (!format.starts_with(mark)) return false;
      entry += meaning;
      format.remove_prefix(mark.size());
      return true;
    };
    if (!format.starts_with('%')) {
      entry += format.front();
      format.remove_prefix(1);
    } else if (!(eat("%%", "%") || eat("%(dx)b", dx) || eat("%(dx)s", dx) || eat("%(who)b", who) ||
                 eat("%(who)s", who) || eat("%(data)b", data) || eat("%(data)s", data))) {
      return std::nullopt;
    }
  }
  return entry;
}

// Files cannot grow beyond so many bytes, as on a disk that is full.
class SmallDisk {
 public:
  explicit SmallDisk(std::optional<std::size_t> most) {
    getrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit now = before_;
    if (most) now.rlim_cur = *most;
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SmallDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
};

// A folder for the files of this process; gone with it.
class Place {
 public:
  Place() {
    std::string path = std::filesystem::temp_directory_path() / ("hio_fuzz_" + std::string(6, 'X'));
    require(mkdtemp(path.data()) != nullptr, "a temporary folder for the files");
    path_ = path;
    setenv("TMPDIR", path.c_str(), 1);
    setenv("HOME", path.c_str(), 1);
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void empty() const {
    for (const auto& each : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove_all(each.path());
    }
  }

 private:
  std::filesystem::path path_;
};

// What one direction's log should hold.
class Model {
 public:
  explicit Model(std::size_t limit) : limit_(limit) {}

  // False when the entry is lost.
  bool write(const std::string& entry) {
    if (limit_ != 0 && entry.size() > limit_) return false;
    entries_.push_back(entry);
    size_ += entry.size();
    while (limit_ != 0 && size_ > limit_) {
      size_ -= entries_.front().size();
      entries_.pop_front();
    }
    return true;
  }
  std::string text() const {
    std::string text;
    for (const std::string& each : entries_) text += each;
    return text;
  }

 private:
  std::size_t limit_;
  std::size_t size_ = 0;
  std::deque<std::string> entries_;
};

class Run {
 public:
  Run(Input& input, const Place& place) : input_(input), place_(place) {}

  void play() {
    const auto refused = [this] {
      const auto plain = [](const std::string& part) {
        return part != "." && part != ".." && part.find('/') == std::string::npos &&
               part.find('\0') == std::string::npos;
      };
      return !plain(options_.name) || !plain(options_.prefix) || !entryOf(format_, "", "", "");
    };
    std::optional<core::WireLog> log;
    try {
      log.emplace(options_);
    } catch (const std::invalid_argument& error) {
      require(refused(), error.what());
      return;
    }
    require(!refused(), "options that make no sense");
    require(!log->opened() && !log->readRx() && !log->readTx(), "not opened by itself");
    {
      const SmallDisk disk(full_);  // nor could a finding be written down meanwhile
      if (log->reopen()) {
        while (!input_.empty()) write(*log);
        log->flush();
      }
    }
    if (!log->opened()) {
      require(options_.filed && !log->error().empty(), "an error says why there is no log");
      require(!log->readRx() && !log->readTx(), "closed after a failure");
      return;
    }
    if (full_) {
      checkCut(*log);
    } else {
      check(*log);
    }
    log->close(true);
    require(!log->opened() && !log->readRx() && !log->readTx(), "nothing to read once closed");
    log->writeRx("x");  // nothing happens
    log->flush();
  }

 private:
  core::WireLogOptions drawOptions() {
    core::WireLogOptions options;
    const std::uint8_t bits = input_.byte();
    options.rxed = (bits & 1U) == 0;
    options.txed = (bits & 2U) == 0;
    options.samed = (bits & 4U) != 0;
    options.filed = (bits & 0x38U) == 8;  // seldom: files are slow
    options.temp = (bits & 64U) != 0;
    if ((bits & 128U) != 0) options.limit = 1 + input_.below(200);
    if (options.filed) {
      if (input_.flag()) full_ = input_.below(300);
      options.name = input_.line();
      options.prefix = input_.line();
      options.headDirPath = place_.path() / "head";
    }
    if (const std::string_view format = input_.line(); !format.empty()) options.fmt = format;
    return options;
  }

  void write(core::WireLog& log) {
    const bool isRx = input_.flag();
    const std::string_view who = input_.bytes(input_.below(16));
    const std::string_view data = input_.bytes(input_.below(64));
    isRx ? log.writeRx(data, who) : log.writeTx(data, who);
    if (!(isRx ? options_.rxed : options_.txed)) return;
    Model& model = options_.samed || isRx ? rx_ : tx_;
    if (!model.write(*entryOf(format_, isRx ? "Rx" : "Tx", who, data))) ++lost_;
  }

  void check(core::WireLog& log) const {
    require(log.lost() == lost_, "lost() counts what is lost");
    const auto compare = [](const std::optional<help::Bytes>& bytes, bool isOn,
                            const Model& model) {
      require(bytes.has_value() == isOn, "a log for each direction that is on");
      require(!bytes || help::textOf(*bytes) == model.text(), "what is read is what was written");
    };
    for (int times = 0; times < 2; ++times) {
      compare(log.readRx(), options_.rxed, rx_);
      compare(log.readTx(), options_.txed, options_.samed ? rx_ : tx_);
    }
    if (!options_.filed) require(log.dirPath().empty(), "a folder for nothing");
    if (options_.filed && (options_.rxed || options_.txed)) checkFolder(log);
  }

  void checkFolder(const core::WireLog& log) const {
    const std::string within = place_.path().string() + '/';
    require(log.dirPath().string().starts_with(within),
            "outside of its folder: " + log.dirPath().string());
    std::size_t files = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(place_.path())) {
      if (each.is_regular_file()) ++files;
    }
    require(files == (options_.rxed && options_.txed && !options_.samed ? 2U : 1U),
            "one file for each log");
  }

  // A full disk: each log begins as it should, and what is missing was counted.
  void checkCut(core::WireLog& log) const {
    const auto compare = [&](const std::optional<help::Bytes>& bytes, const Model& model) {
      if (!bytes) return;
      require(bytes->size() <= *full_, "more than there was room for");
      require(model.text().starts_with(help::textOf(*bytes)), "another beginning");
      require(model.text().size() == bytes->size() || log.lost() > 0, "a loss is counted");
    };
    compare(log.readRx(), rx_);
    compare(log.readTx(), options_.samed ? rx_ : tx_);
  }

  Input& input_;
  const Place& place_;
  std::optional<std::size_t> full_;
  const core::WireLogOptions options_ = drawOptions();
  const std::string format_ = options_.fmt.value_or(std::string(core::WireLog::Format));
  Model rx_{options_.filed ? 0 : options_.limit};
  Model tx_{options_.filed ? 0 : options_.limit};
  std::uint64_t lost_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  Input input(data, size);
  try {
    Run(input, place).play();
  } catch (const std::exception& error) {
    require(false, error.what());
  }
  if (size > 0 && (data[0] & 0x38U) == 8) place.empty();
  return 0;
}
