// Certificates made at run time, good for a few days: for the demo, and for tests.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hio::tool {

// PEM.
struct KeyAndCertificate {
  std::string key;
  std::string certificate;
};

// How an authority makes keys and certificates.
struct Making {
  // P-256; otherwise Ed25519, whose signatures are all of one length.
  bool ecdsa = true;
  // From when days are counted; empty: from now on.
  std::optional<std::chrono::sys_seconds> at{};
  // For so many days before and after that the authority's own certificate is good.
  long days = 3;
};

// A certificate authority that exists as long as the object.
class Authority {
 public:
  // Throws std::runtime_error when the keys cannot be made.
  explicit Authority(const std::string& name, const Making& making = {});
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // PEM, for those who are to trust it.
  std::string certificate() const;
  // For servers and clients; each name is a DNS name or an address. Valid from so many days from
  // now until so many.
  KeyAndCertificate issue(const std::vector<std::string>& names, long from = -1,
                          long until = 3) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hio::tool
