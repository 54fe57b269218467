// Each allocation of a TLS handshake, OpenSSL's and C++'s, fails in turn, once and from there on:
// nothing crashes, nothing leaks, and no certificate is accepted that is refused when there is
// memory. Usage: hio_torture [--all | --every N] [--verbose]; by default a sample.
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hio/net/tls.hpp"
#include "support/allocations.hpp"
#include "support/forge.hpp"
#include "support/pipe.hpp"

namespace {

using hio::net::IoResult;
using hio::net::TlsContext;
using hio::net::TlsStream;
using hio::net::TlsVersion;
using hio::test::FailingAllocation;
using hio::test::Pipe;

// ---- OpenSSL's allocator ------------------------------------------------------------------------

std::int64_t live = 0;  // blocks that OpenSSL holds

void* cryptoMalloc(std::size_t size, const char* /*file*/, int /*line*/) {
  if (hio::test::allocationFails()) return nullptr;
  void* const memory = std::malloc(size);
  if (memory != nullptr) ++live;
  return memory;
}

void cryptoFree(void* memory, const char* /*file*/, int /*line*/) {
  if (memory != nullptr) --live;
  std::free(memory);
}

void* cryptoRealloc(void* memory, std::size_t size, const char* file, int line) {
  if (memory == nullptr) return cryptoMalloc(size, file, line);
  if (size == 0) {
    cryptoFree(memory, file, line);
    return nullptr;
  }
  if (hio::test::allocationFails()) return nullptr;
  return std::realloc(memory, size);
}

// ---- one case -----------------------------------------------------------------------------------

enum class Phase { context, handshake, serverHandshake };
constexpr std::array<const char*, 3> PhaseNames{"client's context", "client's handshake",
                                                "server's handshake"};

struct Scene {
  std::string name;
  Phase phase;
  TlsVersion version;
  bool good;
  hio::net::TlsClientConfig client{};
  hio::net::TlsServerConfig server{};
  std::string asksFor = "good.test";
};

struct Result {
  bool accepted = false;  // by the side whose memory failed
  std::uint64_t used = 0;
  std::string failure{};
};

// Both contexts of a scene, made while there was memory.
struct Contexts {
  std::shared_ptr<TlsContext> client;
  std::shared_ptr<TlsContext> server;
};

constexpr std::uint64_t Never = std::uint64_t(1) << 62U;

// Runs `step` with the failure armed; keeps how far it is away across calls.
class Armed {
 public:
  Armed(std::uint64_t nth, bool onwards) : left_(nth), onwards_(onwards) {}

  template <class Step>
  void run(Step step) {
    const FailingAllocation failing(left_, onwards_);
    struct Rest {
      Armed& armed;
      ~Rest() { armed.left_ = FailingAllocation::left(); }
    } const rest{*this};
    step();
  }
  std::uint64_t left() const { return left_; }

