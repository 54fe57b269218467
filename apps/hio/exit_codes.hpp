// What the tool tells its caller: the one table of exit codes, and the error that carries one.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hio::tool {

enum class ExitCode : int {
  ok = 0,
  unexpected = 1,
  usage = 2,
  unresolved = 3,
  refused = 4,
  timedOut = 5,
  unreachable = 6,
  lost = 7,
  closedEarly = 8,
  untrusted = 9,
  tlsFailed = 10,
  interrupted = 130,  // 128 + SIGINT, as shells have it
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr std::array ExitCodes{
    ExitCodeMeaning{ExitCode::ok, "all is well; also when the reader of the output has gone"},
    ExitCodeMeaning{ExitCode::unexpected, "an unexpected error; the message says which"},
    ExitCodeMeaning{ExitCode::usage, "an option, argument or file that is no good"},
    ExitCodeMeaning{ExitCode::unresolved, "the name of the host could not be resolved"},
    ExitCodeMeaning{ExitCode::refused, "the connection was refused: nothing listens there"},
    ExitCodeMeaning{ExitCode::timedOut, "timed out: no answer"},
    ExitCodeMeaning{ExitCode::unreachable, "there is no way to the host"},
    ExitCodeMeaning{ExitCode::lost, "the connection was reset or lost in mid-stream"},
    ExitCodeMeaning{ExitCode::closedEarly, "the far side closed before all input was sent"},
    ExitCodeMeaning{ExitCode::untrusted,
                    "TLS: the server's certificate was refused: not trusted, or not for this name"},
    ExitCodeMeaning{ExitCode::tlsFailed,
                    "TLS: the handshake failed: no TLS there, refused, or nothing in common"},
    ExitCodeMeaning{ExitCode::interrupted, "interrupted by SIGINT or SIGTERM (echo: 0)"},
};

// Ends the program with one line for the person who started it.
class Problem : public std::runtime_error {
 public:
  Problem(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace hio::tool
