// What a TlsContext and a ClientTls refuse to be made of: each error names the field or file and
// the reason (issue "Bad input").
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/core/tcp/serving_tls.hpp"
#include "support/pipe_net.hpp"
#include "support/tls_pair.hpp"

namespace hio::test {
namespace {

using core::tcp::ClientTls;
using core::tcp::TlsOptions;
using net::TlsClientConfig;
using net::TlsContext;
using net::TlsError;
using net::TlsServerConfig;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// ---- what an error says -------------------------------------------------------------------------

template <class Error, class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another kind of error: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

template <class Make>
std::string badArgument(Make make) {
  return refusal<std::invalid_argument>(make);
}
template <class Make>
std::string badFile(Make make) {
  return refusal<std::system_error>(make);
}

// A folder of its own for each test.
class TlsConfiguration : public testing::Test {
 protected:
  TlsConfiguration() {
    folder_ =
        std::filesystem::temp_directory_path() /
        ("hio_tls_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
         std::to_string(std::random_device{}()));
    std::filesystem::create_directory(folder_);
  }
  ~TlsConfiguration() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string folder() const { return folder_; }

  const tool::KeyAndCertificate& own_ = testCertificates().server;
  const tool::KeyAndCertificate& other_ = testCertificates().client;

 private:
  std::filesystem::path folder_;
};

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

// ---- names --------------------------------------------------------------------------------------

struct BadName {
  std::string name;
  std::string why;
};

const std::vector<BadName>& badNames() {
  using namespace std::string_literals;
  static const std::vector<BadName> all{
      {"", "it is empty"},
      {".", "it is empty"},
      {"..", "empty label"},
      {".test", "empty label"},
      {".good.test", "empty label"},
      {"good..test", "empty label"},
      {"good.test..", "empty label"},
      {"good.test\0"s, "character"},
      {"good.test\0.bad.test"s, "character"},
      {"\0"s, "character"},
      {"good.test\n", "character"},
      {"\x1b[2Jgood.test", "character"},
      {"good.test\x7f", "character"},
      {"good test", "character"},
      {" good.test", "character"},
      {"*.good.test", "character"},
      {"*", "character"},
      {"good.test:443", "character"},
      {"https://good.test", "character"},
      {"user@good.test", "character"},
      {"good.test/", "character"},
      {"[::1]", "character"},
      {"127.0.0.1.", "dot"},
      {"0x7f000001.", "dot"},
      {"::1.", "dot"},
      {"g\xc3\xb6\xc3\xb6"
       "d.test",
       "xn--"},
      {std::string(254, 'a'), "253"},
      {std::string(100000, 'a'), "253"},
  };
  return all;
}

TEST(TlsNames, ThatCannotBeCheckedAreRefused) {
  for (const BadName& bad : badNames()) {
    const std::string text = badArgument([&] { (void)net::tlsName(bad.name); });
    EXPECT_THAT(text, HasSubstr(bad.why)) << bad.name;
    EXPECT_LT(text.size(), 300U);
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    })) << text;
  }
}

