#include "mneme/io/bytes.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr int kRawDeflate = -15;
constexpr int kZlib = 15;
constexpr int kGzipOnly = 15 + 16;

/// zlib's stream with its life bound to the scope.
class Inflater {
 public:
  explicit Inflater(int window_bits) {
    if (inflateInit2(&stream, window_bits) != Z_OK) throw Error("zlib cannot be started: " + last_message());
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;

  [[nodiscard]] std::string last_message() const { return stream.msg ? stream.msg : "no further detail"; }

  z_stream stream{};
};

/// Inflates one deflate stream or gzip member from bytes[position...] onto `out`; gives the position behind it.
std::size_t inflate_one(Inflater& inflater, std::span<std::uint8_t const> bytes, std::size_t position,
                        std::vector<std::uint8_t>& out, std::size_t limit, std::string const& name) {
  constexpr std::size_t kStep = std::size_t{1} << 30;  // zlib counts in unsigned int
  z_stream& stream = inflater.stream;
  std::size_t used = out.size();
  for (int code = Z_OK; code != Z_STREAM_END;) {
    if (used == out.size()) out.resize(std::min(limit + 1, std::max<std::size_t>(2 * used, 1 << 16)));
    std::size_t const available = std::min(bytes.size() - position, kStep);
    std::size_t const room = std::min(out.size() - used, kStep);
    stream.next_in = const_cast<Bytef*>(bytes.data() + position);  // zlib's interface predates const
    stream.avail_in = static_cast<uInt>(available);
    stream.next_out = out.data() + used;
    stream.avail_out = static_cast<uInt>(room);
    code = inflate(&stream, Z_NO_FLUSH);
    position += available - stream.avail_in;
    used += room - stream.avail_out;
    if (used > limit) {
      throw_damaged(name, position, "inflates to more than the " + std::to_string(limit) + " bytes allowed");
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && position == bytes.size() && stream.avail_out > 0)) {
      throw_damaged(name, position, "the compressed data end too early; the file is truncated");
    }
    if (code != Z_OK && code != Z_STREAM_END) {
      throw_damaged(name, position, "the compressed data are damaged (" + inflater.last_message() + ")");
    }
  }
  out.resize(used);
  return position;
}

}  // namespace

void throw_damaged(std::string_view name, std::size_t offset, std::string_view problem) {
  throw DataError(std::string(name) + ", byte " + std::to_string(offset) + ": " + std::string(problem));
}

std::vector<std::uint8_t> read_file(std::filesystem::path const& path) {
  std::error_code error;
  auto const status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw DataError(path.string() + ": no such file");
  if (!std::filesystem::is_regular_file(status)) throw DataError(path.string() + ": is not a regular file");
  std::uintmax_t const size = std::filesystem::file_size(path, error);
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) throw DataError(path.string() + ": cannot be opened: " + std::strerror(errno));
  if (size > kLargestFile) {
    throw DataError(path.string() + ": has " + std::to_string(size) + " bytes, more than the " +
                    std::to_string(kLargestFile) + " that are read at once");
  }
  std::vector<std::uint8_t> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(stream.gcount()) != size) {
    throw_damaged(path.string(), static_cast<std::size_t>(stream.gcount()), "reading stopped before the end");
  }
  return bytes;
}

std::vector<std::uint8_t> read_file_decompressed(std::filesystem::path const& path, std::size_t limit) {
  auto bytes = read_file(path);
  return is_gzip(bytes) ? gunzip(bytes, path.string(), limit) : bytes;
}

bool is_gzip(std::span<std::uint8_t const> bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

std::vector<std::uint8_t> gunzip(std::span<std::uint8_t const> bytes, std::string const& name, std::size_t limit) {
  std::vector<std::uint8_t> out;
  Inflater inflater(kGzipOnly);
  std::size_t position = 0;
  do {
    inflateReset(&inflater.stream);
    position = inflate_one(inflater, bytes, position, out, limit, name);
  } while (position < bytes.size());
  return out;
}

std::vector<std::uint8_t> inflate_raw(std::span<std::uint8_t const> bytes, std::size_t size, std::string const& name) {
  std::vector<std::uint8_t> out;
  Inflater inflater(kRawDeflate);
  std::size_t const end = inflate_one(inflater, bytes, 0, out, size, name);
  if (out.size() != size || end != bytes.size()) {
    throw_damaged(name, end,
                  "inflates to " + std::to_string(out.size()) + " bytes, " + std::to_string(size) + " were announced");
  }
  return out;
}

std::vector<std::uint8_t> inflate_zlib(std::span<std::uint8_t const> bytes, std::string const& name,
                                       std::size_t limit) {
  std::vector<std::uint8_t> out;
  Inflater inflater(kZlib);
  std::size_t const end = inflate_one(inflater, bytes, 0, out, limit, name);
  if (end != bytes.size()) throw_damaged(name, end, "bytes follow the end of the compressed data");
  return out;
}

std::span<std::uint8_t const> as_bytes(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

std::string_view as_text(std::span<std::uint8_t const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace mneme
