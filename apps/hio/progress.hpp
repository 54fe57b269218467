// One line on the terminal that tells how far the sending is.
#pragma once

#include <cstdint>
#include <optional>

#include "hio/base/tyming.hpp"

namespace hio::tool {

class Progress {
 public:
  static constexpr base::Tyme Pause = std::chrono::milliseconds(200);  // between two updates

  // Of so many bytes; empty, or standard error being no terminal: shows nothing.
  explicit Progress(std::optional<std::uint64_t> total);

  bool shown() const noexcept { return total_.has_value(); }
  void update(std::uint64_t sent, base::Tyme now);
  // Wipes the line away, so that another one can be written.
  void wipe();
  // Leaves the last state on the terminal.
  void finish(std::uint64_t sent, base::Tyme now);

 private:
  void draw(std::uint64_t sent, base::Tyme now);

  std::optional<std::uint64_t> total_;
  std::optional<base::Tyme> start_;  // when the first byte had gone
  base::Tyme next_{0};
  bool drawn_ = false;
};

}  // namespace hio::tool
