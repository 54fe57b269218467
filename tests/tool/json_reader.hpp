// Reads JSON strictly, for tests of what the tool writes.
#pragma once

#include <cctype>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hio::tool_test {

// Each value that is neither object nor array by its path, such as `certificates.0.subject`,
// strings unescaped (all but \u, which stays), empty objects and arrays as `{}` and `[]`.
class Json {
 public:
  // Throws std::runtime_error for what is not JSON.
  explicit Json(std::string_view text) : rest_(text) {
    value("");
    space();
    if (!rest_.empty()) fail("more after the end");
  }

  // Empty also when there is no such value; see has().
  std::string at(const std::string& path) const {
    const auto found = values_.find(path);
    return found == values_.end() ? std::string() : found->second;
  }
  bool has(const std::string& path) const { return values_.count(path) == 1; }

 private:
  [[noreturn]] static void fail(const std::string& why) {
    throw std::runtime_error("no JSON: " + why);
  }

  void space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) {
      rest_.remove_prefix(1);
    }
  }
  char next() {
    if (rest_.empty()) fail("it ends too soon");
    const char first = rest_.front();
    rest_.remove_prefix(1);
    return first;
  }
  bool take(char wanted) {
    space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char wanted) {
    if (!take(wanted)) fail(std::string("no ") + wanted + " before " + std::string(rest_));
  }

  void value(const std::string& path) {
    space();
    if (take('{')) return members(path);
    if (take('[')) return items(path);
    if (!rest_.empty() && rest_.front() == '"') {
      values_[path] = string();
      return;
    }
    std::size_t size = 0;
    while (size < rest_.size() && rest_[size] != ',' && rest_[size] != '}' && rest_[size] != ']' &&
           rest_[size] != '\n') {
      ++size;
    }
    const std::string word(rest_.substr(0, size));
    rest_.remove_prefix(size);
    std::size_t used = 0;
    if (word != "true" && word != "false" && word != "null") {
      if (word.empty() || std::isalpha(static_cast<unsigned char>(word[0])) != 0) fail(word);
      (void)std::stod(word, &used);
      if (used != word.size()) fail(word);
    }
    values_[path] = word;
  }
  void members(const std::string& path) {
    if (take('}')) {
      values_[path] = "{}";
      return;
    }
    do {
      space();
      const std::string name = string();
      need(':');
      value(path.empty() ? name : path + '.' + name);
    } while (take(','));
    need('}');
  }
  void items(const std::string& path) {
    if (take(']')) {
      values_[path] = "[]";
      return;
    }
    int at = 0;
    do value(path + '.' + std::to_string(at++));
    while (take(','));
    need(']');
  }
  std::string string() {
    need('"');
    std::string text;
    for (char each = next(); each != '"'; each = next()) {
      if (static_cast<unsigned char>(each) < 0x20) fail("a control character");
      if (each != '\\') {
        text += each;
        continue;
      }
      const char code = next();
      if (code == '"' || code == '\\') {
        text += code;
      } else if (code == 'n') {
        text += '\n';
      } else if (code == 'u') {
        text += "\\u";
      } else {
        fail(std::string("escape ") + code);
      }
    }
    return text;
  }

  std::string_view rest_;
  std::map<std::string, std::string> values_;
};

}  // namespace hio::tool_test
