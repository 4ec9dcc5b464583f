#include "mneme/io/svhn.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/mat.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

constexpr int kClasses = 10;

/// y as digits: the label 10 stands for 0.
IdxIntegers digits_of(MatArray const& y, std::string const& name) {
  auto const values = y.numbers();
  IdxIntegers labels{{static_cast<std::int64_t>(values.size())}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    int label = 0;
    while (label < kClasses && values[i] != label + 1) ++label;
    if (label == kClasses)
      throw_damaged(name, y.offset,
                    "the label of picture " + std::to_string(i) + ", counted from 0, is " + format_number(values[i]) +
                        ", outside 1..10");
    labels.data.push_back((label + 1) % kClasses);
  }
  return labels;
}

}  // namespace

LabelledData parse_svhn(std::span<std::uint8_t const> bytes, std::string const& name) {
  auto const arrays = parse_mat(bytes, name);
  auto const& x = find_array(arrays, "X", name);
  auto shape = x.shape;
  if (shape.size() == 3) shape.push_back(1);  // MATLAB drops a last extent of 1
  if (shape.size() != 4 || x.type != MatType::kUint8)
    throw_damaged(name, x.offset, "the pictures X must be unsigned bytes [H, W, C, N]");
  // Column-major [H, W, C, N] is row-major [N, C, W, H].
  IdxArray images{{shape[3], shape[2], shape[1], shape[0]}, x.data};
  auto data = join_idx(std::move(images), digits_of(find_array(arrays, "y", name), name), name,
                       {.transposed = true, .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}});
  data.sha256 = sha256_hex(bytes);
  return data;
}

LabelledData read_svhn(std::filesystem::path const& path) {
  return parse_svhn(read_file_decompressed(path), path.string());
}

}  // namespace mneme