 private:
  std::uint64_t left_;
  bool onwards_;
};

Result play(const Scene& scene, const Contexts& contexts, std::uint64_t nth, bool onwards) {
  Result result;
  Armed armed(nth, onwards);
  const auto pipe = std::make_shared<Pipe>();
  pipe->forth.bytes.reserve(16384);
  pipe->back.bytes.reserve(16384);
  Pipe::Ends ends = Pipe::ends(pipe);
  std::shared_ptr<TlsContext> clientContext = contexts.client;
  std::unique_ptr<TlsStream> client;
  std::unique_ptr<TlsStream> server;
  const bool failsServer = scene.phase == Phase::serverHandshake;
  try {
    if (scene.phase == Phase::context) {
      // A copy of the configuration is the caller's.
      hio::net::TlsClientConfig config = scene.client;
      armed.run([&] { clientContext = TlsContext::client(std::move(config)); });
    }
    const auto wrapClient = [&] {
      client = clientContext->wrap(std::move(ends.near), scene.asksFor);
    };
    const auto wrapServer = [&] { server = contexts.server->wrap(std::move(ends.far)); };
    if (scene.phase == Phase::handshake) {
      armed.run(wrapClient);
    } else {
      wrapClient();
    }
    if (failsServer) {
      armed.run(wrapServer);
    } else {
      wrapServer();
    }
    IoResult clientShook = IoResult::blocked(IoResult::On::read);
    IoResult serverShook = clientShook;
    for (int turn = 0; turn < 8; ++turn) {
      const auto stepClient = [&] {
        if (clientShook.isBlocked()) clientShook = client->connect();
      };
      const auto stepServer = [&] {
        if (serverShook.isBlocked()) serverShook = server->connect();
      };
      if (scene.phase == Phase::handshake) {
        armed.run(stepClient);
      } else {
        stepClient();
      }
      if (failsServer) {
        armed.run(stepServer);
      } else {
        stepServer();
      }
    }
    const IoResult& shook = failsServer ? serverShook : clientShook;
    result.accepted = shook.isDone();
    result.failure = shook.code() ? shook.code().message() : "";
    if (shook.isError() && (failsServer ? server : client)->info().version != "") {
      throw std::logic_error("a refused connection tells of its session");
    }
  } catch (const std::bad_alloc&) {
    result.failure = "bad_alloc";
  } catch (const std::system_error& error) {
    result.failure = error.what();  // of the context: a file or text that could not be used
  }
  result.used = nth - armed.left();
  ERR_clear_error();
  return result;
}

// ---- the scenes ---------------------------------------------------------------------------------

std::vector<Scene> scenes() {
  using hio::test::forge;
  std::vector<Scene> all;
  const auto client = [](TlsVersion version) {
    hio::net::TlsClientConfig config;
    config.trust.ca.text = hio::test::forgedAuthority();
    config.protocol = {.minVersion = version, .maxVersion = version, .resume = false};
    return config;
  };
  const auto server = [](TlsVersion version, const hio::test::Mold& mold) {
    const auto own = forge(mold);
    hio::net::TlsServerConfig config;
    config.identity = {.key = {.text = own.key}, .certificate = {.text = own.certificate}};
    config.protocol = {.minVersion = version, .maxVersion = version, .resume = false};
    config.clients = hio::net::ClientCerts::none;
    return config;
  };
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    for (const Phase phase : {Phase::handshake, Phase::context}) {
      all.push_back({"good", phase, version, true, client(version), server(version, {})});
      for (const auto& bad : hio::test::badMolds()) {
        all.push_back(
            {bad.name, phase, version, false, client(version), server(version, bad.mold)});
      }
      all.push_back({"another address", phase, version, false, client(version),
                     server(version, {.names = "IP:127.0.0.2"}), "127.0.0.1"});
      Scene pinned{"wrong pin", phase, version, false, client(version), server(version, {})};
      pinned.client.trust.pins = {std::string(43, 'A') + '='};
      all.push_back(std::move(pinned));
    }
    struct Caller {
      const char* name;
      bool good;
      bool has;
      hio::test::Mold mold;
    };
    const std::vector<Caller> callers{
        {"good client", true, true, {.names = "", .extendedUsage = "clientAuth"}},
        {"no client certificate", false, false, {}},
        {"unknown client", false, true, {.extendedUsage = "clientAuth", .stranger = true}},
        {"client for servers", false, true, {}},
        {"expired client",
         false,
         true,
         {.extendedUsage = "clientAuth", .fromDays = -9, .untilDays = -1}},
    };
    for (const Caller& caller : callers) {
      Scene scene{caller.name, Phase::serverHandshake, version,
                  caller.good, client(version),        server(version, {})};
      if (caller.has) {
        const auto own = forge(caller.mold);
        scene.client.identity = {.key = {.text = own.key},
                                 .certificate = {.text = own.certificate}};
      }
      scene.server.trust.ca.text = hio::test::forgedAuthority();
      scene.server.clients = hio::net::ClientCerts::required;
      all.push_back(std::move(scene));
    }
  }
  return all;
}

struct Totals {
  std::uint64_t cases = 0;
  std::uint64_t wrongAccepts = 0;
  std::uint64_t survived = 0;  // accepted in spite of a failure, rightly
  std::uint64_t broken = 0;    // other findings
};

