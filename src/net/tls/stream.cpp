#include "net/tls/stream.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <new>
#include <utility>

#include "help/probe.hpp"
#include "net/tls/certificate.hpp"
#include "net/tls/error.hpp"

namespace hio::net::tls {
namespace {

// As many records are staged for one call of the lower stream as a Bytearray keeps memory for.
constexpr std::size_t Record = 16384;
constexpr std::size_t Batch = 3 * Record;
// What one call reads below at most beyond the caller's room: tickets, key updates, empty records
// must not keep it for ever.
constexpr std::size_t Allowance = std::size_t(128) * 1024;
// As many small records one call handles.
constexpr int SmallRecords = 64;
// More in a row that bring no data, or belong to one handshake, are a flood.
constexpr std::size_t MostRecords = 1000;
// Nothing more is read while so much is staged: a far side that makes this one answer, and reads
// nothing, must not fill the memory.
constexpr std::size_t MostStaged = std::size_t(64) * 1024;

StreamImpl* streamOf(const SSL* ssl) noexcept {
  return static_cast<StreamImpl*>(SSL_get_app_data(ssl));
}

}  // namespace

StreamImpl::StreamImpl(std::shared_ptr<Loaded> loaded, std::unique_ptr<Stream> lower,
                       std::string name)
    : loaded_(std::move(loaded)),
      wire_(std::move(lower), loaded_->spare),
      verifier_(*loaded_->settings, name),
      name_(std::move(name)) {
  const Settings& settings = *loaded_->settings;
  ssl_.reset(SSL_new(loaded_->context.get()));
  Bio bio = wire_.bio(loaded_->method);
  if (!ssl_ || !bio || SSL_set_app_data(ssl_.get(), this) != 1 || !verifier_.prepare(ssl_.get())) {
    ERR_clear_error();
    throw std::bad_alloc();
  }
  BIO* const shared = bio.release();
  SSL_set_bio(ssl_.get(), shared, shared);
  const int must = settings.server && settings.mustCertify ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_set_verify(ssl_.get(), settings.certify ? SSL_VERIFY_PEER | must : SSL_VERIFY_NONE, judge);
  if (settings.server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

int StreamImpl::judge(int well, X509_STORE_CTX* chain) noexcept {
  const auto* const ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  StreamImpl& stream = *streamOf(ssl);
  if (!stream.loaded_->settings->certify) return 1;
  return stream.verifier_.judge(well == 1, chain) ? 1 : 0;
}

// ---- sessions -----------------------------------------------------------------------------------

std::string StreamImpl::sessionKey() const {
  return name_ + ' ' + std::to_string(wire_.lower().peer().port);
}

void StreamImpl::offerSession() noexcept {
  const Settings& settings = *loaded_->settings;
  if (settings.server || !settings.protocol.resume || name_.empty()) return;
  try {
    const Session session = loaded_->sessions.take(sessionKey());
    // One that cannot be used makes a full handshake, nothing worse.
    if (session) SSL_set_session(ssl_.get(), session.get());
  } catch (const std::bad_alloc&) {
  }
  ERR_clear_error();
}

int keepSession(SSL* ssl, SSL_SESSION* session) noexcept {
  const StreamImpl& stream = *streamOf(ssl);
  if (stream.name_.empty()) return 0;
  try {
    // A copy: OpenSSL spoils the original when the connection is cut off, which is just when it is
    // needed.
    if (Session copy(SSL_SESSION_dup(session)); copy) {
      stream.loaded_->sessions.put(stream.sessionKey(), std::move(copy));
    }
  } catch (const std::bad_alloc&) {
  }
  return 0;
}

// ---- the handshake ------------------------------------------------------------------------------

IoResult StreamImpl::connect() {
  if (error_) return *error_;
  if (shaken_) return IoResult::done();
  if (!lowerConnected_) {
    const IoResult below = wire_.lower().connect();
    HIO_PROBE_IF("tls.connect.failed-below", below.isError());
    if (!below.isDone()) return below.isBlocked() ? below : keep(below, wire_.lower().why());
    lowerConnected_ = true;
    offerSession();
  }
  (void)passOn();
  wire_.allow(Allowance, SmallRecords);
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  IoResult now = result == 1 ? settled() : outcome(result);
  if (now.isBlocked() && floods()) now = *error_;
  // Also an alert that tells why it failed.
  const IoResult passed = passOn();
  rest();
  HIO_PROBE_IF("tls.handshake.unheard", now.isBlocked() && passed.isError());
  if (now.isBlocked() && passed.isError()) return keep(passed, wire_.lower().why());
  HIO_PROBE_IF("tls.handshake.ended", now.isEnded());
  if (now.isEnded()) return keep(IoResult::lost(TlsError::truncated));
  return now.isBlocked() && passed.isBlocked() && !now.lacksMemory() ? passed : now;
}

// The handshake is done: the last check before anything is said or heard.
IoResult StreamImpl::settled() noexcept {
  HIO_PROBE("tls.settled");
  const std::error_code refusal = verifier_.refusal(ssl_.get());
  if (refusal) {
    try {
      return keep(IoResult::failed(refusal), verifier_.why());
    } catch (const std::bad_alloc&) {
      return keep(IoResult::failed(refusal));
    }
  }
  shaken_ = true;
  wire_.forgetRecords();
  // From now on rest() does it, once in a call.
  SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
  more_ = true;  // the last read may have taken more than the handshake's bytes
  return IoResult::done();
}

// What an SSL_ call came to that did not succeed.
IoResult StreamImpl::outcome(int result) noexcept {
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ) {
    return wire_.lacksMemory() ? IoResult::lacking(IoResult::On::read)
                               : IoResult::blocked(IoResult::On::read);
  }
  if (kind == SSL_ERROR_WANT_WRITE) return IoResult::blocked(IoResult::On::write);
  HIO_PROBE_IF("tls.close-notify", kind == SSL_ERROR_ZERO_RETURN);
  if (kind == SSL_ERROR_ZERO_RETURN) return IoResult::ended();
  dead_ = true;
  Trouble trouble = takeTrouble({});
  try {
    if (verifier_.verdict() != X509_V_OK && trouble.code != std::errc::not_enough_memory) {
      return keep(IoResult::failed(tlsVerdict(verifier_.verdict())), verifier_.why());
    }
    if (!trouble.code) {
      const auto& end = wire_.end();
      HIO_PROBE_IF("tls.lost-below", end && end->isError());
      if (end && end->isError()) return keep(*end, wire_.lower().why());
      return keep(IoResult::lost(TlsError::truncated));
    }
  } catch (const std::bad_alloc&) {
    trouble = {std::make_error_code(std::errc::not_enough_memory), {}};
  }
  HIO_PROBE_IF("tls.truncated", trouble.code == TlsError::truncated);
  if (trouble.code == TlsError::truncated) return keep(IoResult::lost(trouble.code));
  // Between records of TLS it is no other protocol, but a broken one.
  if (trouble.code == TlsError::notTls && shaken_) trouble.code = TlsError::protocol;
  // OpenSSL's words for an alert are the code's own message.
  if (alertOf(trouble.code)) trouble.text.clear();
  return keep(IoResult::failed(trouble.code), std::move(trouble.text));
}

// Too many records without data: ends the stream.
bool StreamImpl::floods() noexcept {
  if (wire_.records() <= MostRecords) return false;
  HIO_PROBE("tls.flood");
  dead_ = true;
  try {
    (void)keep(IoResult::failed(TlsError::protocol),
               "more than " + std::to_string(MostRecords) + " records without data");
  } catch (const std::bad_alloc&) {
    (void)keep(IoResult::failed(TlsError::protocol));
  }
  return true;
}

// Gives memory back that holds nothing. OpenSSL must not have begun a record: it forgets its header
// otherwise.
void StreamImpl::rest() noexcept {
  wire_.rest();
  if (shaken_ && wire_.betweenRecords() && SSL_has_pending(ssl_.get()) == 0) {
    (void)SSL_free_buffers(ssl_.get());
  }
}

IoResult StreamImpl::keep(const IoResult& error, std::string why) noexcept {
  if (!error_) {
    error_ = error;
    why_ = std::move(why);
  }
  return *error_;
}

// ---- bytes --------------------------------------------------------------------------------------

IoResult StreamImpl::receive(std::span<std::byte> room) {
  if (!shaken_) {
    const IoResult shaken = connect();
    if (!shaken.isDone()) return shaken;
  }
  if (room.empty()) return IoResult::done();
  (void)passOn();
  std::size_t count = 0;
  wire_.allow(room.size() + Allowance, SmallRecords);
  while (!dead_ && !ended_ && count < room.size() && !heldBack()) {
    std::size_t read = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), room.data() + count, room.size() - count, &read);
    count += read;
    if (result == 1) {
      wire_.forgetRecords();
      continue;
    }
    const IoResult now = outcome(result);
    if (now.isBlocked()) {
      (void)floods();
      break;
    }
    ended_ = now.isEnded();
  }
  HIO_PROBE_IF("tls.receive.more", count == room.size());
  HIO_PROBE_IF("tls.receive.held-back", heldBack());
  more_ = count == room.size() || heldBack();
  (void)passOn();
  rest();
  if (count > 0) return IoResult::done(count);
  if (error_ && (dead_ || ended_)) return *error_;
  if (ended_) return IoResult::ended();
  if (heldBack()) return IoResult::blocked(IoResult::On::write);
  return wire_.lacksMemory() ? IoResult::lacking(IoResult::On::read)
                             : IoResult::blocked(IoResult::On::read);
}

