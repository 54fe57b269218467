#include "base/post_box.hpp"

#include <iterator>
#include <stdexcept>
#include <utility>

#include "hio/base/poster.hpp"

namespace hio::base {

bool PostBox::post(std::function<void()>&& function) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  posted_.push_back(std::move(function));
  // The Doist does not wait while there is something: only the first has to wake it. Under the
  // lock, as the pacer is the Doist's only while that lives.
  if (!any_.exchange(true, std::memory_order_acq_rel) && pacer_ != nullptr) pacer_->wake();
  return true;
}

void PostBox::run() {
  {
    const std::lock_guard lock(mutex_);
    if (taken_.empty()) {
      taken_.swap(posted_);
    } else {  // what a function that threw left behind goes first
      taken_.insert(taken_.end(), std::move_iterator(posted_.begin()),
                    std::move_iterator(posted_.end()));
      posted_.clear();
    }
    any_.store(false, std::memory_order_relaxed);
  }
  struct Rest {
    PostBox& box;
    ~Rest() {
      std::vector<std::function<void()>>& taken = box.taken_;
      taken.erase(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(box.ran_));
      box.ran_ = 0;
      if (taken.empty()) return;
      const std::lock_guard lock(box.mutex_);
      box.any_.store(true, std::memory_order_relaxed);
    }
  } const rest{*this};
  while (ran_ < taken_.size()) {
    const std::function<void()> function = std::move(taken_[ran_++]);
    function();
  }
}

void PostBox::pacer(Pacer* pacer) noexcept {
  const std::lock_guard lock(mutex_);
  pacer_ = pacer;
}

void PostBox::close() noexcept {
  std::vector<std::function<void()>> dropped;
  std::vector<std::function<void()>> taken;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    pacer_ = nullptr;
    dropped.swap(posted_);
    any_.store(false, std::memory_order_relaxed);
  }
  taken.swap(taken_);
}

bool Poster::post(std::function<void()> function) const {
  if (!function) throw std::invalid_argument("post: the function is empty");
  return box_ != nullptr && box_->post(std::move(function));
}

}  // namespace hio::base
