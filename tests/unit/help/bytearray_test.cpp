#include "hio/help/bytearray.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <new>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace hio::help {
namespace {

std::uint64_t seed() {
  const char* const given = std::getenv("HIO_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

void write(Bytearray& bytes, std::string_view text) {
  const std::span<std::byte> room = bytes.writable(text.size());
  std::ranges::copy(bytesOf(text), room.begin());
  bytes.commit(text.size());
}

TEST(Bytearray, IsAQueueOfBytes) {
  Bytearray bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.capacity(), 0U);
  bytes.append("abc");
  bytes.append(bytesOf("def"));
  EXPECT_EQ(bytes.text(), "abcdef");
  bytes.consume(2);
  EXPECT_EQ(bytes.text(), "cdef");
  EXPECT_EQ(bytes.size(), 4U);
  EXPECT_EQ(bytes.consumed(), 2U);
  bytes.clear();
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.consumed(), 6U);
}

TEST(Bytearray, IsWrittenInPlace) {
  Bytearray bytes;
  EXPECT_GE(bytes.writable(1000).size(), 1000U);
  EXPECT_TRUE(bytes.empty());
  write(bytes, "in place");
  EXPECT_EQ(bytes.text(), "in place");
  EXPECT_EQ(bytes.view().data() + 8, bytes.writable(1).data());
}

TEST(Bytearray, RefusesMoreThanThereIsAndKeepsWhatItHas) {
  Bytearray bytes;
  bytes.append("abc");
  EXPECT_THROW(bytes.consume(4), std::out_of_range);
  EXPECT_THROW(bytes.commit(bytes.capacity()), std::out_of_range);
  EXPECT_THROW((void)bytes.writable(PTRDIFF_MAX), std::bad_alloc);
  EXPECT_THROW((void)bytes.writable(SIZE_MAX), std::bad_alloc);
  EXPECT_EQ(bytes.text(), "abc");
  EXPECT_EQ(bytes.consumed(), 0U);
  bytes.consume(3);
  EXPECT_THROW(bytes.consume(1), std::out_of_range);
  bytes.append("goes on");
  EXPECT_EQ(bytes.text(), "goes on");
}

TEST(Bytearray, AppendsItsOwnContent) {
  Bytearray bytes;
  bytes.append("0123456789");
  for (int i = 0; i < 12; ++i) {
    const std::string before(bytes.text());
    bytes.append(bytes.view());
    ASSERT_EQ(bytes.text(), before + before);
    bytes.consume(before.size());
    ASSERT_EQ(bytes.text(), before);
    bytes.append(bytes.view().subspan(3));
    ASSERT_EQ(bytes.text(), before + before.substr(3));
  }
}

TEST(Bytearray, ConsumingMovesNothing) {
  Bytearray bytes;
  bytes.append(std::string(1U << 20U, 'x'));
  const std::byte* const begin = bytes.view().data();
  for (std::size_t count = 1; count <= 1000; ++count) {
    bytes.consume(1);
    ASSERT_EQ(bytes.view().data(), begin + count);
  }
}

// A queue that is fed and drained for ever stays as large as it was at its fullest.
TEST(Bytearray, UsesItsRoomAgain) {
  Bytearray bytes;
  const std::string piece(1000, 'x');
  for (int i = 0; i < 8; ++i) bytes.append(piece);
  for (int i = 0; i < 10'000; ++i) {
    bytes.append(piece);
    bytes.consume(piece.size());
  }
  EXPECT_EQ(bytes.size(), 8000U);
  EXPECT_LE(bytes.capacity(), 4 * 9000U);
}

// Bytes are copied in once; what growing and making room moves on top of that is a small multiple.
TEST(Bytearray, MovesEachByteAFewTimesAtMost) {
  Bytearray bytes;
  const std::string piece(1000, 'x');
  std::size_t appended = 0;
  std::size_t moved = 0;
  const auto append = [&] {
    const std::size_t size = bytes.size();
    const std::byte* const front = bytes.view().data();
    bytes.append(piece);
    appended += piece.size();
    if (bytes.view().data() != front) moved += size;
  };
  for (int i = 0; i < 1000; ++i) append();  // a queue that is never short of a megabyte
  for (int i = 0; i < 100'000; ++i) {
    bytes.consume(piece.size());
    append();
  }
  EXPECT_GT(moved, 0U);
  EXPECT_LE(moved, 2 * appended);
}

TEST(Bytearray, GivesMemoryBackWhenEmpty) {
  Bytearray bytes;
  bytes.append(std::string(8U << 20U, 'x'));
  bytes.consume(bytes.size() - 1);
  EXPECT_GE(bytes.capacity(), 8U << 20U);
  bytes.consume(1);
  EXPECT_LE(bytes.capacity(), Bytearray::Keep);
  bytes.append("few");
  bytes.release();
  EXPECT_EQ(bytes.text(), "few");
  bytes.clear();
  EXPECT_GT(bytes.capacity(), 0U);
  bytes.release();
  EXPECT_EQ(bytes.capacity(), 0U);
}

// Contract C7, R9: who holds it sees every change.
TEST(Bytearray, HasOneAddressForLife) {
  static_assert(!std::is_copy_constructible_v<Bytearray>);
  static_assert(!std::is_move_constructible_v<Bytearray>);
  static_assert(!std::is_copy_assignable_v<Bytearray>);
}

TEST(Bytearray, BehavesAsAStringDoes) {
  const std::uint64_t started = seed();
  std::cout << "HIO_TEST_SEED=" << started << std::endl;  // also when the test ends in a crash
  std::mt19937_64 random(started);
  Bytearray bytes;
  std::string model;
  std::uint64_t consumed = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t amount = random() % (random() % 16 == 0 ? 20'000 : 200);
    const std::string text(amount, static_cast<char>('a' + step % 26));
    switch (random() % 6) {
      case 0:
        bytes.append(text);
        model += text;
        break;
      case 1:
        write(bytes, text);
        model += text;
        break;
      case 2: {
        const std::size_t from = random() % (model.size() + 1);
        const std::size_t count = std::min(model.size() - from, amount);
        bytes.append(bytes.view().subspan(from, count));
        model += std::string(model, from, count);
        break;
      }
      case 3:
        bytes.release();
        break;
      default: {
        const std::size_t count = std::min(model.size(), 2 * amount);
        bytes.consume(count);
        model.erase(0, count);
        consumed += count;
        break;
      }
    }
    ASSERT_EQ(bytes.text(), model) << "step " << step;
    ASSERT_EQ(bytes.consumed(), consumed);
    ASSERT_LE(bytes.size(), bytes.capacity());
  }
}

}  // namespace
}  // namespace hio::help
