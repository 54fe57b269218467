// TLS over any Stream: verified by default, and honest about why a connection was refused or ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "hio/export.hpp"
#include "hio/net/stream.hpp"

namespace hio::net {

// ---- errors -------------------------------------------------------------------------------------

// Codes of category "hio.tls" that are neither an alert nor a certificate's verdict.
enum class TlsError {
  truncated = 1,  // the far side ended without close_notify: bytes may be missing
  notTls,         // the far side speaks something else
  protocol,       // the far side broke the rules of TLS, or has nothing in common with this one
  noCertificate,  // the far side has shown none
  wrongPin,       // its key is none of those pinned
  badPem          // a certificate, key or revocation list cannot be used
};
HIO_EXPORT const std::error_category& tlsCategory() noexcept;
HIO_EXPORT std::error_code make_error_code(TlsError error) noexcept;

// The far side gave up with an alert of this number (RFC 8446, 6).
HIO_EXPORT std::error_code tlsAlert(int number) noexcept;
// The certificate was refused with this verdict (OpenSSL's X509_V_ERR numbers, such as 10: expired,
// 62: made for another name).
HIO_EXPORT std::error_code tlsVerdict(int number) noexcept;
// The number, when the code is of that kind.
HIO_EXPORT std::optional<int> alertOf(const std::error_code& code) noexcept;
HIO_EXPORT std::optional<int> verdictOf(const std::error_code& code) noexcept;

// ---- configuration ------------------------------------------------------------------------------

enum class TlsVersion : std::uint8_t { tls12, tls13 };
HIO_EXPORT std::string_view nameOf(TlsVersion version) noexcept;

// PEM in a file, or the same in memory; not both.
struct Pem {
  std::string path{};
  std::string text{};

  bool empty() const noexcept { return path.empty() && text.empty(); }
};

// Who this side is. A certificate file may also hold the key and the intermediate certificates.
struct TlsIdentity {
  Pem key{};
  Pem certificate{};
  // Asked for the passphrase of an encrypted key, at each load; without it such a key is refused.
  // Runs on the thread that makes or reloads the context, before that call returns; on several at
  // once if several reload. What it throws leaves that call.
  std::function<std::string()> passphrase{};
};

// Whom this side believes.
struct TlsTrust {
  // The only certificates to trust, be they roots, intermediates or the far side's own; none: the
  // system's store.
  Pem ca{};
  // Revocation lists; given, every certificate of a chain must be covered by one. Without them
  // revocation is not checked.
  Pem crls{};
  // Base64 of the SHA-256 of acceptable public keys (SPKI); given, the far side's own key must be
  // one of them, whoever vouches for it.
  std::vector<std::string> pins{};
  // The time that certificates are judged at; empty: the machine's. Runs in wrap() and in the
  // handshakes of all streams of the context, on the thread that calls these: on several at once if
  // streams belong to several threads. It must not call those streams. If it throws, no stream is
  // made, or the certificate is refused.
  std::function<std::chrono::sys_seconds()> time{};
  // Longest certificate message that is read.
  std::size_t maxBytes = 100U * 1024U;

