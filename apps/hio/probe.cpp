// hio probe: what a TLS server is like, for people or as JSON.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "hio/help/timing.hpp"
#include "json.hpp"
#include "probing.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

using base::Tyme;
using net::CertificateInfo;
using Moment = std::chrono::sys_seconds;

constexpr std::size_t Column = 13;
constexpr std::size_t Width = 100;

Moment now() { return Moment(std::chrono::floor<std::chrono::seconds>(help::WallClock::now())); }

// Rounded down.
long daysBetween(Moment from, Moment to) {
  using Days = std::chrono::duration<long, std::ratio<86400>>;
  return static_cast<long>(std::chrono::floor<Days>(to - from).count());
}

std::string_view verdictOf(const Findings& found) {
  if (found.trusted) return "trusted";
  return found.code == ExitCode::untrusted ? "not trusted" : "no TLS connection";
}

// ---- for people ---------------------------------------------------------------------------------

// A labelled line; what is too long for it goes on below.
void tell(std::string_view label, const std::string& value) {
  std::string line = fmt::format("{:<{}}", label, Column);
  std::string_view rest = value;
  while (rest.size() > Width - Column) {
    const std::size_t space = rest.rfind(' ', Width - Column);
    if (space == std::string_view::npos || space == 0) break;
    say(line + std::string(rest.substr(0, space)));
    rest.remove_prefix(space + 1);
    line = std::string(Column, ' ');
  }
  say(line + std::string(rest));
}

std::string timeText(const std::optional<Tyme>& time) {
  if (!time) return "-";
  return fmt::format("{:9.3f} ms", std::chrono::duration<double, std::milli>(*time).count());
}

std::string dayText(Moment moment) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(moment));
}

std::string daysText(long days) {
  return days == 0 ? "less than a day" : fmt::format("{} {}", days, days == 1 ? "day" : "days");
}

std::string expiryText(const CertificateInfo& certificate, Moment at) {
  if (at < certificate.notBefore) return "NOT YET VALID";
  if (certificate.notAfter < at)
    return fmt::format("EXPIRED {} ago", daysText(daysBetween(certificate.notAfter, at)));
  return "in " + daysText(daysBetween(at, certificate.notAfter));
}

void tellCertificate(const CertificateInfo& certificate, std::size_t at, std::size_t count) {
  say("");
  say(fmt::format("certificate {} of {}{}", at + 1, count, at == 0 ? ", the server's" : ""));
  tell("  subject", printable(certificate.subject));
  tell("  issuer", printable(certificate.issuer));
  std::string names;
  for (const std::string& name : certificate.names) names += (names.empty() ? "" : ", ") + name;
  tell("  names", names.empty() ? "none" : printable(names));
  tell("  key", printable(certificate.key));
  tell("  signature", printable(certificate.signature));
  tell("  valid", dayText(certificate.notBefore) + " to " + dayText(certificate.notAfter) + " UTC");
  tell("  expires", expiryText(certificate, now()));
  tell("  pin", certificate.pin);
}

