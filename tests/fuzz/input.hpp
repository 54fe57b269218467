// What all fuzzers share: how they draw from their input, and how they fail.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

// libFuzzer and driver.cpp call it, once for each input. Gives 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace hio::fuzz {

// Ends the program, saying what does not hold: that is how a fuzzer finds something.
inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what.c_str());
  std::abort();
}

// An input that is used up from the front. Once empty it gives zeros.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : text_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const noexcept { return text_.empty(); }

  std::uint8_t byte() noexcept {
    if (text_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(text_.front());
    text_.remove_prefix(1);
    return value;
  }
  bool flag() noexcept { return (byte() & 1U) != 0; }
  // From 0 to bound - 1, of a byte, or of two where one does not reach so far.
  std::size_t below(std::size_t bound) noexcept {
    std::size_t value = byte();
    if (bound > 256) value = value << 8U | byte();
    return bound == 0 ? 0 : value % bound;
  }
  template <class T, std::size_t N>
  const T& pick(const std::array<T, N>& choices) noexcept {
    return choices[below(N)];
  }
  // The next bytes, as many as there are at most.
  std::string_view bytes(std::size_t count) noexcept {
    const std::string_view piece = text_.substr(0, count);
    text_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view rest() noexcept { return bytes(text_.size()); }
  // Up to a line's end.
  std::string_view line() noexcept {
    const std::string_view piece = bytes(std::min(text_.find('\n'), text_.size()));
    bytes(1);
    return piece;
  }

 private:
  std::string_view text_;
};

}  // namespace hio::fuzz
