#include "mneme/io/labelled.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kMostClasses = 65536;  // labels beyond are damage: a class takes a name and an output

/// Swaps rows and columns of every plane; `shape` [N, C, H, W] follows.
void transpose_planes(std::vector<std::uint8_t>& pixels, std::vector<std::int64_t>& shape) {
  auto const height = static_cast<std::size_t>(shape[2]);
  auto const width = static_cast<std::size_t>(shape[3]);
  std::size_t const area = height * width;
  std::vector<std::uint8_t> plane(std::min(area, pixels.size()));  // without pictures, extents are but a claim
  for (std::size_t start = 0; start < pixels.size(); start += area) {
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) plane[j * height + i] = pixels[start + i * width + j];
    }
    std::copy(plane.begin(), plane.end(), pixels.begin() + static_cast<std::ptrdiff_t>(start));
  }
  std::swap(shape[2], shape[3]);
}

template <class T>
std::vector<T> slice(std::vector<T> const& values, std::int64_t begin, std::int64_t end, std::int64_t count) {
  auto const row = static_cast<std::ptrdiff_t>(values.size()) / std::max<std::int64_t>(count, 1);
  return {values.begin() + begin * row, values.begin() + end * row};
}

/// All of the text as an integer; a leading '+' is allowed.
std::optional<std::int64_t> integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The distinct labels in the order of their class numbers.
std::vector<std::string> class_order(std::map<std::string, std::int64_t> const& found) {
  std::vector<std::string> names;
  std::vector<std::pair<std::int64_t, std::string>> numbered;
  for (auto const& [name, unused] : found) {
    names.push_back(name);
    if (auto const number = integer(name)) numbered.emplace_back(*number, name);
  }
  if (numbered.size() != names.size()) return names;
  std::sort(numbered.begin(), numbered.end());
  std::transform(numbered.begin(), numbered.end(), names.begin(), [](auto const& pair) { return pair.second; });
  return names;
}

}  // namespace

void number_labels(std::vector<std::string> const& rows, LabelledData& data) {
  std::map<std::string, std::int64_t> classes;
  for (auto const& label : rows) classes.emplace(label, 0);
  data.class_names = class_order(classes);
  for (std::size_t i = 0; i < data.class_names.size(); ++i) classes[data.class_names[i]] = static_cast<std::int64_t>(i);
  data.labels.reserve(rows.size());
  for (auto const& label : rows) data.labels.push_back(classes[label]);
}

LabelledData join_idx(IdxArray images, IdxIntegers const& labels, std::string const& name, IdxRule const& rule) {
  if (images.shape.size() != 3 && images.shape.size() != 4) {
    throw DataError(name + ": images must have 3 or 4 dimensions, found " + std::to_string(images.shape.size()));
  }
  if (labels.shape.size() != 1) {
    throw DataError(name + ": labels must have 1 dimension, found " + std::to_string(labels.shape.size()));
  }
  if (images.shape[0] != labels.shape[0]) {
    throw DataError(name + ": " + std::to_string(images.shape[0]) + " images but " + std::to_string(labels.shape[0]) +
                    " labels; the two files do not belong together");
  }
  LabelledData data;
  data.shape = std::move(images.shape);
  data.pixels = std::move(images.data);
  if (data.shape.size() == 3) data.shape.insert(data.shape.begin() + 1, 1);
  if (rule.transposed) transpose_planes(data.pixels, data.shape);

  data.class_names = rule.class_names;
  if (data.class_names.empty() && !labels.data.empty()) {
    auto const greatest = *std::max_element(labels.data.begin(), labels.data.end());
    if (greatest - rule.label_offset >= kMostClasses)
      throw DataError(name + ": the greatest label is " + std::to_string(greatest) + "; at most " +
                      std::to_string(kMostClasses) + " classes are read");
    for (std::int64_t label = rule.label_offset; label <= greatest; ++label)
      data.class_names.push_back(std::to_string(label));
  }
  auto const classes = static_cast<std::int64_t>(data.class_names.size());
  data.labels.reserve(labels.data.size());
  for (std::size_t i = 0; i < labels.data.size(); ++i) {
    std::int64_t const label = labels.data[i] - rule.label_offset;
    if (label < 0 || label >= classes) {
      throw DataError(name + ": the label of image " + std::to_string(i) + " is " + std::to_string(labels.data[i]) +
                      ", outside " + std::to_string(rule.label_offset) + ".." +
                      std::to_string(rule.label_offset + classes - 1));
    }
    data.labels.push_back(label);
  }
  return data;
}

LabelledData read_idx_pair(std::filesystem::path const& images, std::filesystem::path const& labels,
                           IdxRule const& rule) {
  auto const image_bytes = read_file_decompressed(images);
  auto const label_bytes = read_file_decompressed(labels);
  auto data = join_idx(parse_idx(image_bytes, images.string()), parse_idx_integers(label_bytes, labels.string()),
                       images.string() + " with " + labels.filename().string(), rule);
  Sha256 hash;
  hash.update(image_bytes);
  hash.update(label_bytes);
  data.sha256 = hash.hex();
  return data;
}

LabelledData slice_rows(LabelledData const& data, std::int64_t begin, std::int64_t end) {
  std::int64_t const count = data.count();
  if (begin < 0 || begin > end || end > count) {
    throw DataError("rows " + std::to_string(begin) + " to " + std::to_string(end) + " were asked of " +
                    std::to_string(count));
  }
  LabelledData part;
  part.shape = data.shape;
  part.shape.front() = end - begin;
  part.pixels = slice(data.pixels, begin, end, count);
  part.features = slice(data.features, begin, end, count);
  part.tokens = slice(data.tokens, begin, end, count);
  part.labels = slice(data.labels, begin, end, count);
  part.class_names = data.class_names;
  part.sha256 = data.sha256;
  return part;
}

}  // namespace mneme
