// io: readers and writers of file formats: idx, CSV, images, safetensors, gzip, zip, hashes. No torch here.
//
// Whole files in memory, gzip or not. Readers of damaged input throw DataError that names the file and the offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

/// No reader allocates more than this for one file: a damaged or hostile header must not exhaust the memory.
inline constexpr std::size_t kLargestFile = std::size_t{4} << 30;

/// Throws DataError "<name>, byte <offset>: <problem>".
[[noreturn]] void throw_damaged(std::string_view name, std::size_t offset, std::string_view problem);

/// The file as it is. DataError when it is missing, unreadable or no regular file.
std::vector<std::uint8_t> read_file(std::filesystem::path const& path);

/// The file, inflated when it begins with gzip's magic bytes and as it is otherwise.
/// DataError when it is missing, truncated, fails its checksum, or would inflate to more than `limit` bytes.
std::vector<std::uint8_t> read_file_decompressed(std::filesystem::path const& path, std::size_t limit = kLargestFile);

bool is_gzip(std::span<std::uint8_t const> bytes);

/// All members of a gzip stream, one after the other. `name` is for messages.
std::vector<std::uint8_t> gunzip(std::span<std::uint8_t const> bytes, std::string const& name,
                                 std::size_t limit = kLargestFile);

/// A raw deflate stream of exactly `size` bytes, as zip archives hold them.
std::vector<std::uint8_t> inflate_raw(std::span<std::uint8_t const> bytes, std::size_t size, std::string const& name);

/// One zlib stream of at most `limit` bytes; nothing may follow it.
std::vector<std::uint8_t> inflate_zlib(std::span<std::uint8_t const> bytes, std::string const& name,
                                       std::size_t limit = kLargestFile);

std::span<std::uint8_t const> as_bytes(std::string_view text);
std::string_view as_text(std::span<std::uint8_t const> bytes);

}  // namespace mneme
