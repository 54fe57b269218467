// The client against programs that people run: redis, nginx and socat, each on a free port.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "hio/core/tcp.hpp"
#include "support/loopback.hpp"
#include "support/process.hpp"

namespace hio::core::tcp {
namespace {

using namespace std::chrono_literals;
using test::freePort;
using test::Process;
using test::TemporaryFolder;
using test::turnUntil;

struct RealPeer : testing::Test {
  base::Tymist tymist{0s, 1ms};
  TemporaryFolder folder;
  std::uint16_t port = freePort();

  std::string file(const char* name) { return (folder.path() / name).string(); }
  ClientOptions options() { return {.port = port, .tymth = tymist.tymen()}; }
  // Services until `done`; the client's own account of it when that never comes.
  testing::AssertionResult serviceUntil(Client& client, const std::function<bool()>& done) {
    if (turnUntil(done, [&] { client.service(), tymist.tick(); }))
      return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << nameOf(client.phase()) << ", " << client.rxbs().size() << " bytes received, "
           << client.txbs().size() << " unsent, "
           << (client.failure() ? client.failure()->message() : "no failure");
  }
  std::string take(Client& client) {
    std::string text(client.rxbs().text());
    client.clearRxbs();
    return text;
  }
};

std::string megabyte() {
  std::string value(1U << 20U, '\0');
  for (std::size_t i = 0; i < value.size(); ++i)
    value[i] = static_cast<char>(i * 2654435761U >> 9U);
  return value;
}

struct Redis : RealPeer {
  Process server{{"redis-server", "--port", std::to_string(port), "--bind", "127.0.0.1", "--save",
                  "", "--appendonly", "no", "--dir", folder.path().string()},
                 file("redis.log")};
  void SetUp() override { server.awaitPort(port); }
};

TEST_F(Redis, AnswersAPing) {
  const auto client = openClient(options());
  client->tx("PING\r\n");
  EXPECT_TRUE(serviceUntil(*client, [&] { return client->rxbs().size() >= 7; }));
  EXPECT_EQ(client->rxbs().text(), "+PONG\r\n");
}

TEST_F(Redis, KeepsAMegabyteAndGivesItBack) {
  const std::string value = megabyte();
  const std::string size = std::to_string(value.size());
  const auto client = openClient(options());
  for (int round = 0; round < 5; ++round) {
    client->tx("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$" + size + "\r\n");
    client->tx(value);
    client->tx("\r\n");
    ASSERT_TRUE(serviceUntil(*client, [&] { return client->rxbs().size() >= 5; }));
    ASSERT_EQ(take(*client), "+OK\r\n");
    const std::string answer = '$' + size + "\r\n" + value + "\r\n";
    client->tx("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
    ASSERT_TRUE(serviceUntil(*client, [&] { return client->rxbs().size() >= answer.size(); }));
    ASSERT_EQ(take(*client), answer);
  }
}

TEST_F(Redis, AnswersAThousandPipelinedRequestsInOrder) {
  const auto client = openClient(options());
  std::string answers;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = "message " + std::to_string(i);
    client->tx("*2\r\n$4\r\nECHO\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
    answers += '$' + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  EXPECT_TRUE(serviceUntil(*client, [&] { return client->rxbs().size() >= answers.size(); }));
  EXPECT_EQ(client->rxbs().text(), answers);
}

TEST_F(Redis, SaysGoodbyeCleanly) {
  const auto client = openClient(options());
  client->tx("QUIT\r\n");
  EXPECT_TRUE(serviceUntil(*client, [&] { return client->cutoff(); }));
  EXPECT_EQ(client->rxbs().text(), "+OK\r\n");
  EXPECT_EQ(client->failure(), nullptr);
}

struct Nginx : RealPeer {
  std::string configured() {
    std::ofstream(file("page")) << "a page";
    std::ofstream(file("nginx.conf"))
        << "daemon off; master_process off; pid " << file("pid") << "; error_log stderr;\n"
        << "events {}\n"
        << "http { access_log off; keepalive_timeout 60; keepalive_requests 3;\n"
        << "  client_body_temp_path " << file("body") << "; proxy_temp_path " << file("proxy")
        << "; fastcgi_temp_path " << file("fastcgi") << "; uwsgi_temp_path " << file("uwsgi")
        << "; scgi_temp_path " << file("scgi") << ";\n"
        << "  server { listen 127.0.0.1:" << port << "; root " << folder.path().string()
        << "; } }\n";
    return file("nginx.conf");
  }
  Process server{{"nginx", "-c", configured(), "-p", folder.path().string(), "-e", "stderr"},
                 file("nginx.log")};
  void SetUp() override { server.awaitPort(port); }
};

TEST_F(Nginx, AnswersOverOneConnectionUntilItClosesIt) {
  const auto client = openClient(options());
  for (int request = 1; request <= 3; ++request) {
    client->tx("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto whole = [&] { return client->rxbs().text().ends_with("\r\n\r\na page"); };
    ASSERT_TRUE(serviceUntil(*client, whole)) << "request " << request;
    const std::string answer = take(*client);
    EXPECT_EQ(answer.substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(client->epoch(), 1U);
    const bool last = request == 3;
    EXPECT_EQ(answer.find("Connection: close") != std::string::npos, last) << answer;
  }
  EXPECT_TRUE(serviceUntil(*client, [&] { return client->cutoff(); }));
  EXPECT_EQ(client->failure(), nullptr);
}

TEST_F(Nginx, IsAskedAgainOverANewConnectionByAReconnectableClient) {
  ClientOptions again = options();
  again.reconnectable = true;
  const auto client = openClient(again);
  for (int request = 0; request < 6; ++request) {
    // A request goes out only when the connection is known to be good for it.
    ASSERT_TRUE(serviceUntil(*client, [&] { return client->connected() && !client->cutoff(); }));
    client->tx("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto whole = [&] { return client->rxbs().text().ends_with("\r\n\r\na page"); };
    ASSERT_TRUE(serviceUntil(*client, whole)) << "request " << request;
    const bool closing = take(*client).find("Connection: close") != std::string::npos;
    const std::uint64_t epoch = client->epoch();
    if (closing) {
      ASSERT_TRUE(serviceUntil(*client, [&] { return client->epoch() > epoch; }));
    }
  }
  EXPECT_EQ(client->epoch(), 3U);
}

struct Socat : RealPeer {
  std::string listening() {
    return "TCP-LISTEN:" + std::to_string(port) + ",bind=127.0.0.1,reuseaddr";
  }
};

TEST_F(Socat, EchoesEverythingAndTheEndOfIt) {
  Process server({"socat", "-t", "60", listening() + ",fork", "EXEC:cat"}, file("socat.log"));
  server.awaitPort(port);
  const std::string text = megabyte();
  const auto client = openClient(options());
  client->tx(text);
  ASSERT_TRUE(serviceUntil(*client, [&] { return client->txbs().empty(); }));
  client->shutdownSend();
  EXPECT_TRUE(serviceUntil(*client, [&] { return client->cutoff(); }));
  EXPECT_EQ(client->rxbs().text(), text);
  EXPECT_EQ(client->failure(), nullptr);
}

TEST_F(Socat, EndsFirstAndStillTakesTheRest) {
  const std::string got = file("got");
  std::ofstream(file("hello")) << "hello";
  const Process server(
      {"socat", "-t", "60", listening(), "OPEN:" + file("hello") + ",rdonly!!CREATE:" + got},
      file("socat.log"));
  ClientOptions half = options();
  half.halfOpen = true;
  half.reconnectable = true;  // socat takes one connection, which a look at its port would use up
  const auto client = openClient(half);
  ASSERT_TRUE(serviceUntil(*client, [&] { return client->ended(); }));
  EXPECT_EQ(client->rxbs().text(), "hello");
  EXPECT_FALSE(client->cutoff());
  const std::string text = megabyte();
  client->tx(text);
  ASSERT_TRUE(serviceUntil(*client, [&] { return client->txbs().empty(); }));
  client->shutdownSend();
  EXPECT_TRUE(client->cutoff());
  EXPECT_EQ(client->failure(), nullptr);
  std::error_code none;
  EXPECT_TRUE(
      turnUntil([&] { return std::filesystem::file_size(got, none) == text.size(); }, [] {}));
}

}  // namespace
}  // namespace hio::core::tcp
