#include <algorithm>
#include <array>

#include "support/tls_pair.hpp"
#include "torture/story.hpp"

namespace hio::torture {
namespace {

using namespace std::chrono_literals;
using core::tcp::ClientOptions;
using net::TlsVersion;
using sim::Op;

std::error_code code(std::errc error) { return {static_cast<int>(error), std::system_category()}; }

ClientOptions again(base::Tyme timeout = 2s) {
  ClientOptions options;
  options.timeout = timeout;
  options.reconnectable = true;
  return options;
}

// Packets to the server are lost, or refused, until then.
sim::Rule until(base::Tyme end, sim::Verdict verdict) {
  return sim::Rule([=](const sim::Packet& packet) -> std::optional<sim::Verdict> {
    if (packet.kind != sim::Packet::Kind::syn || packet.tyme >= end) return std::nullopt;
    return verdict;
  });
}

void plain(std::vector<Story>& all) {
  const auto add = [&all](const char* name) -> Story& {
    all.push_back({.name = name});
    return all.back();
  };
  add("connect by name");
  add("connect by address").client.host = "10.0.0.2";
  add("connect by IPv6 address").client.host = "fd00::2";
  {
    Story& story = add("a name with two addresses, raced");
    story.client = again();
    story.client.host = "twin";
    story.isRaced = true;
    story.set = [](sim::World& world, sim::Host&) {
      world.name("twin", {"fd00::2", "10.0.0.2"});
      world
          .add(sim::Rule([](const sim::Packet& packet) -> std::optional<sim::Verdict> {
            if (packet.target.ip.family != net::Family::v6) return std::nullopt;
            return sim::Verdict::deliver(400ms);
          }))
          .stay();
    };
  }
  {
    Story& story = add("a name whose first address refuses");
    story.client.host = "three";
    story.isRaced = true;
    story.set = [](sim::World& world, sim::Host&) {
      world.host("nobody", {"10.0.0.9"});
      world.name("three", {"10.0.0.9", "fd00::2", "10.0.0.2"});
    };
  }
  {
    Story& story = add("a name answered late");
    story.client = again();
    story.set = [](sim::World& world, sim::Host&) {
      world.add(sim::answers("good.test", {{.late = 300ms}})).stay();
    };
  }
  {
    Story& story = add("refused, then served");
    story.client = again();
    story.set = [](sim::World& world, sim::Host&) {
      world.add(until(700ms, sim::Verdict::refuse())).stay();
    };
  }
  {
    Story& story = add("timed out, then served");
    story.client = again(1s);
    story.set = [](sim::World& world, sim::Host&) {
      world.add(until(1500ms, sim::Verdict::drop())).stay();
    };
  }
  {
    Story& story = add("cut off, reconnected with a pause");
    story.client = again();
    story.connections = 3;
  }
  {
    Story& story = add("reconnected without a pause");
    story.client = again();
    story.client.retry.firstPause = story.client.retry.maxPause = 0s;
    story.connections = 2;
  }
  add("a reconnectable client").client = again();
  {
    Story& story = add("much at once, with small buffers");
    story.request = 60'000;
    story.set = [](sim::World& world, sim::Host& server) {
      world.add(sim::buffers(server, {.send = 8192, .receive = 8192})).stay();
    };
  }
  {
    Story& story = add("in pieces of a few bytes");
    story.request = 120;
    story.set = [](sim::World& world, sim::Host& server) {
      world.add(sim::pieces(server, 7)).stay();
    };
  }
  {
    Story& story = add("a long and slow way");
    story.client = again(30s);
    story.request = 5000;
    story.set = [](sim::World& world, sim::Host&) {
      world.add(sim::link({.latency = 50ms, .jitter = 20ms, .bytesPerSecond = 20'000})).stay();
    };
  }
  {
    Story& story = add("a lossy way");
    story.client = again(30s);
    story.set = [](sim::World& world, sim::Host&) {
      auto count = std::make_shared<int>(0);
      world
          .add(sim::Rule([count](const sim::Packet&) -> std::optional<sim::Verdict> {
            if (++*count % 4 != 2) return std::nullopt;
            return sim::Verdict::drop();
          }))
          .stay();
    };
  }
  {
    Story& story = add("the client ends, the server answers then");
    story.client.halfOpen = false;
    story.server.halfOpen = true;
    story.serve = Serve::afterEnd;
    story.reply = 300;
    story.shutsSend = true;
  }
  {
    Story& story = add("the client stops receiving");
    story.shutsReceive = true;
  }
  {
    Story& story = add("the server speaks first");
    story.serve = Serve::source;
    story.reply = 500;
    story.request = 0;
  }
  {
    Story& story = add("the server hears and says nothing");
    story.serve = Serve::sink;
    story.request = 3000;
  }
  {
    Story& story = add("four clients at once");
    story.client = again();
    story.clients = 4;
  }
  {
    Story& story = add("no descriptors to accept with, for a while");
    story.clients = 2;
    story.set = [](sim::World& world, sim::Host& server) {
      world.add(sim::fail(server, Op::accept, std::errc::too_many_files_open, {.times = 3})).stay();
    };
  }
  {
    Story& story = add("room for one connection at a time");
    story.server.maxConnections = 1;
    // A peer that is gone without a word would keep the place.
    story.server.dropIdle = true;
    story.server.timeout = 5s;
  }
  {
    Story& story = add("idle connections dropped");
    story.client = again();
    story.server.dropIdle = true;
    story.server.timeout = 500ms;
  }
  {
    Story& story = add("bounded rxbs, read slowly");
    story.client.limits.rxHigh = 64;
    story.serve = Serve::source;
    story.reply = 2000;
    story.request = 10;
    story.taken = 50;
  }
  {
    Story& story = add("bounded txbs");
    story.client = again();
    story.client.limits.txLimit = 128;
    story.request = 1000;
    story.piece = 100;
  }
  {
    Story& story = add("closed with bytes unread");
    story.client.limits.rxHigh = 300;
    story.serve = Serve::source;
    story.reply = 50'000;
    story.request = 10;
    story.taken = 0;
    story.leavesUnread = true;
  }
  {
    Story& story = add("drained");
    story.serve = Serve::sink;
    story.request = 5000;
    story.drains = true;
  }
  {
    Story& story = add("logged");
    story.client = again();
    story.isLogged = true;
  }
  add("in doers").run = Run::doers;
  {
    Story& story = add("in doers, reconnecting");
    story.run = Run::doers;
    story.client = again();
    story.connections = 2;
  }
  {
    Story& story = add("in a coroutine that waits");
    story.run = Run::awaiting;
    story.client = again();
  }
}

void secure(std::vector<Story>& all) {
  const auto& certificates = test::testCertificates();
  const auto clientConfig = [](TlsVersion version) {
    net::TlsClientConfig config = test::trusting();
    config.protocol = {.minVersion = version, .maxVersion = version, .resume = false};
    return config;
  };
  const auto server = net::TlsContext::server(test::serving());
  const auto add = [&](const char* name, net::TlsClientConfig config) -> Story& {
    all.push_back(
        {.name = name,
         .client = again(),
         .tls = Tls{.client = net::TlsContext::client(std::move(config)), .server = server}});
    return all.back();
  };
  add("TLS 1.3", clientConfig(TlsVersion::tls13));
  add("TLS 1.2", clientConfig(TlsVersion::tls12));
  add("TLS, not reconnectable", clientConfig(TlsVersion::tls13)).client = {};
  add("TLS, much at once", clientConfig(TlsVersion::tls13)).request = 100'000;
  add("TLS, cut off and reconnected", clientConfig(TlsVersion::tls13)).connections = 2;
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    net::TlsClientConfig config = clientConfig(version);
    config.protocol.resume = true;
    Story& story = add(version == TlsVersion::tls12 ? "TLS 1.2, resumed" : "TLS 1.3, resumed",
                       std::move(config));
    story.connections = 2;
    story.tls->resumes = true;
  }
  {
    Story& story = add("TLS, the client ends first", clientConfig(TlsVersion::tls13));
    story.client = {};
    story.server.halfOpen = true;
    story.serve = Serve::afterEnd;
    story.reply = 300;
    story.shutsSend = true;
  }
  {
    Story& story = add("TLS, drained", clientConfig(TlsVersion::tls13));
    story.client = {};
    story.serve = Serve::sink;
    story.drains = true;
  }
  {
    net::TlsClientConfig config = clientConfig(TlsVersion::tls13);
    config.identity = {.key = {.text = certificates.client.key},
                       .certificate = {.text = certificates.client.certificate}};
    Story& story = add("mutual TLS", std::move(config));
    net::TlsServerConfig strict = test::serving();
    strict.clients = net::ClientCerts::required;
    strict.trust.ca.text = certificates.authority.certificate();
    story.tls->server = net::TlsContext::server(std::move(strict));
  }
  {
    Story& story = add("TLS, a certificate for another name", clientConfig(TlsVersion::tls13));
    story.tls->isRefused = true;
  }
  {
    Story& story = add("TLS in small pieces", clientConfig(TlsVersion::tls13));
    story.set = [](sim::World& world, sim::Host& host) {
      world.add(sim::pieces(host, 200)).stay();
    };
  }
}

std::vector<std::error_code> codes(std::initializer_list<std::errc> errors) {
  std::vector<std::error_code> all;
  for (const std::errc error : errors) all.push_back(code(error));
  return all;
}

using enum std::errc;

}  // namespace

std::vector<Story> stories() {
  std::vector<Story> all;
  plain(all);
  secure(all);
  return all;
}

const std::vector<std::error_code>& errorsOf(Op op) {
  // Those of the moment come first, then those of a connection that is gone, then mistakes.
  static const std::array<std::vector<std::error_code>, Ops> Table = [] {
    std::array<std::vector<std::error_code>, Ops> table;
    const auto at = [&table](Op which) -> auto& {
      return table.at(static_cast<std::size_t>(which));
    };
    at(Op::open) = codes({too_many_files_open, too_many_files_open_in_system, no_buffer_space,
                          not_enough_memory, permission_denied, address_family_not_supported,
                          protocol_not_supported, invalid_argument, no_protocol_option});
    at(Op::listen) = codes({address_in_use, address_not_available, permission_denied,
                            too_many_files_open, not_enough_memory, invalid_argument});
    at(Op::accept) = codes({resource_unavailable_try_again, interrupted, no_buffer_space,
                            not_enough_memory, connection_aborted, protocol_error,
                            operation_not_permitted, network_down, too_many_files_open,
                            too_many_files_open_in_system, invalid_argument, bad_file_descriptor});
    at(Op::connect) = codes({connection_refused, timed_out, host_unreachable, network_unreachable,
                             permission_denied, operation_not_permitted, invalid_argument,
                             address_not_available, connection_aborted, connection_reset,
                             network_down, no_buffer_space, not_connected, bad_file_descriptor});
    at(Op::receive) =
        codes({resource_unavailable_try_again, interrupted, no_buffer_space, not_enough_memory,
               connection_reset, timed_out, host_unreachable, network_unreachable, network_down,
               connection_aborted, not_connected, bad_file_descriptor, not_a_socket, io_error});
    at(Op::send) =
        codes({resource_unavailable_try_again, interrupted, no_buffer_space, not_enough_memory,
               connection_reset, broken_pipe, timed_out, host_unreachable, network_down,
               not_connected, operation_not_permitted, bad_file_descriptor, message_size});
    at(Op::shutdown) = codes({not_connected});
    at(Op::lookup) = {net::ResolveError::notFound, net::ResolveError::noAddress,
                      net::ResolveError::tryAgain, net::ResolveError::refused,
                      net::ResolveError::badName,  code(not_enough_memory)};
    return table;
  }();
  return Table.at(static_cast<std::size_t>(op));
}

bool Fault::isTransient() const {
  const bool isTransfer = op == Op::receive || op == Op::send || op == Op::accept;
  return isOfOneConnection() ||
         (isTransfer && net::IoResult::of(code, net::IoResult::On::read).isBlocked());
}

bool Fault::isOfOneConnection() const {
  return op == Op::accept && (code == connection_aborted || code == protocol_error ||
                              code == operation_not_permitted || code == network_down);
}

std::string Fault::text() const {
  return std::string(side == Side::client ? "the client's " : "the server's ") +
         std::string(nameOf(op)) + ' ' + std::to_string(nth) + (onwards ? " and on" : "") + ": " +
         code.message();
}

}  // namespace hio::torture
