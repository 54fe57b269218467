// The demo's live log: what happened, and when.
#pragma once

#include <string_view>

#include "hio/base/tyming.hpp"

namespace hio::tool {

class Journal {
 public:
  explicit Journal(base::Tymth tymth) : tymth_(std::move(tymth)) {}
  void note(std::string_view who, std::string_view what) const;

 private:
  base::Tymth tymth_;
};

}  // namespace hio::tool
