#include "mneme/io/idx.hpp"

#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;

std::int64_t big_endian_32(std::span<std::uint8_t const> bytes, std::size_t offset) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[offset + i];
  return value;
}

}  // namespace

IdxArray parse_idx(std::span<std::uint8_t const> bytes, std::string const& name) {
  if (bytes.size() < 4) throw_damaged(name, bytes.size(), "ends within the 4 magic bytes of an idx file");
  if (bytes[0] != 0 || bytes[1] != 0) throw_damaged(name, 0, "is no idx file: the first two bytes are not zero");
  if (bytes[2] != kUnsignedByte) {
    throw_damaged(name, 2, "has idx element type " + std::to_string(bytes[2]) + "; only unsigned bytes (8) are read");
  }
  std::size_t const dimensions = bytes[3];
  std::size_t const header = 4 + 4 * dimensions;
  if (dimensions == 0) throw_damaged(name, 3, "announces no dimensions");
  if (bytes.size() < header)
    throw_damaged(name, bytes.size(), "ends within the idx header of " + std::to_string(header) + " bytes");
  IdxArray array;
  std::size_t elements = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    std::int64_t const size = big_endian_32(bytes, 4 + 4 * i);
    if (__builtin_mul_overflow(elements, static_cast<std::size_t>(size), &elements)) {
      throw_damaged(name, 4 + 4 * i, "announces more elements than can be counted");
    }
    array.shape.push_back(size);
  }
  std::size_t const found = bytes.size() - header;
  if (found < elements) {
    throw_damaged(name, bytes.size(),
                  "is short: " + std::to_string(elements) + " elements announced, " + std::to_string(found) + " found");
  }
  if (found > elements) {
    throw_damaged(name, header + elements, std::to_string(found - elements) + " bytes follow the last element");
  }
  array.data.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return array;
}

IdxArray read_idx(std::filesystem::path const& path) { return parse_idx(read_file_decompressed(path), path.string()); }

}  // namespace mneme
