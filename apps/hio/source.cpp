#include "source.hpp"

#include <fmt/format.h>

#include "exit_codes.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace hio::tool {
namespace {

class MadeUp final : public Source {
 public:
  MadeUp(std::uint64_t size, std::uint64_t seed) : size_(size), seed_(seed), key_(mixed(seed)) {}

  std::uint64_t size() const override { return size_; }
  std::string name() const override {
    return fmt::format("{} made up from seed {}", sizeText(size_), seed_);
  }

  void read(std::uint64_t offset, std::span<std::byte> room) const override {
    for (std::size_t at = 0; at < room.size();) {
      // Eight bytes follow from each number; a read may begin and end within them.
      std::uint64_t number = mixed(key_ + offset / 8);
      number >>= 8 * (offset % 8);
      for (std::uint64_t left = 8 - offset % 8; left > 0 && at < room.size(); --left) {
        room[at++] = static_cast<std::byte>(number & 0xffU);
        number >>= 8U;
        ++offset;
      }
    }
  }

 private:
  std::uint64_t size_;
  std::uint64_t seed_;
  std::uint64_t key_;
};

class File final : public Source {
 public:
  explicit File(const std::string& path) : path_(path), input_(path) {
    if (!input_.size()) {
      throw Problem(ExitCode::usage, fmt::format("'{}' is no regular file", path));
    }
  }

  std::uint64_t size() const override { return *input_.size(); }
  std::string name() const override { return fmt::format("{} from '{}'", sizeText(size()), path_); }

  void read(std::uint64_t offset, std::span<std::byte> room) const override {
    while (!room.empty()) {
      const Input::Got got = input_.readAt(offset, room);
      if (got.error || got.ended) {
        throw Problem(ExitCode::unexpected,
                      fmt::format("reading '{}' at {}: {}", path_, offset,
                                  got.error ? got.error.message() : "it has become shorter"));
      }
      offset += got.count;
      room = room.subspan(got.count);
    }
  }

 private:
  std::string path_;
  Input input_;
};

}  // namespace

std::unique_ptr<Source> madeUpSource(std::uint64_t size, std::uint64_t seed) {
  return std::make_unique<MadeUp>(size, seed);
}

std::unique_ptr<Source> fileSource(const std::string& path) { return std::make_unique<File>(path); }

std::uint64_t mixed(std::uint64_t number) noexcept {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

}  // namespace hio::tool
