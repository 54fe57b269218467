// What the demo streams: bytes that can be asked for at any position, again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace hio::tool {

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  virtual std::uint64_t size() const = 0;
  virtual std::string name() const = 0;
  // Fills all of the room; the bytes from offset on must be there. Throws Problem for a file that
  // has changed or cannot be read.
  virtual void read(std::uint64_t offset, std::span<std::byte> room) const = 0;

 protected:
  Source() = default;
};

// Bytes that follow from the seed and their position, so that none need be stored.
std::unique_ptr<Source> madeUpSource(std::uint64_t size, std::uint64_t seed);
// A file of the user's. Throws Problem for one that cannot be read or has no size.
std::unique_ptr<Source> fileSource(const std::string& path);

// SplitMix64's output function: numbers that look random, and the same on every machine.
std::uint64_t mixed(std::uint64_t number) noexcept;

}  // namespace hio::tool
