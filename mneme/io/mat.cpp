#include "mneme/io/mat.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

using Bytes = std::span<std::uint8_t const>;

constexpr std::size_t kHeader = 128;
constexpr std::size_t kVersionAt = 124, kOrderAt = 126;
constexpr std::size_t kTag = 8, kAlignment = 8;
constexpr std::uint32_t kMatrix = 14, kCompressed = 15;
constexpr std::uint32_t kFirstNumericClass = 6, kLastNumericClass = 15;  // double, single, int8 ... uint64
constexpr std::uint32_t kComplexFlag = 0x0800;

/// Bytes of an element; 0 for what are no numbers.
std::size_t width_of(std::uint32_t type) {
  switch (static_cast<MatType>(type)) {
    case MatType::kInt8:
    case MatType::kUint8:
      return 1;
    case MatType::kInt16:
    case MatType::kUint16:
      return 2;
    case MatType::kInt32:
    case MatType::kUint32:
    case MatType::kSingle:
      return 4;
    case MatType::kDouble:
    case MatType::kInt64:
    case MatType::kUint64:
      return 8;
  }
  return 0;
}

/// One data element: what its tag says, and its content.
struct Element {
  std::uint32_t type;
  std::size_t offset;  // of the tag within the bytes read from
  Bytes content;
};

/// Cuts bytes into data elements.
class ElementReader {
 public:
  /// `name` says in messages what the offsets are counted from.
  ElementReader(Bytes bytes, std::string name, bool swapped, std::size_t position = 0)
      : bytes_(bytes), name_(std::move(name)), swapped_(swapped), position_(position) {}

  [[nodiscard]] bool at_end() const { return position_ == bytes_.size(); }
  [[nodiscard]] std::string const& name() const { return name_; }
  [[nodiscard]] bool swapped() const { return swapped_; }

  Element next() {
    std::size_t const start = position_;
    if (bytes_.size() - start < kTag) throw_damaged(name_, start, "ends within the tag of a data element");
    std::uint32_t const first = word(bytes_.subspan(start));
    std::size_t const small = first >> 16;  // up to 4 bytes of content stand within the tag itself
    if (small > 4) throw_damaged(name_, start, "a small data element announces " + std::to_string(small) + " bytes");
    if (small > 0) {
      position_ = start + kTag;
      return {first & 0xffff, start, bytes_.subspan(start + 4, small)};
    }
    std::size_t const size = word(bytes_.subspan(start + 4)), room = bytes_.size() - start - kTag;
    if (size > room) {
      throw_damaged(name_, start,
                    "a data element announces " + std::to_string(size) + " bytes, " + std::to_string(room) +
                        " are left; the file is truncated or damaged");
    }
    // Compressed elements are not padded, and writers leave out the padding at the very end.
    std::size_t const padded = first == kCompressed ? size : (size + kAlignment - 1) / kAlignment * kAlignment;
    position_ = start + kTag + std::min(padded, room);
    return {first, start, bytes_.subspan(start + kTag, size)};
  }

  std::uint32_t word(Bytes from) const {
    std::uint32_t value = 0;
    std::memcpy(&value, from.data(), sizeof value);
    return swapped_ ? __builtin_bswap32(value) : value;
  }

 private:
  Bytes bytes_;
  std::string name_;
  bool swapped_;
  std::size_t position_;
};

std::vector<std::int64_t> read_shape(Element const& element, ElementReader const& in) {
  std::vector<std::int64_t> shape;
  for (std::size_t i = 0; i + 4 <= element.content.size(); i += 4) {
    auto const extent = static_cast<std::int32_t>(in.word(element.content.subspan(i)));
    if (extent < 0) throw_damaged(in.name(), element.offset, "an array has the extent " + std::to_string(extent));
    shape.push_back(extent);
  }
  if (shape.size() < 2) throw_damaged(in.name(), element.offset, "an array has fewer than two extents");
  return shape;
}

/// Elements in this machine's order of bytes.
std::vector<std::uint8_t> in_own_order(Bytes content, std::size_t width, bool swapped) {
  std::vector<std::uint8_t> data(content.begin(), content.end());
  if (swapped && width > 1) {
    for (auto at = data.begin(); at != data.end(); at += static_cast<std::ptrdiff_t>(width))
      std::reverse(at, at + static_cast<std::ptrdiff_t>(width));
  }
  return data;
}

