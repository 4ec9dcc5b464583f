// MAT-files of level 5 (MATLAB's -v6 and -v7): the arrays of real numbers in them, zlib-compressed or not, of either
// byte order. Texts, cells, structures, sparse and complex arrays are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

/// How the numbers of an array stand in the file: MATLAB stores whole numbers of any class as narrowly as they fit. The
/// values are those of the format.
enum class MatType : std::uint8_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kInt64 = 12,
  kUint64 = 13,
};

struct MatArray {
  std::string name;
  std::vector<std::int64_t> shape;  // two extents or more
  MatType type = MatType::kUint8;
  std::vector<std::uint8_t> data;  // the elements in column-major order, the first index fastest; this machine's bytes
  std::size_t offset = 0;          // where the variable begins in the file

  /// Every element as a double (integers beyond 2^53 are rounded).
  [[nodiscard]] std::vector<double> numbers() const;
};

/// `file` is for messages. DataError (file and offset) on what is no such file, one of version 7.3 (HDF5), an element
/// that reaches beyond its container, data that do not fit their sizes, or damaged compressed data.
std::vector<MatArray> parse_mat(std::span<std::uint8_t const> bytes, std::string const& file);

/// DataError with the names that there are where there is none of that name.
MatArray const& find_array(std::vector<MatArray> const& arrays, std::string_view name, std::string const& file);

}  // namespace mneme
