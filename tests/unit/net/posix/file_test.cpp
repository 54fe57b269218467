#include "net/file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/allocations.hpp"

namespace hio::net {
namespace {

// A key file of any length is in the text that is given, and nowhere else.
TEST(ReadFile, LeavesNoCopyInMemory) {
  const std::string path = testing::TempDir() + "hio_read_file_test.pem";
  for (const std::size_t size : {20U, 5000U, 16384U, 100'000U}) {
    const std::string canary = "CANARY-of-this-test";
    std::ofstream(path, std::ios::trunc) << canary << std::string(size, 'x');
    std::error_code code;
    {
      const test::LeftBehind left(canary);
      const std::string text = readFile(path, 1U << 20U, code);
      EXPECT_EQ(text.size(), canary.size() + size);
      EXPECT_EQ(test::LeftBehind::count(), 0);
    }
    EXPECT_FALSE(code);
    const test::LeftBehind left(canary);
    EXPECT_EQ(readFile(path, 10, code), "");
    EXPECT_EQ(code, std::errc::file_too_large);
    EXPECT_EQ(test::LeftBehind::count(), 0);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace hio::net