// Green or red, for those who look at a terminal and want colours.
std::string coloured(std::string_view text, bool good) {
  const char* const without = std::getenv("NO_COLOR");
  if (!isTerminal(1) || (without != nullptr && *without != '\0')) {
    return std::string(text);
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", good ? 32 : 31, text);
}

void report(const ProbeOptions& options, const Findings& found) {
  const net::TlsInfo& tls = found.tls;
  const bool shaken = !tls.version.empty();
  tell("server",
       core::Address(printable(options.host), static_cast<std::uint16_t>(options.port)).text());
  tell("address", found.address.empty() ? "none reached" : found.address);
  tell("resolve", timeText(found.resolve));
  tell("connect", timeText(found.connect));
  tell("handshake", timeText(found.handshake));
  if (shaken) {
    tell("version", tls.version);
    tell("cipher", tls.cipher);
    tell("protocol", tls.alpn.empty() ? options.tls.alpn.empty() ? "none asked for" : "none agreed"
                                      : printable(tls.alpn));
    tell("resumed", tls.resumed ? "yes" : "no");
    tell("name", fmt::format("'{}' is {}one of the certificate's", found.name,
                             found.nameMatches ? "" : "NOT "));
  }
  if (found.unchecked) {
    say("");
    say("Refused when it was checked; asked again without checking, for what is told here.");
  }
  for (std::size_t at = 0; at < tls.chain.size(); ++at) {
    tellCertificate(tls.chain[at], at, tls.chain.size());
  }
  say("");
  const std::string verdict = coloured(verdictOf(found), found.trusted);
  if (found.trusted) {
    const std::string by =
        options.tls.ca.empty() ? "this system's CAs" : fmt::format("'{}'", options.tls.ca);
    return tell("verdict", fmt::format("{} by {}, for '{}'", verdict, by, found.name));
  }
  for (std::size_t at = 0; at < found.reasons.size(); ++at) {
    tell(at == 0 ? "verdict" : "",
         (at == 0 ? verdict : "also") + ": " + printable(found.reasons[at]));
  }
}

// ---- for programs -------------------------------------------------------------------------------

std::string boolean(bool value) { return value ? "true" : "false"; }
std::string textOrNull(const std::string& text) { return text.empty() ? "null" : jsonString(text); }

std::string millisecondsOf(const std::optional<Tyme>& time) {
  if (!time) return "null";
  return fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(*time).count());
}

std::string momentOf(Moment moment) {
  return jsonString(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(moment)));
}

std::string certificateOf(const CertificateInfo& certificate) {
  return jsonObject({{"subject", jsonString(certificate.subject)},
                     {"issuer", jsonString(certificate.issuer)},
                     {"names", jsonArrayOf(certificate.names)},
                     {"key", jsonString(certificate.key)},
                     {"signature", jsonString(certificate.signature)},
                     {"not_before", momentOf(certificate.notBefore)},
                     {"not_after", momentOf(certificate.notAfter)},
                     {"expires_in_days", std::to_string(daysBetween(now(), certificate.notAfter))},
                     {"pin", jsonString(certificate.pin)}});
}

// Every key is always there; null is what is not known.
std::string jsonOf(const ProbeOptions& options, const Findings& found) {
  const net::TlsInfo& tls = found.tls;
  const bool shaken = !tls.version.empty();
  std::vector<std::string> certificates;
  for (const CertificateInfo& each : tls.chain) certificates.push_back(certificateOf(each));
  return jsonObject({{"host", jsonString(options.host)},
                     {"port", std::to_string(options.port)},
                     {"name", jsonString(found.name)},
                     {"trusted", boolean(found.trusted)},
                     {"verdict", jsonString(verdictOf(found))},
                     {"reasons", jsonArrayOf(found.reasons)},
                     {"exit_code", std::to_string(static_cast<int>(found.code))},
                     {"address", textOrNull(found.address)},
                     {"milliseconds", jsonObject({{"resolve", millisecondsOf(found.resolve)},
                                                  {"connect", millisecondsOf(found.connect)},
                                                  {"handshake", millisecondsOf(found.handshake)}})},
                     {"version", textOrNull(tls.version)},
                     {"cipher", textOrNull(tls.cipher)},
                     {"alpn", textOrNull(tls.alpn)},
                     {"resumed", shaken ? boolean(tls.resumed) : "null"},
                     {"name_matches", shaken ? boolean(found.nameMatches) : "null"},
                     {"unchecked", boolean(found.unchecked)},
                     {"certificates", jsonArray(certificates)}});
}

}  // namespace

ExitCode runProbe(const ProbeOptions& options) {
  const Findings found = probe(options);
  if (options.json) {
    say(jsonOf(options, found));
  } else {
    report(options, found);
  }
  return found.code;
}

}  // namespace hio::tool
