#include "hio/net/net.hpp"

namespace hio::net {
namespace {

class ResolveCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hio.resolve"; }

  std::string message(int value) const override {
    switch (static_cast<ResolveError>(value)) {
      case ResolveError::notFound:
        return "there is no such name";
      case ResolveError::noAddress:
        return "the name has no address";
      case ResolveError::tryAgain:
        return "no name server gave an answer";
      case ResolveError::refused:
        return "the name servers give no answer";
      case ResolveError::badName:
        return "no such name can exist";
    }
    return "unknown error of name resolution";
  }
};

}  // namespace

const std::error_category& resolveCategory() noexcept {
  static const ResolveCategory category;
  return category;
}

std::error_code make_error_code(ResolveError error) noexcept {
  return {static_cast<int>(error), resolveCategory()};
}

}  // namespace hio::net
