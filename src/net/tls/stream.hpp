// One TLS connection.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/tls/context.hpp"
#include "net/tls/verify.hpp"
#include "net/tls/wire.hpp"

namespace hio::net::tls {

class StreamImpl final : public TlsStream {
 public:
  // Throws std::bad_alloc.
  StreamImpl(std::shared_ptr<Loaded> loaded, std::unique_ptr<Stream> lower, std::string name);

  IoResult connect() override;
  IoResult receive(std::span<std::byte> room) override;
  IoResult send(std::span<const std::byte> bytes) override;
  IoResult send(std::span<const std::span<const std::byte>> pieces) override;
  IoResult shutdown(Direction direction) override;

  Endpoint local() const override { return wire_.lower().local(); }
  Endpoint peer() const override { return wire_.lower().peer(); }
  BufferSizes bufferSizes() const override { return wire_.lower().bufferSizes(); }
  int fd() const override { return wire_.lower().fd(); }
  Pending pending() const noexcept override;
  bool sendable() const noexcept override { return wire_.lower().sendable(); }
  bool attach(Poller* poller, base::Waker waker) override {
    return wire_.lower().attach(poller, std::move(waker));
  }
  std::string why() const override;
  TlsInfo info() const override;
  std::uint64_t rawReceived() const noexcept override { return wire_.received(); }

 private:
  friend int keepSession(SSL* ssl, SSL_SESSION* session) noexcept;
  static int judge(int well, X509_STORE_CTX* chain) noexcept;

  std::string sessionKey() const;
  void offerSession() noexcept;
  IoResult settled() noexcept;
  IoResult outcome(int result) noexcept;
  bool floods() noexcept;
  void rest() noexcept;
  IoResult keep(const IoResult& error, std::string why = {}) noexcept;
  std::size_t encrypt(std::span<const std::byte> bytes) noexcept;
  IoResult passOn() noexcept;
  bool heldBack() const noexcept;
  bool owesKeyUpdate() const noexcept;
  bool answerKeyUpdate() noexcept;
  IoResult accept(std::span<const std::byte> bytes);
  IoResult sendFailed(const IoResult& below) noexcept;

  std::size_t handedOf(std::size_t encrypted) noexcept;

  // Records of application data that have been staged and not yet been passed on whole. send()
  // stages only when nothing else is left, and so many records at most.
  class Unsent {
   public:
    bool full() const noexcept { return count_ == records_.size(); }
    // A record with so many bytes of the caller's ends at this position of the wire.
    void add(std::uint64_t end, std::size_t bytes) noexcept { records_[count_++] = {end, bytes}; }
    // The bytes in records that end behind `taken`.
    std::size_t behind(std::uint64_t taken) const noexcept;
    void clear() noexcept { count_ = 0; }

   private:
    struct Record {
      std::uint64_t end = 0;
      std::size_t bytes = 0;
    };
    std::array<Record, 8> records_{};
    std::size_t count_ = 0;
  };

  std::shared_ptr<Loaded> loaded_;
  Wire wire_;
  Unsent unsent_;
  Verifier verifier_;
  std::string name_;
  Ssl ssl_;
  std::optional<IoResult> error_;  // the first one
  std::string why_;
  bool lowerConnected_ = false;
  bool shaken_ = false;
  bool ended_ = false;         // close_notify has come
  bool dead_ = false;          // nothing more can be read, as error_ says
  bool sendShut_ = false;      // close_notify has been staged
  bool lowerShutDue_ = false;  // and once it has gone out, the lower stream's sending ends
  bool more_ = false;          // the last receive() did not come to an end
};

// OpenSSL's callback for a new session of a client.
int keepSession(SSL* ssl, SSL_SESSION* session) noexcept;

}  // namespace hio::net::tls
