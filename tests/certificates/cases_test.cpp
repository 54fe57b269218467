// Every case of tests/data/certs/cases.tsv: what ClientTls says to the certificates of a server
// that shows whatever it is told to. In memory.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "hio/core/tcp.hpp"
#include "support/pipe_net.hpp"

namespace hio::core::tcp {
namespace {

std::string made(const std::string& name) { return HIO_CERTIFICATES "/" + name; }

using Words = std::map<std::string, std::string>;

// `key=value` words; one without a value is there with an empty one.
Words wordsOf(const std::string& text) {
  Words words;
  std::istringstream stream(text == "-" ? "" : text);
  for (std::string word; stream >> word;) {
    const std::size_t at = word.find('=');
    words[word.substr(0, at)] = at == std::string::npos ? "" : word.substr(at + 1);
  }
  return words;
}

struct Case {
  std::string id;
  std::string chain;
  std::string key;
  std::string ca;
  std::string name;
  Words options;
  Words server;
  bool accepted;
  std::string reason;
  std::string explanation;
};

std::vector<Case> readCases() {
  std::vector<Case> cases;
  std::ifstream file(HIO_CASES);
  bool header = true;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#') || std::exchange(header, false)) continue;
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
    cases.push_back({cells.at(0), cells.at(1), cells.at(2), cells.at(3), cells.at(4),
                     wordsOf(cells.at(5)), wordsOf(cells.at(6)), cells.at(7) == "accept",
                     cells.at(8), cells.at(10)});
  }
  return cases;
}

void PrintTo(const Case& each, std::ostream* out) { *out << each.id << ": " << each.explanation; }

// ---- the server: OpenSSL as it comes, without any rule of its own -----------------------------

class LaxServer {
 public:
  LaxServer(const Case& shown, std::unique_ptr<net::Stream> stream) : stream_(std::move(stream)) {
    SSL_CTX* const context = context_.get();
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    const auto cipher = shown.server.find("cipher");
    const std::string ciphers = cipher != shown.server.end() ? cipher->second : "ALL:eNULL";
    need(SSL_CTX_set_cipher_list(context, (ciphers + ":@SECLEVEL=0").c_str()));
    setVersion(shown.server);
    need(SSL_CTX_use_certificate_chain_file(context, made(shown.chain).c_str()));
    need(SSL_CTX_use_PrivateKey_file(context, made(shown.key).c_str(), SSL_FILETYPE_PEM));
    if (const auto dh = shown.server.find("dh"); dh != shown.server.end()) {
      const std::unique_ptr<BIO, decltype(&BIO_free_all)> file(
          BIO_new_file(made(dh->second).c_str(), "r"), BIO_free_all);
      need(SSL_CTX_set0_tmp_dh_pkey(context, PEM_read_bio_Parameters(file.get(), nullptr)));
    } else {
      SSL_CTX_set_dh_auto(context, 1);
    }
    if (shown.server.contains("require") || shown.server.contains("ask")) {
      const int must = shown.server.contains("require") ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
      need(SSL_CTX_load_verify_locations(context, made("root.pem").c_str(), nullptr));
    }
    ssl_.reset(SSL_new(context));
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in, out);
    SSL_set_accept_state(ssl_.get());
  }

  void turn() {
    std::array<std::byte, 4096> room{};
    for (;;) {
      const net::IoResult result = stream_->receive(room);
      if (!result.isDone()) break;
      BIO_write(SSL_get_rbio(ssl_.get()), room.data(), static_cast<int>(result.count()));
    }
    if (SSL_do_handshake(ssl_.get()) == 1 && !greeted_) {
      greeted_ = true;
      SSL_write(ssl_.get(), "hello", 5);
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    if (size > 0) {
      (void)stream_->send(help::bytesOf({data, static_cast<std::size_t>(size)}));
      (void)BIO_reset(SSL_get_wbio(ssl_.get()));
    }
  }

 private:
  static void need(long result) {
    if (result <= 0) throw std::runtime_error("the server of this case cannot be set up");
  }
  void setVersion(const Words& words) {
    static const std::map<std::string, int> Versions{{"tls1", TLS1_VERSION},
                                                     {"tls1_1", TLS1_1_VERSION},
                                                     {"tls1_2", TLS1_2_VERSION},
                                                     {"tls1_3", TLS1_3_VERSION}};
    for (const auto& [name, version] : Versions) {
      if (!words.contains(name)) continue;
      need(SSL_CTX_set_min_proto_version(context_.get(), version));
      need(SSL_CTX_set_max_proto_version(context_.get(), version));
    }
  }

  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_server_method()),
                                                             SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool greeted_ = false;
};

