// Canaries: neither what is sent nor a private key nor a passphrase shows in any text that the
// library makes, unless it was asked for.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/core/wiring.hpp"
#include "hio/help/bytearray.hpp"
#include "support/pipe_net.hpp"
#include "support/tls_ways.hpp"

namespace hio::test {
namespace {

using core::tcp::ClientTls;
using net::IoResult;
using net::TlsContext;

std::string hex(std::string_view bytes) {
  static constexpr std::string_view Digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += Digits[byte >> 4U];
    text += Digits[byte & 0xfU];
  }
  return text;
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Something that must not show, in whatever form; its parts neither.
class Canary {
 public:
  explicit Canary(std::string bytes) : bytes_(std::move(bytes)) {
    for (std::size_t at = 0; at + Part <= bytes_.size(); at += Part) {
      const std::string part = bytes_.substr(at, Part);
      forms_.push_back(part);
      forms_.push_back(hex(part));
    }
    const std::string encoded = base64(bytes_);
    for (std::size_t at = 0; at + 12 <= encoded.size(); at += 12) {
      forms_.push_back(encoded.substr(at, 12));
    }
  }
  static Canary ofRandomBytes() {
    std::random_device random;
    std::string bytes;
    while (bytes.size() < 32) bytes += static_cast<char>(random());
    return Canary(std::move(bytes));
  }
  // Of the lines of a PEM text, without its armour.
  static Canary ofPem(const std::string& pem) {
    std::istringstream lines(pem);
    std::string body;
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("-----", 0) != 0) body += line;
    }
    return Canary(body);
  }

  const std::string& bytes() const { return bytes_; }
  bool showsIn(std::string_view text) const {
    for (const std::string& form : forms_) {
      if (text.find(form) != std::string_view::npos) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t Part = 8;

  std::string bytes_;
  std::vector<std::string> forms_;
};

TEST(Canary, IsFoundInEachForm) {
  const Canary canary = Canary::ofRandomBytes();
  EXPECT_TRUE(canary.showsIn("so " + canary.bytes().substr(8, 8) + " it is"));
  EXPECT_TRUE(canary.showsIn("so " + hex(canary.bytes()) + " it is"));
  EXPECT_TRUE(canary.showsIn("so " + base64(canary.bytes()) + " it is"));
  EXPECT_FALSE(canary.showsIn("so it is"));
}

// All that a client has to say.
std::string said(const ClientTls& client) {
  std::string text =
      client.failure() ? client.failure()->message() + client.failure()->detail() : "";
  const net::TlsInfo info = client.tlsInfo();
  text += info.version + info.cipher + info.alpn;
  for (const net::CertificateInfo& each : info.chain) text += each.subject + each.issuer + each.key;
  return text;
}

struct Talk {
  std::string wire{};  // all that went over it, to the goodbyes of the others here
  base::Tymist tymist{};
  PipeNet net{};
  std::unique_ptr<core::WireLog> log{};
  std::unique_ptr<ClientTls> client{};
  std::unique_ptr<net::TlsStream> far{};

  explicit Talk(net::TlsVersion version, bool logs,
                std::function<void(std::string_view)> keyLog = {}) {
    if (logs)
      log = std::make_unique<core::WireLog>(core::WireLogOptions{.samed = true, .reopen = true});
    net::TlsClientConfig config = trusting(version);
    config.protocol.keyLog = std::move(keyLog);
    client = std::make_unique<ClientTls>(
        core::tcp::ClientOptions{
            .host = "good.test", .wl = log.get(), .tymth = tymist.tymen(), .net = &net},
        core::tcp::TlsOptions{.context = TlsContext::client(config)});
    client->service();
    Pipe& pipe = *net.lines.back().pipe;
    pipe.forth.tamper =
        pipe.back.tamper = [this](std::string& piece, std::uint64_t) { wire += piece; };
    far = TlsContext::server(serving(version))->wrap(std::move(net.lines.back().far));
    for (int turn = 0; turn < 5; ++turn) {
      (void)far->connect();
      client->service();
    }
  }
};

class TlsSecrets : public TlsVersions {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsSecrets, eachVersion(), nameOfVersion);

TEST_P(TlsSecrets, PayloadsShowNowhereUnlessLogged) {
  for (const bool logs : {false, true}) {
    const Canary sent = Canary::ofRandomBytes();
    const Canary received = Canary::ofRandomBytes();
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Talk talk(GetParam(), logs);
    talk.client->tx(sent.bytes());
    ASSERT_TRUE(talk.far->send(help::bytesOf(received.bytes())).isDone());
    talk.client->service();
    EXPECT_EQ(talk.client->rxbs().text(), received.bytes());
    IoResult end = IoResult::done();
    EXPECT_EQ(receiveAll(*talk.far, end), sent.bytes());
    // And then it goes wrong in the middle of more of the same.
    ASSERT_TRUE(talk.far->send(help::bytesOf(received.bytes())).isDone());
    talk.net.lines.back().pipe->back.bytes.back() ^= 1;
    talk.client->tx(sent.bytes());
    talk.client->service();
    ASSERT_TRUE(talk.client->failure());
    const std::string printed =
        testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
    EXPECT_EQ(printed, "");
    const Canary key = Canary::ofPem(testCertificates().server.key);
    for (const Canary* const canary : {&sent, &received, &key}) {
      EXPECT_FALSE(canary->showsIn(said(*talk.client)));
      EXPECT_FALSE(canary->showsIn(talk.far->why()));
      EXPECT_FALSE(canary->showsIn(talk.wire));
    }
    if (!logs) continue;
    const std::string log(help::textOf(*talk.log->readRx()));
    EXPECT_TRUE(sent.showsIn(log));
    EXPECT_TRUE(received.showsIn(log));
    EXPECT_FALSE(key.showsIn(log));
  }
}

// Not even with the variable that other programs heed.
TEST_P(TlsSecrets, KeysOfTheConnectionAreLoggedOnlyWhenAskedFor) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("hio_keylog_" + std::to_string(std::random_device{}()));
  ::setenv("SSLKEYLOGFILE", path.c_str(), 1);
  std::string lines;
  const auto keep = [&lines](std::string_view line) { lines += line; };
  {
    const Talk silent(GetParam(), true);
    EXPECT_TRUE(silent.client->connected());
    EXPECT_EQ(lines, "");
    const Talk logged(GetParam(), true, keep);
    EXPECT_TRUE(logged.client->connected());
  }
  ::unsetenv("SSLKEYLOGFILE");
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_NE(lines.find(GetParam() == net::TlsVersion::tls12 ? "CLIENT_RANDOM"
                                                            : "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
            std::string::npos);
}

// What the far side says in place of TLS is not repeated: it may be anything.
TEST_P(TlsSecrets, AStrangersWordsAreNotRepeated) {
  const Canary canary = Canary::ofRandomBytes();
  for (const std::string& words : {"HTTP/1.1 302 Found\r\nLocation: /" + canary.bytes(),
                                   canary.bytes(), "\x16\x03\x03\x00\x20" + canary.bytes()}) {
    RawPair tls(GetParam());
    tls.pipe->back.bytes = words;
    tls.pipe->back.fin = true;
    const IoResult result = tls.client->connect();
    ASSERT_TRUE(result.isError());
    EXPECT_FALSE(canary.showsIn(tls.client->why() + result.code().message()));
  }
}

// ---- keys and passphrases -----------------------------------------------------------------------

std::string encrypted(const std::string& pem, const std::string& phrase) {
  BIO* const in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* const out = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), phrase.data(),
                                          static_cast<int>(phrase.size()), nullptr, nullptr),
            1);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(in);
  BIO_free(out);
  EVP_PKEY_free(key);
  return text;
}

