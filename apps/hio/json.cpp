#include "json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hio::tool {
namespace {

// How many bytes the character at the front has; 0: it is no UTF-8 (RFC 3629).
std::size_t characterAt(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : length;
}

std::string escaped(char character) {
  switch (character) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  return code < 0x20 || code == 0x7f ? fmt::format("\\u{:04x}", code) : std::string(1, character);
}

std::string joined(const std::vector<std::string>& items, char open, char close) {
  return open + fmt::format("{}", fmt::join(items, ", ")) + close;
}

}  // namespace

std::string jsonString(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = characterAt(text);
    if (length == 1) {
      json += escaped(text.front());
    } else {
      json += length == 0 ? std::string_view("\\ufffd") : text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return json + '"';
}

std::string jsonArray(const std::vector<std::string>& items) { return joined(items, '[', ']'); }

std::string jsonArrayOf(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  items.reserve(texts.size());
  for (const std::string& text : texts) items.push_back(jsonString(text));
  return jsonArray(items);
}

std::string jsonObject(const std::vector<std::pair<std::string_view, std::string>>& members) {
  std::vector<std::string> items;
  items.reserve(members.size());
  for (const auto& [name, value] : members) items.push_back(jsonString(name) + ": " + value);
  return joined(items, '{', '}');
}

}  // namespace hio::tool