TEST(TlsNames, OfServersAreWhatTheyWere) {
  EXPECT_EQ(net::tlsName("good.test"), "good.test");
  EXPECT_EQ(net::tlsName("good.test."), "good.test");
  EXPECT_EQ(net::tlsName("_service.Good.test"), "_service.Good.test");
  EXPECT_EQ(net::tlsName("xn--gd-1ga.test"), "xn--gd-1ga.test");
  EXPECT_EQ(net::tlsName("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(net::tlsName("0:0:0::0:1"), "::1");
  EXPECT_EQ(net::tlsName(std::string(253, 'a')), std::string(253, 'a'));
}

TEST(TlsNames, AreRefusedBeforeAnythingIsSent) {
  const auto context = TlsContext::client(trusting());
  for (const BadName& bad : badNames()) {
    const auto pipe = std::make_shared<Pipe>();
    EXPECT_THAT(badArgument([&] { (void)context->wrap(Pipe::ends(pipe).near, bad.name); }),
                HasSubstr(bad.why));
    EXPECT_EQ(pipe->forth.passed, 0U);
    if (bad.name.empty()) continue;  // of a client: the host
    EXPECT_THAT(badArgument([&] {
                  const ClientTls client({.host = "127.0.0.1"},
                                         {.context = context, .certedhost = bad.name});
                }),
                HasSubstr(bad.why));
  }
  EXPECT_THAT(badArgument([&] { (void)context->wrap(nullptr, "good.test"); }),
              HasSubstr("no stream"));
}

// ---- files and texts ----------------------------------------------------------------------------

TEST_F(TlsConfiguration, FilesThatCannotBeReadAreNamed) {
  const std::string absent = folder() + "/absent.pem";
  const auto client = [&](const net::Pem& ca) {
    TlsClientConfig config;
    config.trust.ca = ca;
    return [config] { (void)TlsContext::client(config); };
  };
  const auto server = [&](const std::string& key, const std::string& certificate) {
    TlsServerConfig config = serving();
    config.identity = {.key = {.path = key}, .certificate = {.path = certificate}};
    return [config] { (void)TlsContext::server(config); };
  };
  const std::string good = file("certificate.pem", own_.certificate);
  const std::string key = file("key.pem", own_.key);
  server(key, good)();

  EXPECT_THAT(badFile(client({.path = absent})),
              AllOf(HasSubstr("CA certificates '" + absent), HasSubstr("No such file")));
  EXPECT_THAT(badFile(server(key, absent)),
              AllOf(HasSubstr("certificate '" + absent), HasSubstr("No such file")));
  EXPECT_THAT(badFile(server(absent, good)),
              AllOf(HasSubstr("key '" + absent), HasSubstr("No such file")));
  // A folder is one that can be opened and not read, also for root.
  EXPECT_THAT(badFile(client({.path = folder()})),
              AllOf(HasSubstr(folder()), HasSubstr("Is a directory")));
  EXPECT_THAT(badFile(server(folder(), good)), HasSubstr("Is a directory"));
  TlsClientConfig listed = trusting();
  listed.trust.crls.path = absent;
  EXPECT_THAT(badFile([&] { (void)TlsContext::client(listed); }),
              AllOf(HasSubstr("revocation lists '" + absent), HasSubstr("No such file")));
}

TEST_F(TlsConfiguration, FilesThatAreNoPemAreNamed) {
  const std::string good = file("certificate.pem", own_.certificate);
  const std::string key = file("key.pem", own_.key);
  std::string torn = own_.certificate;
  torn.resize(torn.size() / 2);
  std::string spoilt = own_.certificate;
  spoilt.replace(spoilt.size() / 2, 3, "!!!");
  const std::string armour = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  struct Bad {
    std::string name;
    std::string text;
  };
  for (const Bad& bad : {Bad{"empty", ""},
                         {"words", "certificate\n"},
                         {"nul", std::string(99, '\0')},
                         {"torn", torn},
                         {"spoilt", spoilt},
                         {"armour", armour},
                         {"a key instead", own_.key}}) {
    SCOPED_TRACE(bad.name);
    const std::string path = file("bad.pem", bad.text);
    TlsClientConfig client;
    client.trust.ca.path = path;
    EXPECT_THAT(badFile([&] { (void)TlsContext::client(client); }),
                AllOf(HasSubstr("CA certificates '" + path), HasSubstr("cannot be used")));
    client.trust.ca = {.text = bad.text};
    if (!bad.text.empty()) {
      EXPECT_THAT(badFile([&] { (void)TlsContext::client(client); }), HasSubstr("CA certificates"));
    }
    TlsServerConfig server = serving();
    server.identity.certificate = {.path = path};
    server.identity.key = {.path = key};
    EXPECT_THAT(badFile([&] { (void)TlsContext::server(server); }),
                AllOf(HasSubstr("certificate '" + path), HasSubstr("cannot be used")));
    if (bad.name == "a key instead") continue;
    server.identity.certificate = {.path = good};
    server.identity.key = {.path = path};
    EXPECT_THAT(badFile([&] { (void)TlsContext::server(server); }),
                AllOf(HasSubstr("key '" + path), HasSubstr("no private key")));
  }
  // A second certificate that is torn is not passed over.
  TlsClientConfig client;
  client.trust.ca.path = file("second.pem", own_.certificate + torn);
  EXPECT_THAT(badFile([&] { (void)TlsContext::client(client); }), HasSubstr("second.pem"));
}

TEST_F(TlsConfiguration, AKeyHasToBelongToItsCertificate) {
  TlsServerConfig config = serving();
  config.identity = {.key = {.path = file("key.pem", other_.key)},
                     .certificate = {.path = file("certificate.pem", own_.certificate)}};
  const std::string text = badFile([&] { (void)TlsContext::server(config); });
  EXPECT_THAT(text, AllOf(HasSubstr("key.pem"), HasSubstr("mismatch")));
}

TEST_F(TlsConfiguration, AnEncryptedKeyNeedsItsPassphrase) {
  TlsServerConfig config = serving();
  config.identity.key = {.path = file("key.pem", encrypted(own_.key, "open sesame"))};
  EXPECT_THAT(badFile([&] { (void)TlsContext::server(config); }),
              AllOf(HasSubstr("key.pem"), HasSubstr("is encrypted and no passphrase")));
  for (const std::string& wrong :
       {std::string("close sesame"), std::string(), std::string(5000, 'x')}) {
    config.identity.passphrase = [&] { return wrong; };
    EXPECT_THAT(
        badFile([&] { (void)TlsContext::server(config); }),
        AllOf(HasSubstr("key.pem"), HasSubstr("with that passphrase"), Not(HasSubstr("sesame"))));
  }
  config.identity.passphrase = []() -> std::string { throw std::domain_error("nobody there"); };
  EXPECT_EQ(refusal<std::domain_error>([&] { (void)TlsContext::server(config); }), "nobody there");
  config.identity.passphrase = [] { return "open sesame"; };
  TlsPair tls(trusting(), config);
  tls.connect();
}

TEST_F(TlsConfiguration, OneSourceForEachText) {
  TlsClientConfig config = trusting();
  config.trust.ca.path = file("ca.pem", own_.certificate);
  EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
              AllOf(HasSubstr("CA certificates"), HasSubstr("give one")));
  config = trusting();
  config.identity.key.text = own_.key;
  EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
              HasSubstr("a key is given without its certificate"));
}

