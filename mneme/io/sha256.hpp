// SHA-256 (FIPS 180-4), for checking data sets and naming parameter states.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace mneme {

/// Incremental. `digest` and `hex` leave the state alone, so a prefix can be read and the hash go on.
class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  void update(std::span<std::uint8_t const> bytes);
  [[nodiscard]] Digest digest() const;
  /// 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  void compress(std::uint8_t const* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t length_ = 0;  // bytes so far; length_ % 64 of them stand in pending_
};

std::string sha256_hex(std::span<std::uint8_t const> bytes);

/// Of a file of any size, read in blocks. DataError when it cannot be read.
std::string sha256_file(std::filesystem::path const& path);

}  // namespace mneme