// So much waits to go out that nothing more is read. After an error it waits for ever, and holds
// nothing back.
bool StreamImpl::heldBack() const noexcept {
  return wire_.flushable() && wire_.staged() > MostStaged;
}

bool StreamImpl::owesKeyUpdate() const noexcept {
  return shaken_ && !dead_ && !sendShut_ &&
         SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE;
}

// OpenSSL leaves the answer to the next write, for which this side may have no reason. True when it
// has been staged.
bool StreamImpl::answerKeyUpdate() noexcept {
  SSL* const ssl = ssl_.get();
  const std::uint64_t before = wire_.stagedEnd();
  ERR_clear_error();
  if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
    if (const int result = SSL_do_handshake(ssl); result != 1) (void)outcome(result);
  }
  ERR_clear_error();
  return wire_.stagedEnd() != before;
}

IoResult StreamImpl::send(std::span<const std::byte> bytes) {
  const IoResult result = accept(bytes);
  if (result.isDone() && result.count() == bytes.size()) rest();
  return result;
}

IoResult StreamImpl::accept(std::span<const std::byte> bytes) {
  if (!shaken_) {
    const IoResult shaken = connect();
    if (!shaken.isDone()) return shaken;
  }
  if (error_) return *error_;
  const IoResult before = passOn();
  HIO_PROBE_IF("tls.send.failed-before", before.isError());
  if (before.isError()) return sendFailed(before);
  HIO_PROBE_IF("tls.send.blocked", before.isBlocked());
  if (bytes.empty() || before.isBlocked()) return before;
  if (sendShut_) return IoResult::failed(std::make_error_code(std::errc::broken_pipe));
  const std::size_t count = encrypt(bytes);
  const IoResult after = passOn();
  HIO_PROBE_IF("tls.send.failed-after", after.isError());
  if (after.isError()) {
    return sendFailed(after).after(handedOf(count));
  }
  if (count > 0) return IoResult::done(count);
  if (error_) return *error_;
  return after.isBlocked() ? after : IoResult::blocked(IoResult::On::write);
}

