// Servers over TLS for the tool's tests: `hio echo --tls`, with certificates good and bad.
#pragma once

#include <string>
#include <vector>

#include "hio/certificates.hpp"
#include "tool/child.hpp"
#include "tool/files.hpp"

namespace hio::tool_test {

// Paths of PEM files.
struct Paths {
  std::string key;
  std::string certificate;

  // As options of the tool, before others.
  std::vector<std::string> options(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"--cert", certificate, "--key", key};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

// An authority whose certificates are in files.
class Issuer {
 public:
  explicit Issuer(const Folder& folder)
      : folder_(folder), ca_(folder.file("authority.pem", authority_.certificate())) {}

  const std::string& ca() const { return ca_; }
  Paths issue(const std::vector<std::string>& names, long from = -1, long until = 3) {
    const tool::KeyAndCertificate made = authority_.issue(names, from, until);
    const std::string stem = std::to_string(++count_);
    return {folder_.file(stem + ".key", made.key), folder_.file(stem + ".pem", made.certificate)};
  }

 private:
  const Folder& folder_;
  tool::Authority authority_{"Tool Test Root"};
  std::string ca_;
  int count_ = 0;
};

// `hio echo --tls` on a free port; with a certificate made at run time unless the arguments give
// one.
class EchoTls {
 public:
  explicit EchoTls(const std::vector<std::string>& arguments = {})
      : child_(line(folder_, arguments)) {
    const std::string told = "listening on 127.0.0.1:";
    if (!child_.untilOut("\n") || child_.out.rfind(told, 0) != 0) return;
    port_ = child_.out.substr(told.size(), child_.out.size() - told.size() - 1);
  }

  Child& child() { return child_; }
  const std::string& port() const { return port_; }
  std::string ca() const { return folder_.file("made.pem"); }
  int interrupt() {
    child_.signal(SIGINT);
    return child_.wait();
  }

 private:
  static std::vector<std::string> line(const Folder& folder,
                                       const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"echo", "--tls", "0"};
    bool certified = false;
    for (const std::string& argument : arguments) {
      all.push_back(argument);
      certified = certified || argument == "--cert";
    }
    if (!certified) all.insert(all.end(), {"--write-ca", folder.file("made.pem")});
    return all;
  }

  Folder folder_;
  Child child_;
  std::string port_;
};

}  // namespace hio::tool_test
