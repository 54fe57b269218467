// Addresses and names, as people write them and as they are written back.
#include <arpa/inet.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "fuzz/input.hpp"
#include "hio/core/tcp.hpp"

namespace {

using namespace hio;
using fuzz::require;

bool isShowable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

// What the system takes for an address is one, and is the same.
void checkAgainstSystem(const std::string& text, const std::optional<net::Ip>& ip) {
  if (text.find('\0') != std::string::npos) return require(!ip, "a text with NUL is an address");
  std::array<std::uint8_t, 16> octets{};
  const bool v4 = inet_pton(AF_INET, text.c_str(), octets.data()) == 1;
  const bool v6 = !v4 && inet_pton(AF_INET6, text.c_str(), octets.data()) == 1;
  if (v4 || v6) {
    require(ip.has_value(), "the system takes it for an address");
    require((ip->family == net::Family::v4) == v4, "the family is the system's");
    require(ip->octets == octets, "the octets are the system's");
  } else if (ip && ip->family == net::Family::v4) {
    in_addr old{};
    require(inet_aton(text.c_str(), &old) == 1, "an IPv4 address that the system does not know");
    require(std::memcmp(&old, ip->octets.data(), 4) == 0, "the old forms are the system's");
  }
}

void checkIp(const net::Ip& ip) {
  const std::string text = ip.text();
  const auto again = net::Ip::parse(text);
  require(again == ip, "an address's text is the address: " + text);
  require(again->text() == text, "one address has one text: " + text);
  const core::Address address(net::Endpoint{.ip = ip, .port = 65535});
  const bool v6 = ip.family == net::Family::v6;
  require(address.text() == (v6 ? '[' + text + ']' : text) + ":65535", "the text of an endpoint");
}

void checkTlsName(const std::string& text) {
  std::string name;
  try {
    name = net::tlsName(text);
  } catch (const std::invalid_argument& error) {
    require(isShowable(error.what()), "an error that a terminal can show");
    require(!net::Ip::parse(text), "an address is a name for a certificate");
    return;
  }
  require(!name.empty() && name.size() <= 253, "a name has from 1 to 253 characters");
  require(name.find_first_of(std::string_view("*/%@ \0", 6)) == std::string::npos, "a plain name");
  require(name.front() != '.' && name.back() != '.', "no empty label at an end");
  require(net::tlsName(name) == name, "a name for a certificate stays as it is");
}

void checkClient(const std::string& host, int port) {
  const bool isPort = port >= 0 && port <= 65535;
  try {
    core::tcp::Client client({.host = host, .port = port});
    require(isPort, "a port outside of 0 to 65535");
    require(client.hostname() == host && client.port() == port,
            "the client keeps what it is given");
    const auto ip = core::settleHost(host);
    require(client.host() == (ip ? ip->text() : host), "a number is written as usual");
    require(core::settleHost(client.host()) == ip, "and settles to the same");
    client.reinitHostPort({.ha = {"127.0.0.1", 1}});
    client.host(host);
    require(client.host() == host && client.port() == 1, "only the host is replaced");
  } catch (const std::invalid_argument& error) {
    require(!isPort, error.what());
  }
}

void checkServer(const std::string& host, int port) {
  const auto ip = core::settleHost(host);
  try {
    const core::tcp::Server server({.host = host, .port = port});
    require(ip.has_value(), "a server listens at a number");
    require(server.ha() == core::Address(host, static_cast<std::uint16_t>(port)), "as given");
  } catch (const std::invalid_argument&) {
    require(!ip || port < 0 || port > 65535, "a good address is refused");
  }
}

}  // namespace

// Two bytes of port, then the host.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const int port = static_cast<int>(input.below(1U << 16U)) * 2 - 1000;
  const std::string text(input.rest());

  const auto ip = net::Ip::parse(text);
  checkAgainstSystem(text, ip);
  if (ip) checkIp(*ip);
  if (const auto settled = core::settleHost(text)) {
    require(ip || text.empty() || text == "localhost", "only these names are settled");
    checkIp(*settled);
  }
  net::Ip any{.family = net::Family::v6};
  std::memcpy(any.octets.data(), text.data(), std::min<std::size_t>(text.size(), 16));
  checkIp(any);
  any.family = net::Family::v4;
  std::fill(any.octets.begin() + 4, any.octets.end(), std::uint8_t{0});
  checkIp(any);
  checkTlsName(text);
  checkClient(text, port);
  checkServer(text, port);
  return 0;
}