IoResult StreamImpl::send(std::span<const std::span<const std::byte>> pieces) {
  std::size_t count = 0;
  for (const auto& piece : pieces) {
    const IoResult result = send(piece);
    count += result.count();
    if (result.isError()) return result.after(count);
    if (!result.isDone()) return count > 0 ? IoResult::done(count) : result;
    if (result.count() < piece.size()) break;
  }
  return IoResult::done(count);
}

// After an error, how many of the bytes that this call has encrypted the network took; the others
// stay the caller's.
std::size_t StreamImpl::handedOf(std::size_t encrypted) noexcept {
  const std::size_t kept = std::min(encrypted, unsent_.behind(wire_.takenEnd()));
  unsent_.clear();
  return encrypted - kept;
}

// Makes records of the front of `bytes`, as many as one call takes; how many bytes went in.
std::size_t StreamImpl::encrypt(std::span<const std::byte> bytes) noexcept {
  const std::size_t most = std::min(bytes.size(), Batch);
  std::size_t count = 0;
  unsent_.clear();
  while (count < most && !unsent_.full()) {
    std::size_t written = 0;
    ERR_clear_error();
    const int result =
        SSL_write_ex(ssl_.get(), bytes.data() + count, std::min(most - count, Record), &written);
    count += written;
    if (result == 1) {
      unsent_.add(wire_.stagedEnd(), written);
      continue;
    }
    (void)outcome(result);
    break;
  }
  return count;
}

