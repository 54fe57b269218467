#include "wire_file.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace hio::tool {

WireFile::WireFile(const std::string& path)
    : path_(path), file_(path), log_({.samed = true, .reopen = true, .limit = Most}) {}

void WireFile::save() {
  if (!log_.opened()) return;
  const auto entries = log_.readTx();
  if (!entries || entries->empty()) return;
  if (const std::error_code error = file_.append(*entries)) return giveUp(error.message());
  if (log_.lost() > 0) return giveUp("the log could not keep up");
  if (!log_.reopen()) giveUp(log_.error());
}

void WireFile::giveUp(const std::string& why) {
  log_.close();
  complain(fmt::format("hio: warning: no more is logged in '{}': {}", path_, why));
}

}  // namespace hio::tool
