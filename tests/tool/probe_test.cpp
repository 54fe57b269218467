// hio probe against servers that are good, refused, and no TLS servers at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "hio/json.hpp"
#include "tool/json_reader.hpp"
#include "tool/peer.hpp"
#include "tool/tls_peers.hpp"

namespace hio::tool_test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Probe {
  explicit Probe(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "probe");
    Child hio(arguments);
    code = hio.finish();
    out = hio.out;
    err = hio.err;
  }
  Json json() const { return Json(out); }

  int code = -1;
  std::string out;
  std::string err;
};

// An authority, and a server for `good.test` and `localhost`.
class ProbeTls : public testing::Test {
 protected:
  Folder folder_;
  Issuer issuer_{folder_};
};

TEST_F(ProbeTls, ReportsAServerThatIsTrusted) {
  EchoTls echo(issuer_.issue({"localhost", "good.test"}).options({"--alpn", "h2"}));
  const Probe probe({"localhost", echo.port(), "--ca", issuer_.ca(), "--alpn", "h2,http/1.1"});
  EXPECT_EQ(probe.code, 0);
  EXPECT_EQ(probe.err, "");
  EXPECT_THAT(probe.out, StartsWith("server       localhost:" + echo.port() + "\n"));
  for (const char* line :
       {"address      127\\.0\\.0\\.1:[0-9]+", "resolve +[0-9]+\\.[0-9]{3} ms",
        "connect +[0-9]+\\.[0-9]{3} ms", "handshake +[0-9]+\\.[0-9]{3} ms",
        "version      TLSv1\\.3", "cipher       TLS_AES_256_GCM_SHA384", "protocol     h2",
        "resumed      no", "name         'localhost' is one of the certificate's",
        "certificate 1 of 1, the server's", "  subject    CN=localhost",
        "  issuer     CN=Tool Test Root", "  names      localhost, good\\.test",
        "  key        EC prime256v1", "  signature  ecdsa-with-SHA256",
        "  valid      20[0-9-]+ [0-9:]+ to 20[0-9-]+ [0-9:]+ UTC", "  expires    in [23] days",
        "  pin        [A-Za-z0-9+/]{43}=", "verdict      trusted by '.*', for 'localhost'"}) {
    EXPECT_TRUE(std::regex_search(probe.out, std::regex(std::string("(^|\n)") + line + "\n")))
        << line << " is not in\n"
        << probe.out;
  }
  EXPECT_THAT(probe.out, Not(HasSubstr("\x1b")));  // no colours: this is no terminal
}

