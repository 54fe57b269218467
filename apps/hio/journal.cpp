#include "journal.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace hio::tool {

void Journal::note(std::string_view who, std::string_view what) const {
  say(fmt::format("{:7.3f} s  {:<8} {}", std::chrono::duration<double>(tymth_()).count(), who,
                  what));
}

}  // namespace hio::tool
