// As much of writing JSON (RFC 8259) as the tool needs.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hio::tool {

// A JSON string. Bytes that are no UTF-8 become U+FFFD, one each.
std::string jsonString(std::string_view text);
// The items are JSON already.
std::string jsonArray(const std::vector<std::string>& items);
std::string jsonArrayOf(const std::vector<std::string>& texts);
// The values are JSON already; the members keep their order.
std::string jsonObject(const std::vector<std::pair<std::string_view, std::string>>& members);

}  // namespace hio::tool
