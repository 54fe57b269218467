// What one call on a stream or listener came to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

#include "hio/export.hpp"

namespace hio::net {

// An error of the operating system, of category "system".
inline std::error_code systemError(std::errc error) noexcept {
  return {static_cast<int>(error), std::system_category()};
}

// Never thrown away: every call of the seam is answered by one of these.
//
//   done(count)     it went well; bytes moved, 0 where there are none to count
//   blocked(on)     nothing happened; try again when the stream is ready for `on`
//   lacking(on)     blocked, too, but by a machine that is short of memory or descriptors: no
//                   readiness will tell when that is over, so try again after a pause
//   ended           the far side has cleanly finished sending
//   lost(code)      the far side, or the way to it, is gone
//   failed(code)    anything else: this side's fault or its machine's
class [[nodiscard]] IoResult {
 public:
  enum class Kind : std::uint8_t { done, blocked, ended, lost, failed };
  enum class On : std::uint8_t { read, write };

  static IoResult done(std::size_t count = 0) noexcept { return {Kind::done, On::read, count, {}}; }
  static IoResult blocked(On on) noexcept { return {Kind::blocked, on, 0, {}}; }
  static IoResult lacking(On on) noexcept {
    IoResult result(Kind::blocked, on, 0, {});
    result.lacksMemory_ = true;
    return result;
  }
  static IoResult ended() noexcept { return {Kind::ended, On::read, 0, {}}; }
  static IoResult lost(std::error_code code) noexcept { return {Kind::lost, On::read, 0, code}; }
  static IoResult failed(std::error_code code) noexcept {
    return {Kind::failed, On::read, 0, code};
  }
  // Sorts an error of the operating system into blocked or lacking (on `on`), lost or failed. This
  // is the project's one table of errors.
  HIO_EXPORT static IoResult of(std::error_code code, On on) noexcept;

  Kind kind() const noexcept { return kind_; }
  bool isDone() const noexcept { return kind_ == Kind::done; }
  bool isBlocked() const noexcept { return kind_ == Kind::blocked; }
  // Blocked by a shortage of the machine, not by the far side.
  bool lacksMemory() const noexcept { return lacksMemory_; }
  bool isEnded() const noexcept { return kind_ == Kind::ended; }
  // Lost or failed: there is a code().
  bool isError() const noexcept { return kind_ == Kind::lost || kind_ == Kind::failed; }
  // The same with the bytes that a send had moved before it failed.
  IoResult after(std::size_t count) const noexcept {
    IoResult result = *this;
    result.count_ = count;
    return result;
  }
  // Bytes moved; 0 unless done, or where a send failed after some.
  std::size_t count() const noexcept { return count_; }
  // What to wait for; meaningful when blocked.
  On on() const noexcept { return on_; }
  // Why; set when lost or failed.
  const std::error_code& code() const noexcept { return code_; }

 private:
  IoResult(Kind kind, On on, std::size_t count, std::error_code code) noexcept
      : kind_(kind), on_(on), count_(count), code_(code) {}

  Kind kind_;
  On on_;
  bool lacksMemory_ = false;
  std::size_t count_;
  std::error_code code_;
};

}  // namespace hio::net
