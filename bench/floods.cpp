// What a flood costs a TLS server, and those who use it meanwhile: the worst CPU time of one
// service(), and how long good clients wait for an answer and for a connection. Loopback only.
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common.hpp"
#include "hio/core/tcp/serving_tls.hpp"
#include "hio/help/timing.hpp"
#include "hio/net/poller.hpp"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto Duration = 3s;  // of each measurement

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* it) const {
    Free(it);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Ssl = std::unique_ptr<SSL, Freed<SSL_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

struct Identity {
  std::string key;
  std::string certificate;
};

std::string textOf(BIO* bio) {
  char* data = nullptr;
  // BIO_get_mem_data, without the old-style cast of its macro.
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

Identity selfSigned(const Key& key) {
  X509* const x509 = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
  X509_set_pubkey(x509, key.get());
  const unsigned char name[] = "floods";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  if (X509_sign(x509, key.get(), EVP_sha256()) == 0) die("sign");
  BIO* const keyBio = BIO_new(BIO_s_mem());
  BIO* const certificateBio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(keyBio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificateBio, x509);
  X509_free(x509);
  return {textOf(keyBio), textOf(certificateBio)};
}

std::chrono::nanoseconds cpuOfThread() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
}

// An echo server on a thread of its own, as a program without a Doist would run it.
class EchoThread {
 public:
  explicit EchoThread(const Identity& identity)
      : server_({.host = "127.0.0.1",
                 .port = 0,
                 .tymth = tymist_.tymen(),
                 .bl = 4096,
                 .limits = {.txLimit = 1U << 20U}},
                {.context = hio::net::TlsContext::server(
                     {.identity = {.key = {.text = identity.key},
                                   .certificate = {.text = identity.certificate}},
                      .clients = hio::net::ClientCerts::none})}) {
    if (!server_.open()) die("listen");
    port_ = server_.eha().port;
    thread_ = std::thread([this] { run(); });
  }
  ~EchoThread() {
    stop_ = true;
    poller_->wake();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  // Since the last call.
  std::chrono::nanoseconds takeWorst() { return std::chrono::nanoseconds(worst_.exchange(0)); }
  std::uint64_t takeVisits() { return visits_.exchange(0); }

 private:
  void run() {
    const hio::help::MonoTimer clock;
    server_.attach(poller_.get());
    while (!stop_) {
      tymist_.tyme(clock.elapsed());
      const auto before = cpuOfThread();
      server_.service();
      const std::int64_t took = (cpuOfThread() - before).count();
      if (took > worst_) worst_ = took;
      ++visits_;
      for (auto* const remoter : server_.serviced()) {
        if (remoter->rxbs().empty()) continue;
        (void)remoter->tx(remoter->rxbs().view());
        remoter->clearRxbs();
        remoter->wake();
      }
      const auto deadline = server_.deadline();
      (void)poller_->wait(deadline ? std::optional(*deadline - clock.elapsed()) : std::nullopt);
    }
  }

  std::unique_ptr<hio::net::Poller> poller_ = hio::net::systemPoller({.spin = 0ns});
  hio::base::Tymist tymist_;
  hio::core::tcp::ServerTls server_;
  std::uint16_t port_ = 0;
  std::atomic<std::int64_t> worst_{0};
  std::atomic<std::uint64_t> visits_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// A blocking TCP connection; -1 when there is none.
int tcp(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval longest{.tv_sec = 12, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  ::close(fd);
  return -1;
}

// A TLS client that blocks; false where the connection is lost.
class Peer {
 public:
  explicit Peer(SSL_CTX* context) : ssl_(SSL_new(context)) {}
  ~Peer() {
    if (fd_ >= 0) ::close(fd_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connect(std::uint16_t port) {
    fd_ = tcp(port);
    return fd_ >= 0 && SSL_set_fd(ssl_.get(), fd_) == 1 && SSL_connect(ssl_.get()) == 1;
  }
  bool ping() {
    char byte = 'x';
    return SSL_write(ssl_.get(), &byte, 1) == 1 && SSL_read(ssl_.get(), &byte, 1) == 1;
  }
  bool writeByte() { return SSL_write(ssl_.get(), "x", 1) == 1; }
  bool updateKey() {
    return SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
           SSL_do_handshake(ssl_.get()) == 1;
  }

 private:
  Ssl ssl_;
  int fd_ = -1;
};

std::string clientHello(SSL_CTX* context) {
  const Ssl ssl(SSL_new(context));
  BIO* const out = BIO_new(BIO_s_mem());
  BIO_up_ref(out);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  (void)SSL_connect(ssl.get());
  return textOf(out);
}

using Flood = std::function<void(std::uint16_t port, const std::atomic<bool>& over)>;

void holdMany(std::uint16_t port, const std::atomic<bool>& over, std::size_t count,
              const std::string& first) {
  std::vector<int> fds;
  for (; count > 0 && !over; --count) fds.push_back(tcp(port));
  for (const int fd : fds) {
    if (fd >= 0 && !first.empty()) (void)::send(fd, first.data(), first.size(), MSG_NOSIGNAL);
  }
  while (!over) std::this_thread::sleep_for(10ms);
  for (const int fd : fds) {
    if (fd >= 0) ::close(fd);
  }
}

void onePeer(SSL_CTX* context, std::uint16_t port, const std::atomic<bool>& over,
             bool (Peer::*act)()) {
  while (!over) {
    Peer peer(context);
    if (!peer.connect(port)) continue;
    while (!over && (peer.*act)()) continue;
  }
}

struct Times {
  std::vector<double> all;  // in ms
  int lost = 0;
  void add(Clock::duration took) {
    all.push_back(std::chrono::duration<double, std::milli>(took).count());
  }
  std::string text() {
    if (all.empty()) return "none";
    std::sort(all.begin(), all.end());
    char buffer[96];
    (void)std::snprintf(buffer, sizeof buffer, "%8.2f %9.2f%s", all[all.size() / 2], all.back(),
                        lost > 0 ? " (some lost)" : "");
    return buffer;
  }
};

void measure(EchoThread& server, SSL_CTX* context, const std::string& key, const std::string& what,
             const Flood& flood) {
  Peer stands(context);
  if (!stands.connect(server.port()) || !stands.ping()) die("the good client");
  std::atomic<bool> over = false;
  (void)server.takeVisits();
  (void)server.takeWorst();
  std::thread flooding;
  if (flood) flooding = std::thread([&] { flood(server.port(), over); });
  Times answers;
  Times connects;
  std::thread connecting([&] {
    while (!over) {
      const auto before = Clock::now();
      Peer peer(context);
      if (peer.connect(server.port()) && peer.ping()) {
        connects.add(Clock::now() - before);
      } else {
        ++connects.lost;
      }
      std::this_thread::sleep_for(20ms);
    }
  });
  for (const auto end = Clock::now() + Duration; Clock::now() < end;) {
    const auto before = Clock::now();
    if (!stands.ping()) ++answers.lost;
    answers.add(Clock::now() - before);
    std::this_thread::sleep_for(1ms);
  }
  over = true;
  connecting.join();
  const auto worst = server.takeWorst();
  const auto visits = server.takeVisits();
  if (flooding.joinable()) flooding.join();
  std::printf("| %-8s | %-18s | %8.2f | %8llu | %s | %s |\n", key.c_str(), what.c_str(),
              std::chrono::duration<double, std::milli>(worst).count(),
              static_cast<unsigned long long>(visits), answers.text().c_str(),
              connects.text().c_str());
  (void)std::fflush(stdout);
}

void measureAll(const std::string& name, const Key& key) {
  EchoThread server(selfSigned(key));
  const Context context(SSL_CTX_new(TLS_client_method()));
  const std::string hello = clientHello(context.get());
  SSL_CTX* const each = context.get();
  measure(server, each, name, "no flood", nullptr);
  measure(server, each, name, "1,000 ClientHellos",
          [&](auto port, const auto& over) { holdMany(port, over, 1000, hello); });
  std::this_thread::sleep_for(500ms);
  measure(server, each, name, "KeyUpdates",
          [&](auto port, const auto& over) { onePeer(each, port, over, &Peer::updateKey); });
  measure(server, each, name, "1-byte records",
          [&](auto port, const auto& over) { onePeer(each, port, over, &Peer::writeByte); });
  measure(server, each, name, "1,100 silent",
          [&](auto port, const auto& over) { holdMany(port, over, 1100, {}); });
}

}  // namespace
}  // namespace bench

int main() {
  (void)std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  std::puts(
      "| key      | flood              | worst service(), ms of CPU | visits | answer, ms: median "
      "worst | connect, ms: median worst |\n|---|---|--:|--:|--:|--:|");
  bench::measureAll("P-256", bench::Key(EVP_EC_gen("P-256")));
  bench::measureAll("RSA 4096", bench::Key(EVP_RSA_gen(4096)));
}
