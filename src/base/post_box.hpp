// The functions that were posted to one Doist and have not run yet.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "hio/base/pacer.hpp"

namespace hio::base {

class PostBox {
 public:
  explicit PostBox(Pacer* pacer) noexcept : pacer_(pacer) {}

  // From any thread. False once the box is closed.
  bool post(std::function<void()>&& function);

  // The rest is for the Doist's thread.
  // Whether something is to be run.
  bool any() const noexcept { return any_.load(std::memory_order_acquire); }
  // Runs what is there now, in order. What one of them throws goes on; those behind it stay.
  void run();
  // Which pacer a post wakes.
  void pacer(Pacer* pacer) noexcept;
  // From now on post() gives false. What has not run is destroyed.
  void close() noexcept;

 private:
  std::mutex mutex_;
  Pacer* pacer_;
  bool closed_ = false;
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> any_{false};  // written under the mutex
  // Not under the mutex: what run() has taken, and how many of them it is done with.
  std::vector<std::function<void()>> taken_;
  std::size_t ran_ = 0;
};

}  // namespace hio::base