void complain(Totals& totals, const Scene& scene, std::uint64_t nth, bool onwards,
              const std::string& what) {
  ++totals.broken;
  std::printf("FAILED %s, %s, %s, allocation %llu%s: %s\n", scene.name.c_str(),
              PhaseNames.at(static_cast<std::size_t>(scene.phase)),
              std::string(nameOf(scene.version)).c_str(), static_cast<unsigned long long>(nth),
              onwards ? " and on" : "", what.c_str());
}

void torture(const Scene& scene, std::uint64_t every, bool verbose, Totals& totals) {
  const Contexts contexts{TlsContext::client(scene.client), TlsContext::server(scene.server)};
  // All that is made once, for ever, is made here; and what each case must come to is checked.
  for (int warm = 0; warm < 3; ++warm) {
    const Result usual = play(scene, contexts, Never, false);
    if (usual.accepted == scene.good) continue;
    return complain(totals, scene, 0, false, "without failures: " + usual.failure);
  }
  const std::uint64_t used = play(scene, contexts, Never, false).used;
  const std::int64_t liveBefore = live;
  const std::uint64_t cppBefore = hio::test::allocations().live();
  const Totals before = totals;
  for (const bool onwards : {false, true}) {
    // A start of its own for each scene, so that the sample is not always of the same ones.
    const std::uint64_t first = 1 + (totals.cases + (onwards ? every / 2 : 0)) % every;
    for (std::uint64_t nth = first; nth <= used; nth += every) {
      ++totals.cases;
      const Result result = play(scene, contexts, nth, onwards);
      if (result.accepted && !scene.good) {
        ++totals.wrongAccepts;
        complain(totals, scene, nth, onwards, "ACCEPTED");
      }
      if (result.accepted) ++totals.survived;
    }
  }
  if (play(scene, contexts, Never, false).accepted != scene.good) {
    complain(totals, scene, 0, false, "another outcome afterwards, with all memory");
  }
  const auto cppNow = hio::test::allocations().live();
  if (cppNow != cppBefore) {
    complain(totals, scene, 0, false,
             "C++ blocks left: " + std::to_string(static_cast<std::int64_t>(cppNow - cppBefore)));
  }
  if (verbose || live != liveBefore) {
    std::printf(
        "%-22s %-18s %s: %llu allocations, %llu cases, %llu accepted, OpenSSL's blocks "
        "%+lld\n",
        scene.name.c_str(), PhaseNames.at(static_cast<std::size_t>(scene.phase)),
        std::string(nameOf(scene.version)).c_str(), static_cast<unsigned long long>(used),
        static_cast<unsigned long long>(totals.cases - before.cases),
        static_cast<unsigned long long>(totals.survived - before.survived),
        static_cast<long long>(live - liveBefore));
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  std::uint64_t every = 17;
  bool verbose = false;
  for (int at = 1; at < argc; ++at) {
    const std::string_view word(argv[at]);
    if (word == "--all") {
      every = 1;
    } else if (word == "--every" && at + 1 < argc) {
      every = std::strtoull(argv[++at], nullptr, 10);
    } else if (word == "--verbose") {
      verbose = true;
    } else {
      std::printf("usage: hio_torture [--all | --every N] [--verbose]\n");
      return 2;
    }
  }
  if (every == 0) every = 1;
  Totals totals;
  for (const Scene& scene : scenes()) torture(scene, every, verbose, totals);
  std::printf("%llu cases, %llu survived, %llu wrong accepts, %llu findings\n",
              static_cast<unsigned long long>(totals.cases),
              static_cast<unsigned long long>(totals.survived),
              static_cast<unsigned long long>(totals.wrongAccepts),
              static_cast<unsigned long long>(totals.broken));
  return totals.broken == 0 && totals.cases > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (CRYPTO_set_mem_functions(cryptoMalloc, cryptoRealloc, cryptoFree) != 1) {
    std::printf("OpenSSL has allocated already\n");
    return 2;
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::printf("broke off: %s\n", error.what());
    return 1;
  }
}