  // For old certificates only:
  bool commonName = false;        // a certificate without DNS names is judged by its common name
  bool partialWildcards = false;  // f*.example.org
  bool lenientChains = false;     // X.509 v1, missing key identifiers, CAs that do not say so
};

struct TlsProtocol {
  TlsVersion minVersion = TlsVersion::tls12;
  TlsVersion maxVersion = TlsVersion::tls13;
  // Cipher suites of TLS 1.2, in OpenSSL's notation; empty: ECDHE with AES-GCM or ChaCha20.
  std::string ciphers{};
  // Application protocols, the preferred one first.
  std::vector<std::string> alpn{};
  // Sessions are resumed, each with the name and port that it was made for only.
  bool resume = true;
  // Gets each line of the key log (NSS format), without its newline; the text is good for the call
  // only. Whoever reads them can read the connection. Runs in the handshakes of all streams of the
  // context, on the thread that services each, never twice at once: others wait, so it has to be
  // quick. It must not call streams of the context. What it throws is ignored.
  std::function<void(std::string_view)> keyLog{};
};

// Whether a client checks the far side's certificate.
enum class Certify : std::uint8_t {
  required,
  insecureNone,  // anybody may be the far side: only for tests and probes
};
// Whether a client checks that the certificate was made for the name it asked for.
enum class Hostify : std::uint8_t {
  on,
  insecureOff,  // the holder of any trusted certificate may be the far side
};
// Whether a server asks clients for certificates.
enum class ClientCerts : std::uint8_t { required, optional, none };

struct TlsClientConfig {
  TlsIdentity identity{};
  TlsTrust trust{};
  TlsProtocol protocol{};
  Certify certify = Certify::required;
  Hostify hostify = Hostify::on;
};

struct TlsServerConfig {
  TlsIdentity identity{};  // needed
  // Of client certificates; its ca is needed to ask for them. Clients are told the names in it, to
  // choose by, unless these are more than about 64 KiB: then they are told none, and whatever they
  // send is checked all the same.
  TlsTrust trust{};
  TlsProtocol protocol{};
  ClientCerts clients = ClientCerts::required;
};

// ---- streams and contexts -----------------------------------------------------------------------

// One certificate, for people to read.
struct CertificateInfo {
  std::string subject{};  // RFC 2253, control characters escaped
  std::string issuer{};
  std::vector<std::string> names{};  // DNS names and addresses it is made for
  std::chrono::sys_seconds notBefore{};
  std::chrono::sys_seconds notAfter{};
  std::string key{};        // such as "RSA 2048" or "EC prime256v1"
  std::string signature{};  // algorithm that it is signed with
  std::string pin{};        // as for TlsTrust::pins
};

// What a handshake has settled; empty before.
struct TlsInfo {
  std::string version{};
  std::string cipher{};
  std::string alpn{};
  bool resumed = false;
  std::vector<CertificateInfo> chain{};  // as the far side sent it, its own first
};

// A stream of plain bytes over a stream that carries TLS. connect() makes the handshake; until it
// is done nothing else moves bytes.
class HIO_EXPORT TlsStream : public Stream {
 public:
  virtual TlsInfo info() const = 0;
  // Bytes taken from the stream below so far, in the handshake too.
  virtual std::uint64_t rawReceived() const noexcept = 0;
};

// Of a stream that is a TlsStream; empty for any other, and for none.
HIO_EXPORT TlsInfo tlsInfoOf(const Stream* stream);

// Settings, certificates and sessions for any number of streams, which may belong to several
// threads. Streams keep what they need of it.
class HIO_EXPORT TlsContext {
 public:
  // Throw std::invalid_argument for settings that make no sense, std::system_error for a file that
  // cannot be read or understood; both name the field or file and the reason, never its contents.
  static std::shared_ptr<TlsContext> client(TlsClientConfig config);
  static std::shared_ptr<TlsContext> server(TlsServerConfig config);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  bool isServer() const noexcept;
  // Reads all files again, for the handshakes from now on; sessions are forgotten. Throws as above,
  // and then leaves everything as it was.
  void reload();
  // TLS over `lower`, not yet begun. On the client's side `name` is the DNS name or the address
  // that the far side's certificate must be made for; see tlsName(). Throws std::invalid_argument
  // for a name that cannot be checked, std::system_error when there is no memory.
  std::unique_ptr<TlsStream> wrap(std::unique_ptr<Stream> lower, std::string_view name = {});

  class Impl;

 private:
  explicit TlsContext(std::shared_ptr<Impl> impl) noexcept;

  std::shared_ptr<Impl> impl_;
};

// `name` as certificates are checked against: without a trailing dot, addresses in their usual
// text. Throws std::invalid_argument for a name that no certificate can be checked against: empty,
// with a leading dot, a wildcard, or characters that no host name has.
HIO_EXPORT std::string tlsName(std::string_view name);

}  // namespace hio::net

template <>
struct std::is_error_code_enum<hio::net::TlsError> : std::true_type {};
