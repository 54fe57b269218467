// What each contender implements, and what it tells the workload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common.hpp"

namespace bench {

// A connection as its contender makes it. Good until close().
class Wire {
 public:
  // The bytes stay where they are until Session::sent(); until then there is no other send().
  virtual void send(std::string_view bytes) = 0;
  virtual void close() = 0;

 protected:
  ~Wire() = default;
};

// The workload's side of a connection. A failure, or an end before close(), ends the program: that
// is the contender's to see.
class Session {
 public:
  virtual void opened(Wire& wire) = 0;
  virtual void received(Wire& wire, std::size_t count) = 0;
  // All of a send() has been handed over; may be called from within it.
  virtual void sent(Wire& /*wire*/) {}

 protected:
  ~Session() = default;
};

struct Target {
  std::string host;  // a number
  std::uint16_t port;
};

class Contender {
 public:
  virtual ~Contender() = default;

  // Begins to connect; with TLS when `tls` was among the options. The session outlives the run.
  virtual void connect(Session& session, const Target& target) = 0;
  // Until stop().
  virtual void run() = 0;
  virtual void stop() = 0;
};

// Each contender's program defines it.
std::unique_ptr<Contender> makeContender(const Options& options);

}  // namespace bench
