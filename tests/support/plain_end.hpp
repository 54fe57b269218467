// The test's end of a program's standard streams, or of a connection, served without blocking.
#pragma once

#include <string>
#include <string_view>

#include "support/process.hpp"

namespace hio::test {

class PlainEnd {
 public:
  PlainEnd() = default;
  ~PlainEnd();
  PlainEnd(const PlainEnd&) = delete;
  PlainEnd& operator=(const PlainEnd&) = delete;

  // From now on moves bytes to and from a program, which takes what is returned; once it runs,
  // release() has to be called.
  StandardStreams streams();
  void release();
  // From now on moves bytes over this connection, which becomes the flow's own.
  void connection(int fd);

  // Moves what can be moved now.
  void turn();
  // Goes out as the far side takes it; after end() the last byte is followed by the end.
  void send(std::string_view text) { unsent_ += text; }
  void end() { ending_ = true; }
  // The far side has finished sending.
  bool ended() const { return ended_; }

  std::string got;
  bool echoes = false;  // what comes goes back, its end too, and is also kept in `got`

 private:
  void close();

  int in_ = -1;
  int out_ = -1;
  StandardStreams theirs_;
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  bool ending_ = false;
  bool ended_ = false;
};

}  // namespace hio::test
