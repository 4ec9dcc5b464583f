#include "mneme/io/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint32_t kDirectoryMark = 0x02014b50;
constexpr std::uint32_t kLocalMark = 0x04034b50;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kDirectorySize = 46;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncryptedFlag = 1;

template <class Integer>
Integer little_endian(Bytes const& bytes, std::size_t offset) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value = static_cast<Integer>(value | static_cast<Integer>(bytes[offset + i]) << (8 * i));
  }
  return value;
}

auto const le16 = little_endian<std::uint16_t>;
auto const le32 = little_endian<std::uint32_t>;

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

ZipReader::ZipReader(std::istream& stream, std::string name) : stream_(stream), name_(std::move(name)) {
  stream_.seekg(0, std::ios::end);
  size_ = static_cast<std::uint64_t>(std::max<std::streamoff>(0, stream_.tellg()));

  // The end record stands before a comment of unknown length: look for its mark from behind.
  std::uint64_t const tail = std::min<std::uint64_t>(size_, kEndSize + kLongestComment);
  Bytes const end = bytes_at(size_ - tail, tail);
  std::ptrdiff_t at = static_cast<std::ptrdiff_t>(tail) - static_cast<std::ptrdiff_t>(kEndSize);
  while (at >= 0 && le32(end, static_cast<std::size_t>(at)) != kEndMark) --at;
  if (at < 0) throw_damaged(name_, size_, "is no complete zip archive: the end record is missing");
  auto const record = static_cast<std::size_t>(at);
  std::size_t const count = le16(end, record + 10);
  std::uint64_t const directory_size = le32(end, record + 12);
  std::uint64_t const directory_at = le32(end, record + 16);

  Bytes const directory = bytes_at(directory_at, directory_size);
  std::size_t position = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (directory.size() - position < kDirectorySize || le32(directory, position) != kDirectoryMark) {
      throw_damaged(name_, directory_at + position, "the directory of the zip archive is damaged");
    }
    std::size_t const name_length = le16(directory, position + 28);
    std::size_t const length =
        kDirectorySize + name_length + le16(directory, position + 30) + le16(directory, position + 32);
    if (directory.size() - position < length) {
      throw_damaged(name_, directory_at + position, "an entry of the zip archive's directory is cut off");
    }
    auto const name_begin = directory.begin() + static_cast<std::ptrdiff_t>(position + kDirectorySize);
    ZipMember member;
    member.name.assign(name_begin, name_begin + static_cast<std::ptrdiff_t>(name_length));
    if (le16(directory, position + 8) & kEncryptedFlag) {
      throw_damaged(name_, directory_at + position, "member '" + member.name + "' is encrypted");
    }
    member.method = le16(directory, position + 10);
    member.crc32 = le32(directory, position + 16);
    member.packed_size = le32(directory, position + 20);
    member.size = le32(directory, position + 24);
    member.offset = le32(directory, position + 42);
    members_.push_back(std::move(member));
    position += length;
  }
}

ZipMember const& ZipReader::find(std::string_view name) const {
  ZipMember const* found = nullptr;
  for (auto const& member : members_) {
    if (member.name == name) return member;
    if (last_part(member.name) != name) continue;
    if (found) throw DataError(name_ + ": several members are called '" + std::string(name) + "'; give the folder too");
    found = &member;
  }
  if (!found) throw DataError(name_ + ": has no member '" + std::string(name) + "'");
  return *found;
}

Bytes ZipReader::read(ZipMember const& member, std::uint64_t limit) const {
  if (member.size > limit) {
    throw_damaged(name_, member.offset,
                  "member '" + member.name + "' announces " + std::to_string(member.size) + " bytes, at most " +
                      std::to_string(limit) + " were expected");
  }
  Bytes const local = bytes_at(member.offset, kLocalSize);
  if (le32(local, 0) != kLocalMark) throw_damaged(name_, member.offset, "no member begins here");
  Bytes packed = bytes_at(member.offset + kLocalSize + le16(local, 26) + le16(local, 28), member.packed_size);
  if (member.method != kStored && member.method != kDeflated) {
    throw_damaged(name_, member.offset,
                  "member '" + member.name + "' is packed by method " + std::to_string(member.method) +
                      "; only stored and deflated are read");
  }
  Bytes bytes = member.method == kStored ? std::move(packed) : inflate_raw(packed, member.size, name_);
  if (bytes.size() != member.size || crc32_z(0, bytes.data(), bytes.size()) != member.crc32) {
    throw_damaged(name_, member.offset, "member '" + member.name + "' fails its checksum");
  }
  return bytes;
}

Bytes ZipReader::bytes_at(std::uint64_t offset, std::uint64_t count) const {
  if (offset > size_ || count > size_ - offset) {
    throw_damaged(name_, offset, "the zip archive refers to " + std::to_string(count) + " bytes here, beyond its end");
  }
  Bytes bytes(count);
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(offset));
  stream_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count));
  if (static_cast<std::uint64_t>(stream_.gcount()) != count) throw_damaged(name_, offset, "cannot be read");
  return bytes;
}

}  // namespace mneme
