#include "net/tls/credentials.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "net/file.hpp"
#include "net/tls/error.hpp"

namespace hio::net::tls {
namespace {

constexpr std::size_t MostFile = 64U << 20U;

// PEM text that is wiped from memory, in the one place where it may hold a key.
class Text {
 public:
  Text(const Pem& pem, std::string_view what) : what_(what) {
    if (!pem.path.empty() && !pem.text.empty()) {
      throw std::invalid_argument(what_ + " is given as a file and as text; give one of them");
    }
    if (pem.path.empty()) {
      text_ = pem.text;
      return;
    }
    // A key in the place of its path would show in the error's text.
    if (pem.path.find_first_of(std::string_view("\n\0", 2)) != std::string::npos ||
        pem.path.find("-----BEGIN ") != std::string::npos) {
      throw std::invalid_argument(what_ + " has a path that is none; PEM itself is given as text");
    }
    what_ += " '" + pem.path + '\'';
    std::error_code code;
    text_ = readFile(pem.path, MostFile, code);
    if (code) throw std::system_error(code, "read " + what_);
  }
  ~Text() { OPENSSL_cleanse(text_.data(), text_.size()); }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  // For messages: what it is, and the file's name.
  const std::string& what() const noexcept { return what_; }
  Bio bio() const {
    Bio bio(BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())));
    if (!bio) throw std::bad_alloc();
    return bio;
  }

 private:
  std::string what_;
  std::string text_;
};

void need(bool well, const std::string& what) {
  if (!well) raiseTrouble(what, TlsError::badPem);
}

// Calls `take` with each object that `next` reads, in the order of the text.
template <class Next, class Take>
std::size_t readAll(const Text& text, std::string_view kind, Next next, Take take) {
  const Bio bio = text.bio();
  std::size_t count = 0;
  ERR_clear_error();
  while (auto object = next(bio.get())) {
    take(std::move(object), count++);
    ERR_clear_error();
  }
  const unsigned long last = ERR_peek_last_error();
  const bool atEnd =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  need(atEnd, "read " + text.what());
  ERR_clear_error();
  if (count == 0) need(false, text.what() + " has no " + std::string(kind) + " in PEM");
  return count;
}

Certificate nextCertificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509_AUX(bio, nullptr, nullptr, nullptr));
}
Crl nextCrl(BIO* bio) { return Crl(PEM_read_bio_X509_CRL(bio, nullptr, nullptr, nullptr)); }

struct Asked {
  const std::function<std::string()>* passphrase;
  std::exception_ptr thrown{};
  bool asked = false;
};

int givePassphrase(char* room, int size, int, void* data) noexcept {
  Asked& asked = *static_cast<Asked*>(data);
  asked.asked = true;
  if (!*asked.passphrase) return -1;
  try {
    std::string phrase = (*asked.passphrase)();
    const std::size_t length = std::min(phrase.size(), static_cast<std::size_t>(size));
    std::memcpy(room, phrase.data(), length);
    OPENSSL_cleanse(phrase.data(), phrase.size());
    return static_cast<int>(length);
  } catch (...) {
    asked.thrown = std::current_exception();
    return -1;
  }
}

void loadKey(SSL_CTX* context, const Text& text, const std::function<std::string()>& passphrase) {
  Asked asked{&passphrase};
  ERR_clear_error();
  const Bio bio = text.bio();
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, givePassphrase, &asked));
  if (asked.thrown) std::rethrow_exception(asked.thrown);
  if (!key && asked.asked && !passphrase) {
    ERR_clear_error();
    throw std::system_error(make_error_code(TlsError::badPem),
                            text.what() + " is encrypted and no passphrase was given");
  }
  need(key != nullptr, asked.asked ? text.what() + ", with that passphrase"
                                   : text.what() + " has no private key in PEM");
  need(SSL_CTX_use_PrivateKey(context, key.get()) == 1,
       "use " + text.what() + " with the certificate");
}

}  // namespace

void loadIdentity(SSL_CTX* context, const TlsIdentity& identity) {
  if (identity.certificate.empty()) {
    if (identity.key.empty()) return;
    throw std::invalid_argument("a key is given without its certificate");
  }
  const Text certificates(identity.certificate, "certificate");
  readAll(certificates, "certificate", nextCertificate,
          [&](Certificate certificate, std::size_t index) {
            const std::string what = "use " + certificates.what();
            if (index == 0) {
              need(SSL_CTX_use_certificate(context, certificate.get()) == 1, what);
            } else {
              need(SSL_CTX_add1_chain_cert(context, certificate.get()) == 1, what);
            }
          });
  const Text key(identity.key.empty() ? identity.certificate : identity.key, "key");
  loadKey(context, key, identity.passphrase);
  need(SSL_CTX_check_private_key(context) == 1,
       key.what() + " does not belong to " + certificates.what());
}

void loadTrust(SSL_CTX* context, const TlsTrust& trust) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  if (trust.ca.empty()) {
    need(SSL_CTX_set_default_verify_paths(context) == 1, "load the system's trusted certificates");
  } else {
    const Text text(trust.ca, "CA certificates");
    readAll(text, "certificate", nextCertificate, [&](Certificate certificate, std::size_t) {
      need(X509_STORE_add_cert(store, certificate.get()) == 1, "trust " + text.what());
    });
  }
  if (trust.crls.empty()) return;
  const Text text(trust.crls, "revocation lists");
  readAll(text, "revocation list", nextCrl, [&](Crl crl, std::size_t) {
    need(X509_STORE_add_crl(store, crl.get()) == 1, "use " + text.what());
  });
  need(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1,
       "check revocation");
}

void announceIssuers(SSL_CTX* context, const Pem& ca) {
  // The names with their lengths have to fit into one field of 64 KiB, in TLS 1.3 together with
  // other fields. No names at all tell the client to choose by itself.
  constexpr std::size_t Most = 63U * 1024U;
  std::size_t size = 0;
  const Text text(ca, "CA certificates");
  readAll(text, "certificate", nextCertificate, [&](Certificate certificate, std::size_t) {
    const int length = i2d_X509_NAME(X509_get_subject_name(certificate.get()), nullptr);
    need(length >= 0 && SSL_CTX_add_client_CA(context, certificate.get()) == 1,
         "announce " + text.what());
    size += 2 + static_cast<std::size_t>(length);
  });
  if (size > Most) SSL_CTX_set_client_CA_list(context, nullptr);
}

}  // namespace hio::net::tls
