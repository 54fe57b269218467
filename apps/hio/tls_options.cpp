#include "tls_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "exit_codes.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

constexpr const char* CaHelp = "Trust the certificates in this file (PEM) instead of the system's";

// An empty value is most likely a variable that was not set: it must not mean "the default".
const CLI::Validator NotEmpty(
    [](std::string& value) { return value.empty() ? std::string("it is empty") : std::string(); },
    "");

CLI::Option* addText(CLI::App& command, const std::string& name, std::string& value,
                     const std::string& help, CLI::Option* tls) {
  CLI::Option* const option = command.add_option(name, value, help)->check(NotEmpty);
  return tls != nullptr ? option->needs(tls) : option;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (!list.empty() && at != std::string::npos) {
    const std::size_t comma = list.find(',', at);
    parts.push_back(list.substr(at, comma - at));
    if (parts.back().empty()) {
      throw Problem(ExitCode::usage, fmt::format("--alpn '{}' has an empty name", list));
    }
    at = comma == std::string::npos ? comma : comma + 1;
  }
  return parts;
}

net::TlsProtocol protocolOf(const TlsSettings& settings) {
  net::TlsProtocol protocol{.alpn = split(settings.alpn)};
  if (settings.version == "1.2") protocol.maxVersion = net::TlsVersion::tls12;
  if (settings.version == "1.3") protocol.minVersion = net::TlsVersion::tls13;
  return protocol;
}

net::TlsIdentity identityOf(const TlsSettings& settings) {
  return {.key = {.path = settings.key}, .certificate = {.path = settings.cert}};
}

// A line for each key, added at once: several programs may share the file.
std::function<void(std::string_view)> keyLogOf(const std::string& path) {
  if (path.empty()) return {};
  auto opened = std::make_shared<AppendFile>(path);
  complain(fmt::format("hio: warning: whoever reads '{}' can read this connection", path));
  return [path, file = std::move(opened), well = true](std::string_view line) mutable {
    const std::string whole = std::string(line) + '\n';
    const std::error_code error = file->append(std::as_bytes(std::span(whole)));
    if (!error || !std::exchange(well, false)) return;
    complain(fmt::format("hio: warning: '{}' lacks keys: {}", path, error.message()));
  };
}

// Files that the library cannot use are the user's to mend.
template <class Make>
auto orProblem(Make make) {
  try {
    return make();
  } catch (const std::system_error& error) {
    throw Problem(ExitCode::usage, error.what());
  }
}

}  // namespace

// ---- the command line ---------------------------------------------------------------------------

namespace {

void addTlsOptions(CLI::App& command, TlsSettings& settings, CLI::Option* tls,
                   const std::string& caHelp) {
  addText(command, "--ca", settings.ca, caHelp, tls);
  addText(command, "--alpn", settings.alpn,
          "Application protocols, the preferred one first, such as h2,http/1.1", tls);
  addText(command, "--tls-version", settings.version,
          "Exactly this version, 1.2 or 1.3; otherwise the later one that both sides have", tls)
      ->check(CLI::IsMember({"1.2", "1.3"}));
}

void addServername(CLI::App& command, TlsSettings& settings, CLI::Option* tls) {
  addText(command, "--servername", settings.servername,
          "The name to ask for and to find in the certificate, instead of HOST", tls);
}

CLI::Option* addIdentity(CLI::App& command, TlsSettings& settings, CLI::Option* tls,
                         const std::string& help) {
  CLI::Option* const cert = addText(command, "--cert", settings.cert, help, tls);
  addText(command, "--key", settings.key, "The certificate's key, if --cert does not hold it", tls)
      ->needs(cert);
  return cert;
}

}  // namespace

void addTlsClientOptions(CLI::App& command, TlsSettings& settings) {
  CLI::Option* const tls = command.add_flag(
      "--tls", settings.on,
      "Speak TLS: the server must have a certificate that is trusted and made for HOST");
  addTlsOptions(command, settings, tls, CaHelp);
  addIdentity(command, settings, tls, "Show this certificate (PEM) if the server asks");
  addServername(command, settings, tls);
  command
      .add_flag("--insecure", settings.insecure,
                "Do not check the server's certificate: anybody on the way may be the far side,\n"
                "and read and change all bytes; for tests only")
      ->needs(tls)
      ->excludes("--ca");
  addText(command, "--keylog", settings.keylog,
          "Add the connection's keys to this file, for Wireshark; a new one has mode 0600.\n"
          "Whoever reads it can read the connection",
          tls);
}