TEST_F(TlsConfiguration, PathsThatAreNoneAreRefused) {
  const std::string good = file("ca.pem", own_.certificate);
  for (const std::string& path :
       {good + '\0', good + std::string("\0.bad", 5), good + '\n', own_.certificate}) {
    TlsClientConfig config;
    config.trust.ca.path = path;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
                HasSubstr("CA certificates has a path that is none"));
  }
}

TEST_F(TlsConfiguration, AReloadThatFailsLeavesAllAsItWas) {
  TlsServerConfig config = serving();
  const std::string path = file("certificate.pem", own_.certificate);
  config.identity.certificate = {.path = path};
  const auto client = TlsContext::client(trusting());
  const auto server = TlsContext::server(config);
  file("certificate.pem", "nothing");
  EXPECT_THAT(badFile([&] { server->reload(); }), HasSubstr(path));
  TlsPair tls(*client, *server);
  tls.connect();
  std::filesystem::remove(path);
  EXPECT_THAT(badFile([&] { server->reload(); }), HasSubstr("No such file"));
  TlsPair again(*client, *server);
  again.connect();
}

// ---- settings -----------------------------------------------------------------------------------

TEST(TlsSettings, ThatContradictEachOtherAreRefused) {
  TlsClientConfig client = trusting();
  client.certify = net::Certify::insecureNone;
  EXPECT_THAT(badArgument([&] { (void)TlsContext::client(client); }),
              HasSubstr("hostify needs certify"));
  client.hostify = net::Hostify::insecureOff;
  EXPECT_FALSE(TlsContext::client(client)->isServer());
  EXPECT_THAT(badArgument([] {
                const ClientTls made(
                    {}, {.certify = net::Certify::insecureNone, .certedhost = "good.test"});
              }),
              HasSubstr("hostify needs certify"));

  TlsServerConfig server = serving();
  server.identity = {};
  EXPECT_THAT(badArgument([&] { (void)TlsContext::server(server); }),
              HasSubstr("identity.certificate"));
  for (const net::ClientCerts asked : {net::ClientCerts::required, net::ClientCerts::optional}) {
    server = serving();
    server.clients = asked;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::server(server); }), HasSubstr("trust.ca"));
  }
}

