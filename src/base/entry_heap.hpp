// A binary heap of run queue entries, each of which knows its index in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/run_entry.hpp"

namespace hio::base {

// Sooner(a, b): whether a comes out before b. It allocates in reserve() only.
template <class Sooner>
class EntryHeap {
 public:
  void reserve(std::size_t capacity) { entries_.reserve(capacity); }
  std::size_t capacity() const noexcept { return entries_.capacity(); }
  bool empty() const noexcept { return entries_.empty(); }
  RunEntry& front() const noexcept { return *entries_.front(); }

  void push(RunEntry& entry) noexcept {
    entry.index = entries_.size();
    entries_.push_back(&entry);
    sift(entry.index);
  }

  // Takes it out, wherever it stands.
  void pop(RunEntry& entry) noexcept {
    const std::size_t index = entry.index;
    RunEntry* const last = entries_.back();
    entries_.pop_back();
    if (last == &entry) return;
    entries_[index] = last;
    last->index = index;
    sift(index);
  }

  // Calls `change` for each entry, which may change what Sooner compares.
  template <class Change>
  void changeAll(Change change) noexcept {
    for (RunEntry* const entry : entries_) change(*entry);
    std::make_heap(
        entries_.begin(), entries_.end(),
        [](const RunEntry* one, const RunEntry* other) { return Sooner()(*other, *one); });
    for (std::size_t index = 0; index < entries_.size(); ++index) entries_[index]->index = index;
  }

 private:
  // Moves the one at `index` up or down to where it belongs.
  void sift(std::size_t index) noexcept {
    const Sooner sooner;
    RunEntry* const entry = entries_[index];
    const auto put = [this](std::size_t at, RunEntry* moved) {
      entries_[at] = moved;
      moved->index = at;
    };
    while (index > 0 && sooner(*entry, *entries_[(index - 1) / 2])) {
      const std::size_t parent = (index - 1) / 2;
      put(index, entries_[parent]);
      index = parent;
    }
    for (std::size_t child = 2 * index + 1; child < entries_.size(); child = 2 * index + 1) {
      if (child + 1 < entries_.size() && sooner(*entries_[child + 1], *entries_[child])) ++child;
      if (!sooner(*entries_[child], *entry)) break;
      put(index, entries_[child]);
      index = child;
    }
    put(index, entry);
  }

  std::vector<RunEntry*> entries_;
};

}  // namespace hio::base
