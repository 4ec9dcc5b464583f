// Members of a zip archive, read without loading the archive (EMNIST is published as one of 561 MB).
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct ZipMember {
  std::string name;  // with its folders, '/' between
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  std::uint16_t method = 0;  // 0 stored, 8 deflated
  std::uint64_t offset = 0;  // of the local header
};

/// Stored and deflated members; no encryption, no zip64, no multi-part archives. Borrows the stream.
class ZipReader {
 public:
  /// `name` is for messages. DataError when the stream is no zip archive or its directory is damaged.
  ZipReader(std::istream& stream, std::string name);

  [[nodiscard]] std::string const& name() const { return name_; }
  [[nodiscard]] std::vector<ZipMember> const& members() const { return members_; }
  /// By the full name or, where that is unique, by the part after the last '/'. DataError when there is none.
  [[nodiscard]] ZipMember const& find(std::string_view name) const;
  /// Inflated and checked against its CRC. DataError on damage or when it is larger than `limit` bytes.
  [[nodiscard]] std::vector<std::uint8_t> read(ZipMember const& member, std::uint64_t limit) const;

 private:
  [[nodiscard]] std::vector<std::uint8_t> bytes_at(std::uint64_t offset, std::uint64_t count) const;

  std::istream& stream_;
  std::string name_;
  std::uint64_t size_ = 0;
  std::vector<ZipMember> members_;
};

}  // namespace mneme
