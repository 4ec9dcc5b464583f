// What every reader of labelled data gives: images as unsigned bytes, tables as floats or texts as token ids; labels
// counted from 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mneme/io/idx.hpp"

namespace mneme {

struct LabelledData {
  std::vector<std::int64_t> shape;       // [N, C, H, W] for images, [N, ...] for numbers, [N, L] for token ids
  std::vector<std::uint8_t> pixels;      // images: N*C*H*W, row-major; else empty
  std::vector<float> features;           // numbers, of tables as a rule [N, D], row-major; else empty
  std::vector<std::int64_t> tokens;      // texts as ids: N*L, row-major, 0 where a text has ended; else empty
  std::vector<std::int64_t> labels;      // [N], 0..class_names.size()-1
  std::vector<std::string> class_names;  // by label
  std::string sha256;                    // of the decompressed bytes: images, then labels

  [[nodiscard]] std::int64_t count() const { return shape.empty() ? 0 : shape.front(); }
};

/// How the bytes of an idx pair are to be read.
struct IdxRule {
  std::int64_t label_offset = 0;              // the label that stands for class 0
  bool transposed = false;                    // rows and columns of the images are swapped
  std::vector<std::string> class_names = {};  // empty: "0", "1", ... up to the greatest label found
};

/// Joins images [N, H, W] or [N, C, H, W] with labels [N]. `name` is for messages; `sha256` is left to the caller.
/// DataError when the counts differ, a dimension is wrong, or a label is out of range (its index is named).
LabelledData join_idx(IdxArray images, IdxIntegers const& labels, std::string const& name, IdxRule const& rule = {});

/// The pair of files, gzip or not.
LabelledData read_idx_pair(std::filesystem::path const& images, std::filesystem::path const& labels,
                           IdxRule const& rule = {});

/// Numbers the rows' labels: classes are the distinct ones, in numeric order when all are integers and in byte order
/// otherwise.
void number_labels(std::vector<std::string> const& rows, LabelledData& data);

/// Rows begin <= i < end; the hash stays that of the whole.
LabelledData slice_rows(LabelledData const& data, std::int64_t begin, std::int64_t end);

}  // namespace mneme