TEST(TlsSettings, VersionsThatDoNotExistAreRefused) {
  for (const int number : {2, 7, 255}) {
    const auto strange = static_cast<net::TlsVersion>(number);
    TlsClientConfig config = trusting();
    config.protocol.minVersion = strange;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
                HasSubstr("protocol.minVersion is no version"));
    config = trusting();
    config.protocol.maxVersion = strange;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
                HasSubstr("protocol.maxVersion is no version"));
    EXPECT_THAT(badArgument([&] {
                  const ClientTls made({}, {.version = strange, .certedhost = "good.test"});
                }),
                HasSubstr("no version"));
  }
  TlsServerConfig server = serving();
  server.protocol.minVersion = net::TlsVersion::tls13;
  server.protocol.maxVersion = net::TlsVersion::tls12;
  EXPECT_THAT(badArgument([&] { (void)TlsContext::server(server); }),
              HasSubstr("protocol.minVersion is a later version than protocol.maxVersion"));
}

TEST(TlsSettings, CiphersAndProtocolsAreChecked) {
  TlsClientConfig config = trusting();
  for (const char* const ciphers : {"NO-SUCH-CIPHER", "!ALL", ":::"}) {
    config.protocol.ciphers = ciphers;
    EXPECT_THAT(badFile([&] { (void)TlsContext::client(config); }),
                AllOf(HasSubstr("protocol.ciphers"), HasSubstr(ciphers)));
  }
  for (const std::string& ciphers :
       {std::string("ECDHE+AESGCM\0:x", 15), std::string("\x1b[2J"), std::string("\xff")}) {
    config.protocol.ciphers = ciphers;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
                HasSubstr("protocol.ciphers has a character"));
  }
  for (const std::size_t size : {std::size_t(0), std::size_t(256), std::size_t(100000)}) {
    config = trusting();
    config.protocol.alpn = {"h2", std::string(size, 'x')};
    EXPECT_THAT(badArgument([&] { (void)TlsContext::client(config); }),
                AllOf(HasSubstr("protocol.alpn"), HasSubstr(std::to_string(size) + " bytes")));
    TlsServerConfig server = serving();
    server.protocol.alpn = config.protocol.alpn;
    EXPECT_THAT(badArgument([&] { (void)TlsContext::server(server); }), HasSubstr("protocol.alpn"));
  }
  config.protocol.alpn = {std::string(255, 'x'), std::string("\0", 1)};
  TlsServerConfig server = serving();
  server.protocol.alpn = {std::string("\0", 1)};
  TlsPair tls(config, server);
  tls.connect();
  EXPECT_EQ(tls.client->info().alpn, std::string("\0", 1));
}

TEST(TlsSettings, PinsAreChecked) {
  const std::string good = std::string(43, 'A') + '=';
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string(44, 'A'),
        std::string(42, 'A') + "==", std::string(43, '!') + '=', good + '\n', good + ' ',
        "sha256/" + good, std::string(64, 'a'), std::string(43, '\0') + '='}) {
    TlsClientConfig config = trusting();
    config.trust.pins = {good, bad};
    const std::string text = badArgument([&] { (void)TlsContext::client(config); });
    EXPECT_THAT(text, AllOf(HasSubstr("trust.pins"), HasSubstr("no base64 of a SHA-256"))) << bad;
  }
}

TEST(TlsSettings, AContextBesideOptionsOfItsOwnIsRefused) {
  const auto context = TlsContext::client(trusting());
  const auto refused = [&](TlsOptions options) {
    options.context = context;
    options.certedhost = "good.test";
    return badArgument([&] { const ClientTls client({}, options); });
  };
  EXPECT_THAT(refused({.version = net::TlsVersion::tls12}), HasSubstr("version is given beside"));
  EXPECT_THAT(refused({.certify = net::Certify::insecureNone}), HasSubstr("certify is given"));
  EXPECT_THAT(refused({.hostify = net::Hostify::insecureOff}), HasSubstr("hostify is given"));
  EXPECT_THAT(refused({.keypath = "k"}), HasSubstr("keypath is given"));
  EXPECT_THAT(refused({.certpath = "c"}), HasSubstr("certpath is given"));
  EXPECT_THAT(refused({.cafilepath = "a"}), HasSubstr("cafilepath is given"));
  EXPECT_THAT(badArgument([&] {
                const ClientTls client(
                    {}, {.context = TlsContext::server(serving()), .certedhost = "good.test"});
              }),
              HasSubstr("context is one for servers"));
}

}  // namespace
}  // namespace hio::test