// The far side may have said why, before it went. What else it has sent can still be received.
IoResult StreamImpl::sendFailed(const IoResult& below) noexcept {
  std::byte first{};
  std::size_t count = 0;
  wire_.allow(Allowance, SmallRecords);
  ERR_clear_error();
  const int result = dead_ || ended_ ? 1 : SSL_peek_ex(ssl_.get(), &first, 1, &count);
  if (result != 1) ended_ = outcome(result).isEnded();
  more_ = true;  // what was read to find out
  ERR_clear_error();
  try {
    return keep(below, wire_.lower().why());
  } catch (const std::bad_alloc&) {
    return keep(below);
  }
}

// Passes staged records on, and after the last one an answer to key updates or the end of sending.
// So at most one answer waits here beyond those that OpenSSL gives by itself.
IoResult StreamImpl::passOn() noexcept {
  IoResult result = wire_.flush();
  if (result.isDone() && owesKeyUpdate() && answerKeyUpdate()) result = wire_.flush();
  if (lowerShutDue_ && !result.isBlocked()) {
    lowerShutDue_ = false;
    (void)wire_.lower().shutdown(Direction::send);
  }
  return result;
}

IoResult StreamImpl::shutdown(Direction direction) {
  if (direction == Direction::receive) return wire_.lower().shutdown(direction);
  if (!sendShut_) {
    sendShut_ = true;
    if (shaken_ && !error_) {
      ERR_clear_error();
      (void)SSL_shutdown(ssl_.get());
      ERR_clear_error();
      wire_.endWrites();
    }
  }
  lowerShutDue_ = direction == Direction::send;
  const IoResult passed = passOn();
  if (direction == Direction::both) return wire_.lower().shutdown(direction);
  return passed.isBlocked() ? IoResult::done() : passed;
}

// ---- questions ----------------------------------------------------------------------------------

// An end or an error is there to be received too.
Pending StreamImpl::pending() const noexcept {
  const Pending below = wire_.lower().pending();
  const bool readable = more_ || wire_.exhausted() || wire_.buffers() || below.received;
  return {.received = dead_ || ended_ || (readable && !heldBack()),
          .unsent = unsent_.behind(wire_.takenEnd()),
          // A failure to pass on that nobody was told of is told by the next send.
          .flush = wire_.flushable() || (wire_.staged() > 0 && !error_) || below.flush};
}

std::size_t StreamImpl::Unsent::behind(std::uint64_t taken) const noexcept {
  std::size_t bytes = 0;
  for (const Record& record : std::span(records_).first(count_)) {
    if (record.end > taken) bytes += record.bytes;
  }
  return bytes;
}

std::string StreamImpl::why() const { return why_; }

TlsInfo StreamImpl::info() const {
  if (!shaken_) return {};
  const SSL* const ssl = ssl_.get();
  TlsInfo info{.version = SSL_get_version(ssl),
               .cipher = SSL_get_cipher_name(ssl),
               .resumed = SSL_session_reused(ssl) == 1};
  const unsigned char* protocol = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (length > 0) info.alpn.assign(reinterpret_cast<const char*>(protocol), length);
  // A server's view of the chain lacks the client's own certificate.
  if (loaded_->settings->server) {
    if (X509* const own = SSL_get0_peer_certificate(ssl)) info.chain.push_back(describe(own));
  }
  const STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl);
  for (int at = 0; at < sk_X509_num(chain); ++at) {
    info.chain.push_back(describe(sk_X509_value(chain, at)));
  }
  return info;
}

}  // namespace hio::net::tls

namespace hio::net {

TlsInfo tlsInfoOf(const Stream* stream) {
  const auto* const tls = dynamic_cast<const TlsStream*>(stream);
  return tls != nullptr ? tls->info() : TlsInfo{};
}

}  // namespace hio::net
