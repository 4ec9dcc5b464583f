// Small files made by hand for the tests of io and data: idx, gzip, zip, tar.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mneme::test {

inline std::string big_endian_32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

inline std::string make_idx(std::vector<std::uint32_t> const& shape, std::string_view data) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (auto const size : shape) bytes += big_endian_32(size);
  return bytes.append(data);
}

/// `window_bits` as zlib means it: 15 + 16 for gzip, -15 for a raw stream.
inline std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string gzipped(std::string_view text) { return deflated(text, 15 + 16); }

struct ZipPart {
  std::string name;
  std::string content;
  bool deflate = true;
};

inline std::string make_zip(std::vector<ZipPart> const& parts) {
  std::string bytes, directory;
  for (auto const& part : parts) {
    std::string const packed = part.deflate ? deflated(part.content, -15) : part.content;
    auto const crc = crc32(0, reinterpret_cast<Bytef const*>(part.content.data()), uInt(part.content.size()));
    std::string const common = little_endian(0, 2) + little_endian(part.deflate ? 8 : 0, 2) + little_endian(0, 4) +
                               little_endian(crc, 4) + little_endian(packed.size(), 4) +
                               little_endian(part.content.size(), 4) + little_endian(part.name.size(), 2) +
                               little_endian(0, 2);
    directory += little_endian(0x02014b50, 4) + little_endian(20, 2) + little_endian(20, 2) + common +
                 std::string(10, '\0') + little_endian(bytes.size(), 4) + part.name;
    bytes += little_endian(0x04034b50, 4) + little_endian(20, 2) + common + part.name + packed;
  }
  std::string const end = little_endian(0x06054b50, 4) + little_endian(0, 4) + little_endian(parts.size(), 2) +
                          little_endian(parts.size(), 2) + little_endian(directory.size(), 4) +
                          little_endian(bytes.size(), 4) + little_endian(0, 2);
  return bytes + directory + end;
}

struct TarPart {
  std::string name, content;
  char kind = '0';
};

/// ustar; every part padded to blocks, two empty blocks at the end.
inline std::string make_tar(std::vector<TarPart> const& parts) {
  auto const octal = [](std::size_t value, int digits) {
    std::string text;
    for (int i = digits - 1; i >= 0; --i) text += static_cast<char>('0' + (value >> (3 * i) & 7));
    return text;
  };
  std::string bytes;
  for (auto const& part : parts) {
    std::string header(512, '\0');
    header.replace(0, part.name.size(), part.name);
    header.replace(124, 11, octal(part.content.size(), 11));
    header.replace(148, 8, std::string(8, ' '));
    header[156] = part.kind;
    header.replace(257, 5, "ustar");
    std::size_t sum = 0;
    for (char const c : header) sum += static_cast<unsigned char>(c);
    header.replace(148, 7, octal(sum, 6) + '\0');
    bytes += header + part.content + std::string((512 - part.content.size() % 512) % 512, '\0');
  }
  return bytes + std::string(1024, '\0');
}

}  // namespace mneme::test
