// A kernel that lacks memory or descriptors for a few calls of this process.
#pragma once

namespace hio::test {

// How many calls of a kind from now on fail; never below 0.
struct Shortage {
  int receives = 0;  // ENOMEM
  int sends = 0;     // ENOBUFS
  int accepts = 0;   // EMFILE

  bool isOver() const { return receives == 0 && sends == 0 && accepts == 0; }
};

// Belongs to the thread that asks.
Shortage& shortage();

}  // namespace hio::test
