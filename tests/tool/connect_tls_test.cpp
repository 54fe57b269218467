// hio connect --tls against hio echo --tls, and against servers that TLS must refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tool/peer.hpp"
#include "tool/tls_peers.hpp"

namespace hio::tool_test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* Here = "127.0.0.1";
constexpr int Untrusted = 9;
constexpr int TlsFailed = 10;

// `hio connect --tls` with some input.
class Connect {
 public:
  Connect(const std::string& host, const std::string& port, std::vector<std::string> options,
          const std::string& input = "ping")
      : child_(line(host, port, std::move(options))) {
    child_.write(input);
    code = child_.finish();
    out = child_.out;
    err = child_.err;
  }

  int code = -1;
  std::string out;
  std::string err;

 private:
  static std::vector<std::string> line(const std::string& host, const std::string& port,
                                       std::vector<std::string> options) {
    options.insert(options.begin(), {"connect", "--tls", host, port});
    return options;
  }

  Child child_;
};

// ---- bytes --------------------------------------------------------------------------------------

class RoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, GivesBackEachByteAndSaysNothing) {
  const std::string bytes = randomBytes(3'000'001);
  EchoTls echo;
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const Connect hio(host, echo.port(), {"--ca", echo.ca(), "--tls-version", GetParam()}, bytes);
    EXPECT_EQ(hio.code, 0);
    EXPECT_TRUE(hio.out == bytes) << hio.out.size();
    EXPECT_EQ(hio.err, "");
  }
  EXPECT_EQ(echo.interrupt(), 0);
  EXPECT_EQ(echo.child().err, "");
}

INSTANTIATE_TEST_SUITE_P(Versions, RoundTrip, testing::Values("1.2", "1.3"));

TEST(ConnectTls, ReaderThatIsSlowGetsAllToo) {
  const Folder folder;
  const std::string bytes = randomBytes(6'000'000);
  EchoTls echo;
  Child hio({"connect", "--tls", "localhost", echo.port(), "--ca", echo.ca()},
            folder.file("in", bytes));
  // Meanwhile nobody reads its standard output, and all on the way to it gets full.
  ASSERT_TRUE(echo.child().until([turns = 0]() mutable { return ++turns > 30; }));
  EXPECT_EQ(hio.wait(), 0);
  EXPECT_TRUE(hio.out == bytes) << hio.out.size();
}

TEST(ConnectTls, InputThatIsEmptyEndsAtOnce) {
  EchoTls echo;
  const Connect hio("localhost", echo.port(), {"--ca", echo.ca()}, "");
  EXPECT_EQ(hio.code, 0);
  EXPECT_EQ(hio.out + hio.err, "");
}

TEST(ConnectTls, VerboseTellsWhatWasSettled) {
  EchoTls echo({"-v"});
  const Connect hio("localhost", echo.port(), {"--ca", echo.ca(), "-v"});
  EXPECT_EQ(hio.code, 0);
  EXPECT_EQ(hio.out, "ping");
  EXPECT_THAT(hio.err, HasSubstr("hio: TLSv1.3, TLS_AES_256_GCM_SHA384, certificate of "
                                 "CN=localhost, checked\n"));
  EXPECT_TRUE(echo.child().untilErr("has come: TLSv1.3, TLS_AES_256_GCM_SHA384\n"));
}

TEST(ConnectTls, WireLogHasTheBytesAsTheyWereBeforeTls) {
  const Folder folder;
  EchoTls echo;
  const Connect hio("localhost", echo.port(), {"--ca", echo.ca(), "--wirelog", folder.file("wire")},
                    "my words");
  EXPECT_EQ(hio.code, 0);
  EXPECT_THAT(contentOf(folder.file("wire")), HasSubstr("my words"));
}

// ---- refused certificates -----------------------------------------------------------------------

TEST(ConnectTls, CertificateThatNobodyVouchesForIs9) {
  EchoTls echo({"-v"});
  const Connect hio("localhost", echo.port(), {});
  EXPECT_EQ(hio.code, Untrusted);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, StartsWith("hio: shake hands with localhost:" + echo.port()));
  EXPECT_THAT(hio.err, HasSubstr("unable to get local issuer certificate"));
  EXPECT_THAT(hio.err, HasSubstr("give its CA's file (--ca)"));
  EXPECT_EQ(hio.out, "");
  EXPECT_TRUE(echo.child().untilErr("the far side gave up: unknown CA"));
}

TEST(ConnectTls, CertificateForAnotherNameIs9AndServernameMendsIt) {
  const Folder folder;
  Issuer issuer(folder);
  EchoTls echo(issuer.issue({"good.test"}).options());
  const Connect wrong("localhost", echo.port(), {"--ca", issuer.ca()});
  EXPECT_EQ(wrong.code, Untrusted);
  EXPECT_TRUE(oneLine(wrong.err)) << wrong.err;
  EXPECT_THAT(wrong.err, HasSubstr("asked for 'localhost' and is made for 'good.test'"));
  EXPECT_THAT(wrong.err, HasSubstr("(--servername)"));
  const Connect right(Here, echo.port(), {"--ca", issuer.ca(), "--servername", "good.test"});
  EXPECT_EQ(right.code, 0) << right.err;
  EXPECT_EQ(right.out, "ping");
}