// ---- the client: no option but the CA and what the case says ----------------------------------

std::string base64OfHex(const std::string& hex) {
  std::vector<unsigned char> bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    unsigned int byte = 0;
    std::from_chars(hex.data() + at, hex.data() + at + 2, byte, 16);
    bytes.push_back(static_cast<unsigned char>(byte));
  }
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  text.resize(
      static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                               bytes.data(), static_cast<int>(bytes.size()))));
  return text;
}

std::string contentOf(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

net::TlsVersion versionOf(const std::string& text) {
  return text == "1.3" || text == "tls1_3" ? net::TlsVersion::tls13 : net::TlsVersion::tls12;
}

net::TlsClientConfig configOf(const Case& each) {
  net::TlsClientConfig config{.trust = {.ca = {.path = made(each.ca)}}};
  for (const auto& [key, value] : each.options) {
    if (key == "crl") config.trust.crls.path = made(value);
    if (key == "pin") config.trust.pins = {base64OfHex(contentOf(made(value)))};
    if (key == "cert") config.identity.certificate.path = made(value);
    if (key == "key") config.identity.key.path = made(value);
    if (key == "ciphers") config.protocol.ciphers = value;
    if (key == "min") config.protocol.minVersion = versionOf(value);
    if (key == "max") config.protocol.maxVersion = versionOf(value);
  }
  return config;
}

// In the words of the table.
std::string reasonOf(const Client& client, bool wasConnected) {
  if (!client.failure()) return "-";
  const std::error_code& code = client.failure()->code();
  if (code == net::TlsError::wrongPin) return "pin";
  if (const auto verdict = net::verdictOf(code)) return "verdict:" + std::to_string(*verdict);
  if (const auto alert = net::alertOf(code)) {
    return "alert:" + std::to_string(*alert) + (wasConnected ? "-late" : "");
  }
  return client.failure()->detail() == "excessive message size" ? "too-large" : "handshake";
}

struct CertificateCase : testing::TestWithParam<Case> {};

TEST_P(CertificateCase, IsJudgedRightly) {
  const Case& each = GetParam();
  base::Tymist tymist;
  test::PipeNet net;
  const auto context = net::TlsContext::client(configOf(each));
  if (each.reason == "name") {
    EXPECT_THROW(ClientTls({.net = &net}, {.context = context, .certedhost = each.name}),
                 std::invalid_argument);
    return;
  }
  ClientTls client({.tymth = tymist.tymen(), .net = &net},
                   {.context = context, .certedhost = each.name});
  client.serviceConnect();
  LaxServer server(each, net.takeFarEnd());
  bool wasConnected = false;
  for (int turns = 0; turns < 20 && client.opened() && !client.cutoff(); ++turns) {
    client.service();
    wasConnected = wasConnected || client.connected();
    server.turn();
  }
  const std::string why = client.failure() ? client.failure()->message() : "no failure";
  EXPECT_EQ(reasonOf(client, wasConnected), each.reason) << why;
  // Nothing of the application is heard from a server that was refused.
  EXPECT_EQ(client.rxbs().text(), each.accepted ? "hello" : "") << why;
  EXPECT_EQ(client.connected() && !client.cutoff(), each.accepted) << why;
}

INSTANTIATE_TEST_SUITE_P(Table, CertificateCase, testing::ValuesIn(readCases()),
                         [](const auto& each) {
                           std::string name = each.param.id;
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace hio::core::tcp
