#include "support/name_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace hio::test {
namespace {

constexpr std::size_t HeaderSize = 12;
constexpr std::size_t MostOverUdp = 512;

std::string two(std::size_t value) {
  return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

std::size_t twoOf(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(text[at])) << 8U |
         static_cast<unsigned char>(text[at + 1]);
}

// Where the name that is asked for ends.
std::size_t nameEnd(std::string_view question) {
  std::size_t at = HeaderSize;
  while (question.at(at) != 0) at += static_cast<unsigned char>(question[at]) + 1U;
  return at + 1;
}

std::string nameOf(std::string_view question) {
  std::string name;
  for (std::size_t at = HeaderSize; question.at(at) != 0;) {
    const auto size = static_cast<unsigned char>(question[at]);
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, size);
    at += size + 1U;
  }
  return name;
}

std::uint16_t bindTo127(int fd, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  if (::bind(fd, address, size) != 0 || ::getsockname(fd, address, &size) != 0) return 0;
  return ntohs(at.sin_port);
}

}  // namespace

NameServer::NameServer()
    : udp_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      tcp_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  port_ = bindTo127(tcp_, 0);
  EXPECT_NE(port_, 0);
  EXPECT_EQ(bindTo127(udp_, port_), port_);
  EXPECT_EQ(::listen(tcp_, 8), 0);
}

NameServer::~NameServer() {
  for (const Caller& caller : callers_) ::close(caller.fd);
  ::close(udp_);
  ::close(tcp_);
}

std::string NameServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void NameServer::serve() {
  serveUdp();
  serveTcp();
}

const NameServer::Answer& NameServer::answerFor(std::string_view question) const {
  static const Answer NoSuchName{.code = Code::noSuchName};
  const auto found = names.find(nameOf(question));
  return found != names.end() ? found->second : NoSuchName;
}

// Short: so much as a datagram may hold, or else none of it.
std::string NameServer::reply(std::string_view question, bool isShort) const {
  constexpr std::size_t IsAnswer = 0x8180;
  constexpr std::size_t IsTruncated = 0x0200;
  const Answer& answer = answerFor(question);
  const std::size_t end = nameEnd(question);
  const bool asksV6 = twoOf(question, end) == 28;
  std::string records;
  std::size_t count = 0;
  for (const net::Ip& ip : answer.ips) {
    if ((ip.family == net::Family::v6) != asksV6) continue;
    const std::size_t size = asksV6 ? 16 : 4;
    records += two(0xc00c) + two(asksV6 ? 28 : 1) + two(1) + two(0) + two(60) + two(size);
    records.append(reinterpret_cast<const char*>(ip.octets.data()), size);
    ++count;
  }
  std::size_t flags = IsAnswer | static_cast<std::size_t>(answer.code);
  if (isShort && end + 4 + records.size() > MostOverUdp) {
    flags |= IsTruncated;
    records.clear();
    count = 0;
  }
  return std::string(question.substr(0, 2)) + two(flags) + two(1) + two(count) + two(0) + two(0) +
         std::string(question.substr(HeaderSize, end + 4 - HeaderSize)) + records;
}

void NameServer::serveUdp() {
  for (;;) {
    std::array<char, MostOverUdp> room{};
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const address = reinterpret_cast<sockaddr*>(&from);
    const ssize_t count = ::recvfrom(udp_, room.data(), room.size(), 0, address, &size);
    if (count < static_cast<ssize_t>(HeaderSize)) return;
    ++overUdp;
    const std::string_view question(room.data(), static_cast<std::size_t>(count));
    const Answer& answer = answerFor(question);
    if (answer.isSilent) continue;
    std::string text = reply(question, true);
    if (answer.junkFirst) {
      // Of another question, and of none.
      std::string other = text;
      other[0] = static_cast<char>(other[0] ^ 1);
      (void)!::sendto(udp_, other.data(), other.size(), 0, address, size);
      (void)!::sendto(udp_, "junk", 4, 0, address, size);
    }
    (void)!::sendto(udp_, text.data(), text.size(), 0, address, size);
  }
}

void NameServer::serveTcp() {
  const int fd = ::accept4(tcp_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) callers_.push_back({fd});
  for (Caller& caller : callers_) {
    std::array<char, MostOverUdp> room{};
    const ssize_t count = ::recv(caller.fd, room.data(), room.size(), 0);
    if (count > 0) caller.asked.append(room.data(), static_cast<std::size_t>(count));
    while (caller.asked.size() > 2 && caller.asked.size() >= 2 + twoOf(caller.asked, 0)) {
      ++overTcp;
      const std::size_t size = twoOf(caller.asked, 0);
      const std::string text = reply(caller.asked.substr(2, size), false);
      caller.asked.erase(0, 2 + size);
      const std::string all = two(text.size()) + text;
      (void)!::send(caller.fd, all.data(), all.size(), MSG_NOSIGNAL);
    }
  }
}

}  // namespace hio::test
