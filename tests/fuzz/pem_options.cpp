// Certificates, keys, revocation lists and settings of TLS, as somebody might give them: each makes
// a context or a clear error, and a context believes nobody whom it was not told to.
#include <memory>
#include <stdexcept>
#include <system_error>

#include "fuzz/certificates.hpp"
#include "fuzz/input.hpp"
#include "hio/net/tls.hpp"
#include "hio/sim/entropy.hpp"
#include "support/pipe.hpp"

namespace {

using namespace hio;
using fuzz::Input;
using fuzz::require;

enum Field : std::uint8_t {
  ca,
  crls,
  certificate,
  key,
  both,  // a certificate and key in one
  encryptedKey,
  pins,
  ciphers,
  alpn,
  path,
  name,
  serverCa,
  Fields
};

void checkMessage(const std::string& message, std::string_view given, Field field) {
  require(!message.empty(), "an error says why");
  require(message.size() < 5000, "an error is short");
  const bool isShowable = std::all_of(message.begin(), message.end(),
                                      [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  // A path is shown as it is.
  require(isShowable || field == path, "an error that a terminal can show: " + message);
  if (field > encryptedKey && field != serverCa) return;
  // Half a line of PEM would do harm already. With a space it is none, and may be our own words.
  for (std::size_t at = 0; at + 32 <= given.size(); at += 32) {
    const std::string_view part = given.substr(at, 32);
    if (part.find_first_of("- ") != std::string_view::npos) continue;
    require(message.find(part) == std::string::npos, "an error shows what it must not: " + message);
  }
}

// Whether a client of this context gets through to the server of "good.test".
bool believes(net::TlsContext& context) {
  const auto& own = fuzz::certificates().server;
  const auto server = net::TlsContext::server(
      {.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}},
       .clients = net::ClientCerts::none});
  const auto pipe = std::make_shared<test::Pipe>();
  auto ends = test::Pipe::ends(pipe);
  const auto near = context.wrap(std::move(ends.near), "good.test");
  const auto far = server->wrap(std::move(ends.far));
  net::IoResult result = near->connect();
  for (int turn = 0; turn < 10 && result.isBlocked(); ++turn) {
    (void)far->connect();
    result = near->connect();
  }
  return result.isDone();
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

net::TlsClientConfig configOf(Field field, const std::string& text) {
  const auto& good = fuzz::certificates();
  net::TlsClientConfig config;
  config.trust.ca.text = good.authority.certificate();
  switch (field) {
    case ca:
      config.trust.ca.text = text;
      break;
    case crls:
      config.trust.crls.text = text;
      break;
    case certificate:
      config.identity = {.key = {.text = good.client.key}, .certificate = {.text = text}};
      break;
    case key:
      config.identity = {.key = {.text = text}, .certificate = {.text = good.client.certificate}};
      break;
    case both:
      config.identity = {.certificate = {.text = text}};
      break;
    case encryptedKey:
      config.identity = {.key = {.text = text},
                         .certificate = {.text = good.client.certificate},
                         .passphrase = [] { return std::string("secret"); }};
      break;
    case pins:
      config.trust.pins = {text};
      break;
    case ciphers:
      config.protocol.maxVersion = net::TlsVersion::tls12;
      config.protocol.ciphers = text;
      break;
    case alpn:
      config.protocol.alpn = {"h2", text};
      break;
    case path:
      // Not the whole machine's files, which another run need not find.
      config.trust.ca = {.path = text.empty() ? text : "/nowhere/" + text};
      break;
    default:
      break;
  }
  return config;
}

void checkMade(net::TlsContext& context, Field field, const std::string& text) {
  const auto& good = fuzz::certificates();
  if (field == ca && !text.empty()) {
    require(has(text, "-----BEGIN "), "trust in nothing at all");
    // Told by its serial number and key: whoever has all of its lines has the certificate.
    const bool mayBelieve = has(text, good.authority.certificate().substr(100, 200)) ||
                            has(text, good.server.certificate.substr(100, 200));
    if (believes(context)) require(mayBelieve, "believes a stranger");
  } else if (field == ca || field == path) {
    require(!believes(context), "the system's store does not know our authority");
  } else if (field == crls) {
    if (!text.empty()) require(has(text, "-----BEGIN X509 CRL-----"), "no revocation list");
    require(believes(context) == text.empty(), "nobody is covered by these lists");
  } else if (field == pins) {
    require(text.size() == 44 && text.ends_with('='), "no pin");
    require(!believes(context), "a key that is not pinned");
  } else if (field >= certificate && field <= encryptedKey && !text.empty()) {
    require(has(text, "-----BEGIN "), "an identity of nothing");
    require(believes(context), "its own certificate does not change whom it believes");
  } else if (field == ciphers || field == alpn) {
    (void)believes(context);
  }
}

void playServer(const std::string& text) {
  const auto& own = fuzz::certificates().server;
  const auto context = net::TlsContext::server(
      {.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}},
       .trust = {.ca = {.text = text}}});
  require(context->isServer(), "a server's context");
  require(has(text, "-----BEGIN "), "a server that asks for certificates and believes nobody");
}

void play(Field field, const std::string& text) {
  if (field == serverCa) return playServer(text);
  if (field == name) {
    const auto pipe = std::make_shared<test::Pipe>();
    auto ends = test::Pipe::ends(pipe);
    const auto context = net::TlsContext::client(configOf(field, text));
    (void)context->wrap(std::move(ends.near), text);
    require(!net::tlsName(text).empty(), "a name that cannot be checked");
    return;
  }
  const auto context = net::TlsContext::client(configOf(field, text));
  checkMade(*context, field, text);
  context->reload();
}

// In an input these stand for what differs from run to run.
std::string filledIn(std::string text) {
  const auto& good = fuzz::certificates();
  const std::array<std::pair<std::string_view, std::string>, 4> Marks{
      {{"<root>", good.authority.certificate()},
       {"<stranger>", good.stranger.certificate()},
       {"<key>", good.client.key},
       {"<certificate>", good.client.certificate}}};
  for (const auto& [mark, meaning] : Marks) {
    const std::size_t at = text.find(mark);
    if (at != std::string::npos) text.replace(at, mark.size(), meaning);
  }
  return text;
}

}  // namespace

// One byte tells which field, the rest is its text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  (void)fuzz::certificates();
  const sim::SeededEntropy entropy(size);
  const Field field = static_cast<Field>(input.below(Fields));
  const std::string text = filledIn(std::string(input.rest()));
  try {
    play(field, text);
  } catch (const std::invalid_argument& error) {
    checkMessage(error.what(), text, field);
  } catch (const std::system_error& error) {
    checkMessage(error.what(), text, field);
  }
  return 0;
}