TEST(ConnectTls, ExpiredCertificateIs9) {
  const Folder folder;
  Issuer issuer(folder);
  EchoTls echo(issuer.issue({"localhost"}, -9, -2).options());
  const Connect hio("localhost", echo.port(), {"--ca", issuer.ca()});
  EXPECT_EQ(hio.code, Untrusted);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("certificate has expired"));
}

// The certificate, or this machine's clock, may be mended while it waits.
TEST(ConnectTls, RefusedCertificateIsToldAndTriedAgain) {
  EchoTls echo;
  Child hio({"connect", "--tls", "--reconnect", "-v", "localhost", echo.port()});
  EXPECT_TRUE(hio.untilErr("trying again"));
  hio.signal(SIGTERM);
  EXPECT_NE(hio.wait(), 0);
}

TEST(ConnectTls, InsecureTakesAnyCertificateAndWarns) {
  EchoTls echo;
  const Connect hio("localhost", echo.port(), {"--insecure"});
  EXPECT_EQ(hio.code, 0);
  EXPECT_EQ(hio.out, "ping");
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, StartsWith("hio: warning: --insecure: "));
  const Connect verbose("localhost", echo.port(), {"--insecure", "-v"});
  EXPECT_THAT(verbose.err, HasSubstr("certificate of CN=localhost, NOT CHECKED\n"));
}

// ---- handshakes that fail -----------------------------------------------------------------------

TEST(ConnectTls, ServerThatDoesNotSpeakTlsIs10) {
  Listener listener;
  Child hio({"connect", "--tls", Here, listener.portText()});
  Socket peer = listener.accept(hio);
  peer.send("220 mail.example.org ESMTP, and more that is no TLS\r\n");
  EXPECT_EQ(hio.wait(), TlsFailed);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("the far side does not speak TLS"));
  EXPECT_EQ(hio.out, "");
}

TEST(ConnectTls, ServerThatClosesInTheHandshakeIs10) {
  Listener listener;
  for (const bool reset : {false, true}) {
    Child hio({"connect", "--tls", Here, listener.portText()});
    Socket peer = listener.accept(hio);
    ASSERT_TRUE(hio.until([&] { return peer.readable(); }));
    reset ? peer.reset() : peer.close();
    EXPECT_EQ(hio.wait(), TlsFailed);
    EXPECT_TRUE(oneLine(hio.err)) << hio.err;
    EXPECT_THAT(hio.err, StartsWith("hio: shake hands with 127.0.0.1:"));
  }
}

TEST(ConnectTls, ServerThatIsSilentIs5) {
  Listener listener;
  Child hio({"connect", "--tls", Here, listener.portText(), "--timeout", "0.3"});
  const Socket peer = listener.accept(hio);
  EXPECT_EQ(hio.wait(), 5);
  EXPECT_THAT(hio.err, HasSubstr("shake hands with 127.0.0.1:"));
}

TEST(ConnectTls, NoVersionInCommonIs10) {
  EchoTls echo({"--tls-version", "1.2"});
  const Connect hio("localhost", echo.port(), {"--ca", echo.ca(), "--tls-version", "1.3"});
  EXPECT_EQ(hio.code, TlsFailed);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("protocol version"));
  const Connect well("localhost", echo.port(), {"--ca", echo.ca(), "-v"});
  EXPECT_EQ(well.code, 0);
  EXPECT_THAT(well.err, HasSubstr("TLSv1.2, ECDHE-"));
}

TEST(ConnectTls, AlpnIsAgreedOrIs10) {
  EchoTls echo({"--alpn", "h2,http/1.1"});
  const Connect well("localhost", echo.port(), {"--ca", echo.ca(), "--alpn", "http/1.1,x", "-v"});
  EXPECT_EQ(well.code, 0);
  EXPECT_THAT(well.err, HasSubstr("TLS_AES_256_GCM_SHA384, http/1.1, certificate"));
  const Connect none("localhost", echo.port(), {"--ca", echo.ca(), "--alpn", "x"});
  EXPECT_EQ(none.code, TlsFailed);
  EXPECT_THAT(none.err, HasSubstr("no application protocol"));
}

TEST(ConnectTls, ServerThatDiesIs7BecauseBytesMayBeMissing) {
  EchoTls echo;
  Child hio({"connect", "--tls", "localhost", echo.port(), "--ca", echo.ca()});
  hio.write("ping");
  ASSERT_TRUE(hio.untilOut("ping"));
  echo.child().signal(SIGKILL);
  EXPECT_EQ(hio.wait(), 7);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
  EXPECT_THAT(hio.err, HasSubstr("without a goodbye (close_notify): bytes may be missing"));
}

// ---- client certificates ------------------------------------------------------------------------

class ClientCertificate : public testing::TestWithParam<const char*> {};

