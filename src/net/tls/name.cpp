#include <algorithm>
#include <stdexcept>

#include "hio/net/endpoint.hpp"
#include "hio/net/tls.hpp"

namespace hio::net {
namespace {

// For messages: control characters must not reach a terminal.
std::string shown(std::string_view name) {
  std::string text(name.substr(0, 100));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return '\'' + text + (name.size() > 100 ? "...'" : "'");
}

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw std::invalid_argument("no certificate can be checked for the name " + shown(name) + ": " +
                              std::string(why));
}

bool isNameCharacter(unsigned char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

std::string tlsName(std::string_view name) {
  if (auto ip = Ip::parse(name)) {
    ip->zone = 0;  // a matter of this machine, which no certificate knows
    return ip->text();
  }
  std::string_view bare = name;
  if (bare.ends_with('.')) bare.remove_suffix(1);
  if (bare.empty()) refuse(name, "it is empty");
  if (bare.size() > 253) refuse(name, "it is longer than 253 characters");
  if (Ip::parse(bare)) refuse(name, "an address has no dot at its end");
  if (bare.front() == '.' || bare.back() == '.' || bare.find("..") != std::string_view::npos) {
    refuse(name, "it has an empty label");
  }
  if (std::any_of(bare.begin(), bare.end(), [](unsigned char c) { return c >= 0x80; })) {
    refuse(name, "write an international name in its ASCII form (xn--...)");
  }
  if (!std::all_of(bare.begin(), bare.end(), isNameCharacter)) {
    refuse(name, "it has a character that no host name has");
  }
  return std::string(bare);
}

}  // namespace hio::net
