#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {

Progress::Progress(std::optional<std::uint64_t> total) {
  if (isTerminal(2)) total_ = total;
}

void Progress::update(std::uint64_t sent, base::Tyme now) {
  if (!total_ || sent == 0) return;
  if (!start_) start_ = now;
  if (now < next_) return;
  next_ = now + Pause;
  draw(sent, now);
}

void Progress::draw(std::uint64_t sent, base::Tyme now) {
  const double seconds = std::chrono::duration<double>(now - start_.value_or(now)).count();
  const double share =
      *total_ == 0 ? 1.0 : static_cast<double>(sent) / static_cast<double>(*total_);
  std::string line = fmt::format("\r\033[K{:3.0f}%  {:.1f} of {:.1f} MiB",
                                 100 * std::min(share, 1.0), mebibytes(sent), mebibytes(*total_));
  if (seconds > 0) line += fmt::format("  {:.1f} MiB/s", mebibytes(sent) / seconds);
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
  (void)std::fflush(stderr);
  drawn_ = true;
}

void Progress::wipe() {
  if (!drawn_) return;
  (void)std::fputs("\r\033[K", stderr);
  (void)std::fflush(stderr);
  drawn_ = false;
}

void Progress::finish(std::uint64_t sent, base::Tyme now) {
  if (!total_ || sent == 0) return;
  draw(sent, now);
  (void)std::fputc('\n', stderr);
  drawn_ = false;
}

}  // namespace hio::tool
