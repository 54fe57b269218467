// How other threads give work to a Doist.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "hio/export.hpp"

namespace hio::base {

class PostBox;

// Hands functions over to the thread of one Doist; see Doist::post(). Copies belong to the same
// Doist and may outlive it. All threads may use it, each its own copy or one that nobody assigns to
// meanwhile. Not for signal handlers: they may call Pacer::wake() where that is a poller's.
class HIO_EXPORT Poster {
 public:
  Poster() noexcept = default;  // of no Doist

  // False, and `function` is not kept, once the Doist is no more. Throws std::invalid_argument if
  // it is empty, std::bad_alloc.
  bool post(std::function<void()> function) const;
  // Whether it is of a Doist, which may be no more.
  explicit operator bool() const noexcept { return box_ != nullptr; }

 private:
  friend class Doist;
  explicit Poster(std::shared_ptr<PostBox> box) noexcept : box_(std::move(box)) {}

  std::shared_ptr<PostBox> box_;
};

}  // namespace hio::base
