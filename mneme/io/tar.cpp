#include "mneme/io/tar.hpp"

#include <algorithm>

#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

using Bytes = std::span<std::uint8_t const>;

constexpr std::size_t kBlock = 512;

/// A field of the header, up to its first zero byte.
std::string_view text_field(Bytes header, std::size_t at, std::size_t length) {
  auto const field = as_text(header.subspan(at, length));
  return field.substr(0, std::min(field.find('\0'), length));
}

/// Octal digits, blanks around them; -1 for anything else.
std::int64_t octal_field(Bytes header, std::size_t at, std::size_t length) {
  auto text = text_field(header, at, length);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::int64_t value = text.empty() ? -1 : 0;
  for (char const c : text) {
    if (c < '0' || c > '7') return -1;
    value = value * 8 + (c - '0');
  }
  return value;
}

/// The sum of the header's bytes, its own field taken as blanks.
std::int64_t checksum(Bytes header) {
  constexpr std::size_t kAt = 148, kLength = 8;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= kAt && i < kAt + kLength ? ' ' : header[i];
  return sum;
}

std::string member_name(Bytes header) {
  auto const name = std::string(text_field(header, 0, 100));
  if (text_field(header, 257, 5) != "ustar") return name;
  auto const prefix = std::string(text_field(header, 345, 155));
  return prefix.empty() ? name : prefix + "/" + name;
}

}  // namespace

std::vector<TarMember> tar_members(Bytes bytes, std::string const& name) {
  std::vector<TarMember> members;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes.size() - at < kBlock) throw_damaged(name, at, "ends within a header of the tar archive");
    auto const header = bytes.subspan(at, kBlock);
    if (std::all_of(header.begin(), header.end(), [](auto byte) { return byte == 0; })) break;  // the end mark
    if (octal_field(header, 148, 8) != checksum(header))
      throw_damaged(name, at, "is no tar archive, or the header here is damaged: it fails its checksum");
    auto const size = octal_field(header, 124, 12);
    std::size_t const room = bytes.size() - at - kBlock;
    if (size < 0 || static_cast<std::size_t>(size) > room)
      throw_damaged(name, at, "member '" + member_name(header) + "' reaches beyond the end of the tar archive");
    auto const length = static_cast<std::size_t>(size);
    auto const kind = header[156];
    if (kind == '0' || kind == '\0') members.push_back({member_name(header), bytes.subspan(at + kBlock, length)});
    at += kBlock + std::min((length + kBlock - 1) / kBlock * kBlock, room);
  }
  return members;
}

}  // namespace mneme