TEST_F(ProbeTls, JsonHasTheSame) {
  EchoTls echo(issuer_.issue({"localhost", "good.test"}).options({"--alpn", "h2"}));
  const Probe probe({"localhost", echo.port(), "--ca", issuer_.ca(), "--alpn", "h2", "--json"});
  EXPECT_EQ(probe.code, 0);
  EXPECT_TRUE(oneLine(probe.out));
  const Json json = probe.json();
  EXPECT_EQ(json.at("host"), "localhost");
  EXPECT_EQ(json.at("port"), echo.port());
  EXPECT_EQ(json.at("name"), "localhost");
  EXPECT_EQ(json.at("trusted"), "true");
  EXPECT_EQ(json.at("verdict"), "trusted");
  EXPECT_EQ(json.at("reasons"), "[]");
  EXPECT_EQ(json.at("exit_code"), "0");
  EXPECT_EQ(json.at("address"), "127.0.0.1:" + echo.port());
  EXPECT_GE(std::stod(json.at("milliseconds.connect")), 0.0);
  EXPECT_GT(std::stod(json.at("milliseconds.handshake")), 0.0);
  EXPECT_EQ(json.at("version"), "TLSv1.3");
  EXPECT_EQ(json.at("cipher"), "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(json.at("alpn"), "h2");
  EXPECT_EQ(json.at("resumed"), "false");
  EXPECT_EQ(json.at("name_matches"), "true");
  EXPECT_EQ(json.at("unchecked"), "false");
  EXPECT_EQ(json.at("certificates.0.subject"), "CN=localhost");
  EXPECT_EQ(json.at("certificates.0.issuer"), "CN=Tool Test Root");
  EXPECT_EQ(json.at("certificates.0.names.1"), "good.test");
  EXPECT_THAT(json.at("certificates.0.not_after"), testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_THAT(json.at("certificates.0.expires_in_days"), testing::AnyOf("2", "3"));
  EXPECT_FALSE(json.has("certificates.1.subject"));
}

TEST_F(ProbeTls, ServerThatNobodyVouchesForIs9AndIsShownAllTheSame) {
  EchoTls echo;
  const Probe probe({"localhost", echo.port()});
  EXPECT_EQ(probe.code, 9);
  EXPECT_THAT(probe.out, HasSubstr("asked again without checking"));
  EXPECT_THAT(probe.out, HasSubstr("  subject    CN=localhost\n"));
  EXPECT_THAT(probe.out, HasSubstr("name         'localhost' is one of the certificate's\n"));
  EXPECT_THAT(probe.out, HasSubstr("\nverdict      not trusted: unable to get local issuer"));
  EXPECT_THAT(probe.out, Not(HasSubstr("also: ")));
}

TEST_F(ProbeTls, WrongNameIs9AndTheChainIsStillJudged) {
  EchoTls echo(issuer_.issue({"good.test", "*.wild.test"}).options());
  const std::vector<std::string> line{"localhost", echo.port(), "--ca", issuer_.ca(), "--json"};
  const Probe wrong(line);
  EXPECT_EQ(wrong.code, 9);
  EXPECT_EQ(wrong.json().at("name_matches"), "false");
  EXPECT_EQ(wrong.json().at("verdict"), "not trusted");
  EXPECT_EQ(wrong.json().at("unchecked"), "true");
  EXPECT_THAT(wrong.json().at("reasons.0"), HasSubstr("is made for 'good.test'"));
  EXPECT_FALSE(wrong.json().has("reasons.1")) << wrong.out;  // the chain is good
  for (const char* name : {"good.test", "a.wild.test"}) {
    auto named = line;
    named.insert(named.end(), {"--servername", name});
    const Probe right(named);
    EXPECT_EQ(right.code, 0) << right.out;
    EXPECT_EQ(right.json().at("name"), name);
  }
}

TEST_F(ProbeTls, WrongNameAndUnknownAuthorityAreBothTold) {
  EchoTls echo(issuer_.issue({"good.test", "*.wild.test"}).options());
  const Probe both({"localhost", echo.port()});
  EXPECT_EQ(both.code, 9);
  EXPECT_THAT(both.out, HasSubstr("\nname         'localhost' is NOT one of the certificate's\n"));
  EXPECT_THAT(both.out, HasSubstr("verdict      not trusted: "));
  EXPECT_THAT(both.out, HasSubstr("also: "));
  const Probe wild({"localhost", echo.port(), "--servername", "A.Wild.test", "--json"});
  EXPECT_EQ(wild.json().at("name_matches"), "true");
  const Probe deep({"localhost", echo.port(), "--servername", "b.a.wild.test", "--json"});
  EXPECT_EQ(deep.json().at("name_matches"), "false");
}

TEST_F(ProbeTls, ExpiredIs9AndTellsSinceWhen) {
  EchoTls echo(issuer_.issue({"localhost"}, -9, -2).options());
  const Probe probe({"localhost", echo.port(), "--ca", issuer_.ca()});
  EXPECT_EQ(probe.code, 9);
  EXPECT_THAT(probe.out, HasSubstr("  expires    EXPIRED 2 days ago\n"));
  EXPECT_THAT(probe.out, HasSubstr("verdict      not trusted: certificate has expired"));
  const Probe json({"localhost", echo.port(), "--ca", issuer_.ca(), "--json"});
  EXPECT_THAT(json.json().at("certificates.0.expires_in_days"), testing::AnyOf("-2", "-3"));
}

TEST_F(ProbeTls, VersionIsTheOneAskedFor) {
  EchoTls echo;
  const Probe old({"localhost", echo.port(), "--ca", echo.ca(), "--tls-version", "1.2", "--json"});
  EXPECT_EQ(old.code, 0);
  EXPECT_EQ(old.json().at("version"), "TLSv1.2");
  EXPECT_EQ(old.json().at("alpn"), "null");
}

TEST_F(ProbeTls, SaysGoodbye) {
  EchoTls echo({"-v"});
  EXPECT_EQ(Probe({"localhost", echo.port(), "--ca", echo.ca()}).code, 0);
  ASSERT_TRUE(echo.child().untilErr("has gone: received 0 bytes, sent 0 bytes"));
  EXPECT_THAT(echo.child().err, Not(HasSubstr("without a goodbye")));
}

// Quotes, backslashes, control and other characters come through, and the JSON stays valid.
TEST_F(ProbeTls, StrangeNamesStayHarmless) {
  const tool::Authority odd("O\"Brien \\ \x1b[31m \n \xc3\xa9, Ltd");
  const tool::KeyAndCertificate made = odd.issue({"localhost"});
  const Paths paths{folder_.file("odd.key", made.key), folder_.file("odd.pem", made.certificate)};
  EchoTls echo(paths.options());
  const std::string ca = folder_.file("odd-ca.pem", odd.certificate());
  const Probe json({"localhost", echo.port(), "--ca", ca, "--json"});
  EXPECT_EQ(json.code, 0);
  EXPECT_THAT(json.json().at("certificates.0.issuer"), HasSubstr("O\\\"Brien \\\\ "));
  const Probe text({"localhost", echo.port(), "--ca", ca});
  EXPECT_THAT(text.out, HasSubstr("O\\\"Brien"));
  EXPECT_THAT(text.out, Not(HasSubstr("\x1b")));
}

// ---- no TLS -------------------------------------------------------------------------------------

TEST(ProbeNoTls, PlainServerIs10) {
  Listener listener;
  Child hio({"probe", "127.0.0.1", listener.portText()});
  const Socket peer = listener.accept(hio);
  peer.send("220 mail.example.org ESMTP\r\n");
  EXPECT_EQ(hio.wait(), 10);
  EXPECT_THAT(hio.out, ContainsRegex("\nconnect +[0-9.]+ ms\nhandshake +-\n"));
  EXPECT_THAT(hio.out,
              HasSubstr("\nverdict      no TLS connection: the far side does not speak TLS"));
  EXPECT_EQ(hio.err, "");
}

TEST(ProbeNoTls, RefusedIs4AndAllKeysAreThere) {
  const Probe probe({"127.0.0.1", closedPort(), "--json"});
  EXPECT_EQ(probe.code, 4);
  const Json json = probe.json();
  EXPECT_EQ(json.at("verdict"), "no TLS connection");
  EXPECT_THAT(json.at("reasons.0"), StartsWith("Connection refused"));
  EXPECT_EQ(json.at("certificates"), "[]");
  for (const char* key : {"address", "milliseconds.connect", "milliseconds.handshake", "version",
                          "cipher", "alpn", "resumed", "name_matches"}) {
    EXPECT_EQ(json.at(key), "null") << key;
  }
}

TEST(ProbeNoTls, NameThatDoesNotExistIs3) {
  EXPECT_EQ(Probe({"no.such.name.invalid", "443"}).code, 3);
}

TEST(ProbeNoTls, SilentServerIs5) {
  Listener listener;
  Child hio({"probe", "127.0.0.1", listener.portText(), "--timeout", "0.3"});
  const Socket peer = listener.accept(hio);
  EXPECT_EQ(hio.wait(), 5);
  EXPECT_THAT(hio.out, HasSubstr("timed out, after 0.3 s"));
}

TEST(ProbeNoTls, InterruptedIs130) {
  Listener listener;
  Child hio({"probe", "127.0.0.1", listener.portText()});
  const Socket peer = listener.accept(hio);
  hio.signal(SIGINT);
  EXPECT_EQ(hio.wait(), 130);
  EXPECT_EQ(hio.out, "");
}

// ---- JSON ---------------------------------------------------------------------------------------

TEST(JsonWriter, EscapesWhatItMust) {
  using tool::jsonString;
  EXPECT_EQ(jsonString(""), "\"\"");
  EXPECT_EQ(jsonString("a\"b\\c\nd\te"), R"("a\"b\\c\nd\u0009e")");
  EXPECT_EQ(jsonString(std::string_view("\0\x7f\x1b", 3)), R"("\u0000\u007f\u001b")");
  EXPECT_EQ(jsonString("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonWriter, ReplacesWhatIsNoUtf8) {
  using tool::jsonString;
  EXPECT_EQ(jsonString("a\xff"), R"("a\ufffd")");
  EXPECT_EQ(jsonString("\xc3"), R"("\ufffd")");                      // cut off
  EXPECT_EQ(jsonString("\xc0\xaf"), R"("\ufffd\ufffd")");            // overlong
  EXPECT_EQ(jsonString("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
  EXPECT_EQ(jsonString("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

}  // namespace
}  // namespace hio::tool_test
