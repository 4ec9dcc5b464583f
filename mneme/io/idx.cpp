#include "mneme/io/idx.hpp"

#include <utility>

#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08, kSignedByte = 0x09, kShort = 0x0b, kInteger = 0x0c;

std::int64_t big_endian_32(std::span<std::uint8_t const> bytes, std::size_t offset) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[offset + i];
  return value;
}

/// Bytes of one element; 0 for a type that holds no whole numbers.
std::size_t width_of(std::uint8_t type) {
  switch (type) {
    case kUnsignedByte:
    case kSignedByte:
      return 1;
    case kShort:
      return 2;
    case kInteger:
      return 4;
    default:
      return 0;
  }
}

struct Header {
  std::uint8_t type;
  std::size_t width;  // bytes of an element, at least 1
  std::vector<std::int64_t> shape;
  std::span<std::uint8_t const> elements;  // their bytes
  std::size_t count = 1;                   // of elements
};

/// A header whose sizes fit the file. `only_bytes`: no other type than unsigned bytes.
Header parse_header(std::span<std::uint8_t const> bytes, std::string const& name, bool only_bytes) {
  if (bytes.size() < 4) throw_damaged(name, bytes.size(), "ends within the 4 magic bytes of an idx file");
  if (bytes[0] != 0 || bytes[1] != 0) throw_damaged(name, 0, "is no idx file: the first two bytes are not zero");
  std::size_t const width = width_of(bytes[2]);
  if (only_bytes ? bytes[2] != kUnsignedByte : width == 0) {
    throw_damaged(name, 2,
                  "has idx element type " + std::to_string(bytes[2]) + "; only " +
                      (only_bytes ? "unsigned bytes (8)" : "integers of 8, 16 and 32 bits (8, 9, 11, 12)") +
                      " are read");
  }
  std::size_t const dimensions = bytes[3];
  std::size_t const header = 4 + 4 * dimensions;
  if (dimensions == 0) throw_damaged(name, 3, "announces no dimensions");
  if (bytes.size() < header)
    throw_damaged(name, bytes.size(), "ends within the idx header of " + std::to_string(header) + " bytes");
  Header result{.type = bytes[2], .width = width, .shape = {}, .elements = bytes.subspan(header)};
  auto& elements = result.count;
  std::size_t size = 0;
  for (std::size_t i = 0; i < dimensions; ++i) {
    std::int64_t const extent = big_endian_32(bytes, 4 + 4 * i);
    if (__builtin_mul_overflow(elements, static_cast<std::size_t>(extent), &elements) ||
        __builtin_mul_overflow(elements, width, &size)) {
      throw_damaged(name, 4 + 4 * i, "announces more elements than can be counted");
    }
    result.shape.push_back(extent);
  }
  std::size_t const found = result.elements.size();
  if (found < size) {
    throw_damaged(
        name, bytes.size(),
        "is short: " + std::to_string(elements) + " elements announced, " + std::to_string(found / width) + " found");
  }
  if (found > size) {
    throw_damaged(name, header + size, std::to_string(found - size) + " bytes follow the last element");
  }
  return result;
}

std::int64_t integer_at(Header const& header, std::size_t index) {
  auto const bytes = header.elements.subspan(index * header.width, header.width);
  std::uint32_t value = 0;
  for (auto const byte : bytes) value = value << 8 | byte;
  if (header.type == kUnsignedByte) return value;
  std::int64_t const sign = 0x80LL << (8 * (header.width - 1));
  return (std::int64_t{value} ^ sign) - sign;
}

}  // namespace

IdxArray parse_idx(std::span<std::uint8_t const> bytes, std::string const& name) {
  auto header = parse_header(bytes, name, true);
  return {std::move(header.shape), {header.elements.begin(), header.elements.end()}};
}

IdxArray read_idx(std::filesystem::path const& path) { return parse_idx(read_file_decompressed(path), path.string()); }

IdxIntegers parse_idx_integers(std::span<std::uint8_t const> bytes, std::string const& name) {
  auto header = parse_header(bytes, name, false);
  IdxIntegers array{std::move(header.shape), std::vector<std::int64_t>(header.count)};
  for (std::size_t i = 0; i < array.data.size(); ++i) array.data[i] = integer_at(header, i);
  return array;
}

}  // namespace mneme