void addProbeOptions(CLI::App& command, TlsSettings& settings) {
  addTlsOptions(command, settings, nullptr, CaHelp);
  addServername(command, settings, nullptr);
}

void addTlsServerOptions(CLI::App& command, TlsSettings& settings) {
  CLI::Option* const tls = command.add_flag(
      "--tls", settings.on,
      "Speak TLS; without --cert with a certificate made now, for localhost, 127.0.0.1 and ::1");
  addTlsOptions(command, settings, tls,
                "Clients must show a certificate from one of the CAs in this file (PEM)");
  CLI::Option* const cert =
      addIdentity(command, settings, tls, "The server's certificate (PEM), with its chain");
  addText(command, "--write-ca", settings.writeCa,
          "Write the CA of the certificate made now to this file, for clients' --ca", tls)
      ->excludes(cert);
}

// ---- contexts -----------------------------------------------------------------------------------

std::shared_ptr<net::TlsContext> clientContext(const TlsSettings& settings, Checks checks) {
  return orProblem([&] {
    net::TlsProtocol protocol = protocolOf(settings);
    protocol.keyLog = keyLogOf(settings.keylog);
    return net::TlsContext::client(
        {.identity = identityOf(settings),
         .trust = {.ca = {.path = settings.ca}},
         .protocol = std::move(protocol),
         .certify = checks == Checks::none ? net::Certify::insecureNone : net::Certify::required,
         .hostify = checks == Checks::all ? net::Hostify::on : net::Hostify::insecureOff});
  });
}

std::shared_ptr<net::TlsContext> serverContext(const TlsSettings& settings,
                                               const std::string& host) {
  net::TlsIdentity identity = identityOf(settings);
  if (settings.cert.empty()) {
    std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
    const auto ip = net::Ip::parse(host);
    if (ip && !ip->isAny() && std::find(names.begin(), names.end(), host) == names.end()) {
      names.push_back(ip->text());
    }
    const Authority authority("hio, made at run time");
    KeyAndCertificate made = authority.issue(names);
    identity = {.key = {.text = std::move(made.key)},
                .certificate = {.text = std::move(made.certificate)}};
    if (settings.writeCa.empty()) {
      complain("hio: warning: no client can check this certificate without --write-ca FILE");
    } else {
      writeFile(settings.writeCa, authority.certificate());
    }
  }
  return orProblem([&] {
    return net::TlsContext::server(
        {.identity = std::move(identity),
         .trust = {.ca = {.path = settings.ca}},
         .protocol = protocolOf(settings),
         .clients = settings.ca.empty() ? net::ClientCerts::none : net::ClientCerts::required});
  });
}

std::unique_ptr<core::tcp::Client> makeClient(core::tcp::ClientOptions options,
                                              const TlsSettings& settings) {
  using namespace core::tcp;
  if (!settings.on) return std::make_unique<Client>(std::move(options));
  if (settings.insecure) {
    complain(
        "hio: warning: --insecure: the server's certificate is not checked; anybody may be the "
        "far side");
  }
  auto context = clientContext(settings, settings.insecure ? Checks::none : Checks::all);
  return std::make_unique<ClientTls>(
      std::move(options),
      TlsOptions{.context = std::move(context), .certedhost = settings.servername});
}

std::unique_ptr<core::tcp::Server> makeServer(core::tcp::ServerOptions options,
                                              const TlsSettings& settings) {
  using namespace core::tcp;
  if (!settings.on) return std::make_unique<Server>(std::move(options));
  auto context = serverContext(settings, options.ha.host);
  return std::make_unique<ServerTls>(std::move(options),
                                     ServerTlsOptions{.context = std::move(context)});
}

// ---- what came of it ----------------------------------------------------------------------------

net::TlsInfo tlsInfoOf(const core::tcp::Client& client) {
  const auto* const tls = dynamic_cast<const core::tcp::ClientTls*>(&client);
  return tls != nullptr ? tls->tlsInfo() : net::TlsInfo{};
}

net::TlsInfo tlsInfoOf(const core::tcp::Remoter& remoter) {
  const auto* const tls = dynamic_cast<const core::tcp::RemoterTls*>(&remoter);
  return tls != nullptr ? tls->tlsInfo() : net::TlsInfo{};
}

std::string settledText(const net::TlsInfo& info) {
  std::string text = info.version + ", " + info.cipher;
  if (!info.alpn.empty()) text += ", " + printable(info.alpn);
  if (!info.chain.empty()) text += ", certificate of " + printable(info.chain.front().subject);
  if (info.resumed) text += ", resumed";
  return text;
}

}  // namespace hio::tool