TEST_P(ClientCertificate, IsAskedForAndShown) {
  const Folder folder;
  Issuer issuer(folder);
  EchoTls echo(issuer.issue({"localhost"}).options({"--ca", issuer.ca(), "-v"}));
  const std::vector<std::string> options{"--ca", issuer.ca(), "--tls-version", GetParam()};
  const Connect without("localhost", echo.port(), options);
  EXPECT_EQ(without.code, TlsFailed);
  EXPECT_TRUE(oneLine(without.err)) << without.err;
  EXPECT_THAT(without.err, HasSubstr("the far side gave up: "));
  EXPECT_TRUE(echo.child().untilErr("the far side has shown no certificate"));

  const Paths client = issuer.issue({"alice"});
  const Connect with("localhost", echo.port(), client.options(options));
  EXPECT_EQ(with.code, 0) << with.err;
  EXPECT_EQ(with.out, "ping");
  EXPECT_TRUE(echo.child().untilErr("certificate of CN=alice\n"));

  // The file of the certificate may hold the key too.
  auto more = options;
  const std::string both =
      folder.file("both.pem", contentOf(client.key) + contentOf(client.certificate));
  more.insert(more.end(), {"--cert", both});
  EXPECT_EQ(Connect("localhost", echo.port(), more).code, 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientCertificate, testing::Values("1.2", "1.3"));

TEST(ConnectTls, KeyOfAnotherCertificateIs2) {
  const Folder folder;
  Issuer issuer(folder);
  const Connect hio("localhost", "1",
                    {"--cert", issuer.issue({"a"}).certificate, "--key", issuer.issue({"b"}).key});
  EXPECT_EQ(hio.code, 2);
  EXPECT_TRUE(oneLine(hio.err)) << hio.err;
}

// ---- files --------------------------------------------------------------------------------------

mode_t modeOf(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

TEST(KeyLog, IsForItsOwnerAddsUpAndWarns) {
  const Folder folder;
  const std::string path = folder.file("keys");
  EchoTls echo;
  for (const char* version : {"1.3", "1.2"}) {
    const Connect hio("localhost", echo.port(),
                      {"--ca", echo.ca(), "--keylog", path, "--tls-version", version});
    EXPECT_EQ(hio.code, 0);
    EXPECT_EQ(hio.out, "ping");
    EXPECT_EQ(hio.err, "hio: warning: whoever reads '" + path + "' can read this connection\n");
  }
  EXPECT_EQ(modeOf(path), 0600U);
  EXPECT_THAT(contentOf(path),
              testing::ContainsRegex("(^|\n)CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+\n"));
  EXPECT_THAT(contentOf(path), testing::ContainsRegex("\nCLIENT_RANDOM [0-9a-f]{64} [0-9a-f]+\n"));
}

TEST(KeyLog, DoesNotFollowALink) {
  const Folder folder;
  ASSERT_EQ(::symlink(folder.file("real", "").c_str(), folder.file("link").c_str()), 0);
  const Connect hio("localhost", "1", {"--keylog", folder.file("link")});
  EXPECT_EQ(hio.code, 2);
  EXPECT_THAT(hio.err, HasSubstr(folder.file("link")));
  EXPECT_EQ(contentOf(folder.file("real")), "");
}

TEST(EchoOverTls, WritesTheAuthorityAndNotThroughALink) {
  const Folder folder;
  ASSERT_EQ(::symlink(folder.file("real", "").c_str(), folder.file("link").c_str()), 0);
  Child refused({"echo", "--tls", "0", "--write-ca", folder.file("link")});
  EXPECT_EQ(refused.finish(), 2);
  EXPECT_THAT(refused.err, HasSubstr(folder.file("link")));
  EXPECT_EQ(contentOf(folder.file("real")), "");

  // What was there before is gone; the key is nowhere.
  Child echo({"echo", "--tls", "0", "--write-ca", folder.file("ca", std::string(5000, 'x'))});
  ASSERT_TRUE(echo.untilOut("\n"));
  const std::string pem = contentOf(folder.file("ca"));
  EXPECT_THAT(pem, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_THAT(pem, testing::EndsWith("-----END CERTIFICATE-----\n"));
  EXPECT_THAT(pem, Not(HasSubstr("KEY")));
}

TEST(EchoOverTls, WarnsThatNobodyCanCheckItsCertificate) {
  Child echo({"echo", "--tls", "0"});
  ASSERT_TRUE(echo.untilOut("\n"));
  EXPECT_TRUE(echo.untilErr("no client can check this certificate without --write-ca FILE\n"));
}

TEST(EchoOverTls, GoesOnBesideClientsThatAreSilentOrSpeakHttp) {
  EchoTls echo({"-v"});
  Child silent({"connect", Here, echo.port()});
  Child http({"connect", Here, echo.port()});
  http.write("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(http.finish(), 0);
  EXPECT_TRUE(echo.child().untilErr("the far side does not speak TLS"));
  const Connect good("localhost", echo.port(), {"--ca", echo.ca()});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(good.out, "ping");
  EXPECT_EQ(echo.interrupt(), 0);
}

}  // namespace
}  // namespace hio::tool_test
