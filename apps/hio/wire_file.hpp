// The wire log of `hio connect`: both directions in one file that the user names.
#pragma once

#include <string>

#include "hio/core/wiring.hpp"
#include "terminal.hpp"

namespace hio::tool {

// A WireLog names its files itself, so here it logs in memory, and what it holds is added to the
// user's file in each turn.
class WireFile {
 public:
  // Throws Problem when the file cannot be opened.
  explicit WireFile(const std::string& path);

  core::WireLog* log() noexcept { return &log_; }
  // Moves what has been logged into the file. The first failure gives a warning, and the logging
  // ends there; the stream goes on.
  void save();

 private:
  // More than one turn of the loop can log.
  static constexpr std::size_t Most = 16U << 20U;

  void giveUp(const std::string& why);

  std::string path_;
  AppendFile file_;
  core::WireLog log_;
};

}  // namespace hio::tool
