#include "digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace hio::tool {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Owned = std::unique_ptr<EVP_MD_CTX, Free>;

void must(bool well) {
  if (!well) throw std::runtime_error("OpenSSL on this machine does not do SHA-256");
}

}  // namespace

struct Sha256::Context {
  Owned it{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  must(context_->it != nullptr);
  must(EVP_DigestInit_ex(context_->it.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  must(EVP_DigestUpdate(context_->it.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() const {
  // Finishing spoils the context, so a copy of it is finished.
  const Owned copy(EVP_MD_CTX_new());
  must(copy != nullptr && EVP_MD_CTX_copy_ex(copy.get(), context_->it.get()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  must(EVP_DigestFinal_ex(copy.get(), digest.data(), &length) == 1);
  std::string text;
  for (unsigned int at = 0; at < length; ++at) text += fmt::format("{:02x}", digest.at(at));
  return text;
}

}  // namespace hio::tool
