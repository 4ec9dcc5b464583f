// idx, the format of MNIST and its relatives: big-endian magic 00 00 <type> <dimensions>, sizes, then the elements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace mneme {

/// Unsigned bytes, row-major; `data` has as many elements as the product of `shape`.
struct IdxArray {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> data;
};

/// `name` is for messages. DataError (file and offset) on another magic or element type, a short file, bytes after the
/// last element, or sizes whose product does not fit.
IdxArray parse_idx(std::span<std::uint8_t const> bytes, std::string const& name);

/// The file may be gzip.
IdxArray read_idx(std::filesystem::path const& path);

/// Whole numbers of any width, as labels are.
struct IdxIntegers {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> data;
};

/// As parse_idx, for elements of 8 bits, unsigned or signed, of 16 and of 32 bits (types 0x08, 0x09, 0x0B, 0x0C).
IdxIntegers parse_idx_integers(std::span<std::uint8_t const> bytes, std::string const& name);

}  // namespace mneme