/// The array that a matrix element holds; nullopt where it is none of real numbers.
std::optional<MatArray> read_matrix(ElementReader in) {
  auto const flags = in.next();
  if (flags.type != static_cast<std::uint32_t>(MatType::kUint32) || flags.content.size() != 8)
    throw_damaged(in.name(), flags.offset, "an array does not begin with its flags");
  std::uint32_t const word = in.word(flags.content), kind = word & 0xff;
  if (kind < kFirstNumericClass || kind > kLastNumericClass || (word & kComplexFlag) != 0) return std::nullopt;
  MatArray array;
  auto const shape = in.next();
  if (shape.type != static_cast<std::uint32_t>(MatType::kInt32))
    throw_damaged(in.name(), shape.offset, "an array's extents are no 32-bit integers");
  array.shape = read_shape(shape, in);
  array.name = as_text(in.next().content);
  auto const values = in.next();
  std::size_t const width = width_of(values.type);
  if (width == 0)
    throw_damaged(
        in.name(), values.offset,
        "array '" + array.name + "' holds data of type " + std::to_string(values.type) + ", which are no numbers");
  std::size_t expected = width;
  for (auto const extent : array.shape) {
    if (__builtin_mul_overflow(expected, static_cast<std::size_t>(extent), &expected))
      throw_damaged(in.name(), shape.offset, "array '" + array.name + "' has more elements than can be counted");
  }
  if (expected != values.content.size())
    throw_damaged(in.name(), values.offset,
                  "array '" + array.name + "' should have " + std::to_string(expected) + " bytes, found " +
                      std::to_string(values.content.size()));
  array.type = static_cast<MatType>(values.type);
  array.data = in_own_order(values.content, width, in.swapped());
  return array;
}

/// True where numbers of the file stand in the other order of bytes than this machine's. DataError on another format.
bool check_header(Bytes bytes, std::string const& file) {
  constexpr std::string_view kHdf5 = "\x89HDF";
  constexpr std::string_view kNewer = "MATLAB 7.3";
  if (as_text(bytes).starts_with(kHdf5) || as_text(bytes).starts_with(kNewer))
    throw_damaged(file, 0, "is a MAT-file of version 7.3 (HDF5), which is not read; save it with the option -v7");
  if (bytes.size() < kHeader) throw_damaged(file, bytes.size(), "ends within the header of 128 bytes of a MAT-file");
  auto const order = as_text(bytes.subspan(kOrderAt, 2));
  if (order != "IM" && order != "MI")
    throw_damaged(file, kOrderAt, "is no MAT-file of level 5: the mark of the byte order, IM or MI, is missing");
  bool const little = order == "IM";
  auto const major = bytes[little ? kVersionAt + 1 : kVersionAt];
  if (major != 1) throw_damaged(file, kVersionAt, "is a MAT-file of version " + std::to_string(major) + "; 1 is read");
  return little != (std::endian::native == std::endian::little);
}

template <class T>
std::vector<double> as_doubles(std::vector<std::uint8_t> const& data) {
  std::vector<double> numbers(data.size() / sizeof(T));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    numbers[i] = static_cast<double>(value);
  }
  return numbers;
}

}  // namespace

std::vector<double> MatArray::numbers() const {
  switch (type) {
    case MatType::kInt8:
      return as_doubles<std::int8_t>(data);
    case MatType::kUint8:
      return as_doubles<std::uint8_t>(data);
    case MatType::kInt16:
      return as_doubles<std::int16_t>(data);
    case MatType::kUint16:
      return as_doubles<std::uint16_t>(data);
    case MatType::kInt32:
      return as_doubles<std::int32_t>(data);
    case MatType::kUint32:
      return as_doubles<std::uint32_t>(data);
    case MatType::kSingle:
      return as_doubles<float>(data);
    case MatType::kDouble:
      return as_doubles<double>(data);
    case MatType::kInt64:
      return as_doubles<std::int64_t>(data);
    case MatType::kUint64:
      return as_doubles<std::uint64_t>(data);
  }
  return {};
}

std::vector<MatArray> parse_mat(Bytes bytes, std::string const& file) {
  bool const swapped = check_header(bytes, file);
  std::vector<MatArray> arrays;
  ElementReader in(bytes, file, swapped, kHeader);
  std::size_t inflated = 0;
  while (!in.at_end()) {
    auto const element = in.next();
    std::string const within = file + ", variable at byte " + std::to_string(element.offset);
    std::optional<MatArray> array;
    if (element.type == kMatrix) {
      array = read_matrix({element.content, within, swapped});
    } else if (element.type == kCompressed) {
      auto const content = inflate_zlib(element.content, within, kLargestFile - inflated);
      inflated += content.size();
      auto const matrix = ElementReader(content, within, swapped).next();
      if (matrix.type == kMatrix) array = read_matrix({matrix.content, within, swapped});
    }
    if (!array) continue;
    array->offset = element.offset;
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

MatArray const& find_array(std::vector<MatArray> const& arrays, std::string_view name, std::string const& file) {
  auto const found = std::find_if(arrays.begin(), arrays.end(), [&](auto const& array) { return array.name == name; });
  if (found != arrays.end()) return *found;
  std::vector<std::string> names;
  for (auto const& array : arrays) names.push_back(array.name);
  throw DataError(file + ": has no array '" + std::string(name) +
                  "' of real numbers; arrays: " + (names.empty() ? "none" : join(names)));
}

}  // namespace mneme
