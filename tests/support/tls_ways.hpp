// Tests that run on each version of TLS, with bytes in each kind of pieces.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "support/raw_tls.hpp"
#include "support/seed.hpp"
#include "support/tls_pair.hpp"

namespace hio::test {

// Configurations that allow this version only.
inline net::TlsClientConfig trusting(net::TlsVersion version) {
  net::TlsClientConfig config = trusting();
  config.protocol.minVersion = config.protocol.maxVersion = version;
  return config;
}
inline net::TlsServerConfig serving(net::TlsVersion version) {
  net::TlsServerConfig config = serving();
  config.protocol.minVersion = config.protocol.maxVersion = version;
  return config;
}

// A client of hio and a server that a test moves by hand.
struct RawPair {
  RawPair(net::TlsContext& context, net::TlsVersion version, SSL_CTX* shared = nullptr) {
    Pipe::Ends ends = Pipe::ends(pipe);
    client = context.wrap(std::move(ends.near), "good.test");
    server = std::make_unique<RawTls>(std::move(ends.far), RawTls::Side::server, version, shared);
  }
  explicit RawPair(net::TlsVersion version)
      : RawPair(*net::TlsContext::client(trusting(version)), version) {}

  void connect() {
    for (int turn = 0; turn < 10; ++turn) {
      shook = client->connect();
      (void)server->turn();
    }
    ASSERT_TRUE(shook.isDone()) << shook.code().message() << ' ' << client->why();
    ASSERT_TRUE(server->shaken());
  }

  std::shared_ptr<Pipe> pipe = std::make_shared<Pipe>();
  std::unique_ptr<net::TlsStream> client;
  std::unique_ptr<RawTls> server;
  net::IoResult shook = net::IoResult::blocked(net::IoResult::On::read);
};

class TlsWays : public testing::TestWithParam<std::tuple<net::TlsVersion, Pieces>> {
 protected:
  static net::TlsVersion version() { return std::get<0>(GetParam()); }
  static Pieces pieces() { return std::get<1>(GetParam()); }

  TlsPair pair() const { return pair(trusting(version()), serving(version())); }
  TlsPair pair(const net::TlsClientConfig& client, const net::TlsServerConfig& server) const {
    TlsPair made(client, server);
    cut(*made.pipe, pieces(), seed_);
    return made;
  }
  RawPair rawPair() const {
    RawPair made(version());
    cut(*made.pipe, pieces(), seed_);
    return made;
  }

 private:
  std::uint64_t seed_ = pieces() == Pieces::random ? announcedSeed() : 0;
};

class TlsVersions : public testing::TestWithParam<net::TlsVersion> {};

inline auto eachVersion() {
  return testing::Values(net::TlsVersion::tls12, net::TlsVersion::tls13);
}

inline std::string nameOfVersion(const testing::TestParamInfo<net::TlsVersion>& info) {
  return info.param == net::TlsVersion::tls12 ? "Tls12" : "Tls13";
}

inline std::string nameOfWay(const testing::TestParamInfo<TlsWays::ParamType>& info) {
  const bool is12 = std::get<0>(info.param) == net::TlsVersion::tls12;
  return (is12 ? "Tls12" : "Tls13") + std::string("in") +
         std::string(nameOf(std::get<1>(info.param))) + "Pieces";
}

inline auto everyWay() {
  return testing::Combine(testing::Values(net::TlsVersion::tls12, net::TlsVersion::tls13),
                          testing::Values(Pieces::whole, Pieces::random, Pieces::single));
}

inline auto everyWayOf(net::TlsVersion version) {
  return testing::Combine(testing::Values(version),
                          testing::Values(Pieces::whole, Pieces::random, Pieces::single));
}

// Bytes that differ from their neighbours.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>('a' + at * 31 % 26);
  return text;
}

}  // namespace hio::test