TEST(TlsKeys, AKeyThatIsRefusedIsNotShown) {
  const auto& own = testCertificates().server;
  const std::string phrase = "the passphrase is a canary";
  const std::string wrapped = encrypted(own.key, phrase);
  std::string torn = own.key;
  torn.resize(torn.size() - 40);
  std::string spoilt = own.key;
  spoilt[spoilt.size() / 2] = '!';
  struct Misuse {
    const char* name;
    net::TlsIdentity identity;
    net::TlsTrust trust{};
  };
  const auto wrong = [] { return std::string("a wrong one, a canary too"); };
  const std::vector<Misuse> all{
      {"torn", {.key = {.text = torn}, .certificate = {.text = own.certificate}}},
      {"spoilt", {.key = {.text = spoilt}, .certificate = {.text = own.certificate}}},
      {"of another certificate",
       {.key = {.text = own.key}, .certificate = {.text = testCertificates().client.certificate}}},
      {"encrypted", {.key = {.text = wrapped}, .certificate = {.text = own.certificate}}},
      {"wrong passphrase",
       {.key = {.text = wrapped}, .certificate = {.text = own.certificate}, .passphrase = wrong}},
      {"as a certificate", {.key = {.text = own.key}, .certificate = {.text = own.key}}},
      {"as a path", {.key = {.path = own.key}, .certificate = {.text = own.certificate}}},
      {"as a certificate's path", {.certificate = {.path = own.certificate + own.key}}},
      {"as a CA", {}, {.ca = {.text = own.key}}},
      {"as a CA's path", {}, {.ca = {.path = own.key}}},
      {"as a revocation list", {}, {.ca = {.text = own.certificate}, .crls = {.text = own.key}}},
  };
  for (const Misuse& each : all) {
    SCOPED_TRACE(each.name);
    std::string text;
    try {
      net::TlsClientConfig config;
      config.identity = each.identity;
      config.trust = each.trust;
      (void)TlsContext::client(config);
      ADD_FAILURE() << "was accepted";
    } catch (const std::exception& error) {
      text = error.what();
    }
    EXPECT_FALSE(Canary::ofPem(own.key).showsIn(text)) << text;
    EXPECT_FALSE(Canary::ofPem(wrapped).showsIn(text)) << text;
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
    EXPECT_LT(text.size(), 400U);
  }
}

}  // namespace
}  // namespace hio::test
