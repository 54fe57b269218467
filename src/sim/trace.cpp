#include "hio/sim/trace.hpp"

#include <array>
#include <cstdio>

namespace hio::sim {
namespace {

std::string textOf(const net::Endpoint& endpoint) {
  const std::string ip = endpoint.ip.text();
  const bool v6 = endpoint.ip.family == net::Family::v6;
  return (v6 ? '[' + ip + ']' : ip) + ':' + std::to_string(endpoint.port);
}

}  // namespace

std::string_view nameOf(Event::Kind kind) noexcept {
  static constexpr std::array<std::string_view, 17> Names{
      "opened",   "listening", "connecting", "connected", "accepted", "sent",
      "received", "ended",     "shut",       "closed",    "failed",   "asked",
      "answered", "dropped",   "held",       "refused",   "reset"};
  const auto at = static_cast<std::size_t>(kind);
  return at < Names.size() ? Names.at(at) : "resent";
}

std::string Event::text() const {
  std::array<char, 40> time{};
  std::snprintf(time.data(), time.size(), "%14.9f s  ",
                std::chrono::duration<double>(tyme).count());
  std::string text = time.data();
  text.append(host).append(" ").append(nameOf(kind));
  if (stream != 0) text += " #" + std::to_string(stream);
  if (bytes != 0) text += ' ' + std::to_string(bytes) + " bytes";
  if (near.port != 0) text += ' ' + textOf(near);
  if (far != net::Endpoint{}) text += " > " + textOf(far);
  if (code) text += ": " + code.message();
  return text;
}

std::uint64_t digestOf(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  constexpr std::uint64_t Factor = 0x9fb21c651e98df25U;
  std::uint64_t digest = seed ^ (bytes.size() * Factor);
  const auto mix = [&digest](std::uint64_t word) {
    digest = (digest ^ word) * Factor;
    digest ^= digest >> 29U;
  };
  const auto at = [bytes](std::size_t i) { return std::to_integer<std::uint64_t>(bytes[i]); };
  std::size_t i = 0;
  // Put together from single bytes: the same on machines of either byte order.
  for (; i + 8 <= bytes.size(); i += 8) {
    mix(at(i) | at(i + 1) << 8U | at(i + 2) << 16U | at(i + 3) << 24U | at(i + 4) << 32U |
        at(i + 5) << 40U | at(i + 6) << 48U | at(i + 7) << 56U);
  }
  for (; i < bytes.size(); ++i) mix(at(i));
  return digest;
}

}  // namespace hio::sim
