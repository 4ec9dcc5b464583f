// safetensors: named tensors as plain bytes behind a JSON header; it cannot run code. Checkpoints and exports use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct TensorBytes {
  std::string name;
  std::string dtype;                 // F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I64 I32 I16 I8 U64 U32 U16 U8 BOOL
  std::vector<std::int64_t> shape;   // empty for a scalar
  std::span<std::byte const> bytes;  // little-endian, row-major; may be unaligned when the writer was a foreign one
};

/// Bytes of one element, 0 for an unknown dtype.
std::size_t dtype_size(std::string_view dtype);

/// The file as bytes. Tensors stand by falling element size, so that each is aligned to it; their CRC-32 is among the
/// metadata, under "crc32". ConfigError when a name occurs twice, a dtype is unknown, or bytes do not fit dtype and
/// shape.
std::string encode_safetensors(std::span<TensorBytes const> tensors,
                               std::map<std::string, std::string> const& metadata = {});

/// Temporary name, sync, rename. IoError when it cannot be written.
void write_safetensors(std::filesystem::path const& path, std::span<TensorBytes const> tensors,
                       std::map<std::string, std::string> const& metadata = {});

/// A file read and fully validated; owns the bytes that its tensors point into, so it can be moved but not copied.
class SafetensorsFile {
 public:
  /// CheckpointError (file and what is wrong) when it is missing or damaged: header bounds, JSON, offsets, sizes, and
  /// the checksum where the file has one.
  static SafetensorsFile read(std::filesystem::path const& path);
  static SafetensorsFile parse(std::vector<std::uint8_t> bytes, std::string const& name);

  SafetensorsFile(SafetensorsFile&&) = default;
  SafetensorsFile& operator=(SafetensorsFile&&) = default;
  SafetensorsFile(SafetensorsFile const&) = delete;
  SafetensorsFile& operator=(SafetensorsFile const&) = delete;

  /// In the order of the data.
  [[nodiscard]] std::vector<TensorBytes> const& tensors() const { return tensors_; }
  /// nullptr when there is none of that name.
  [[nodiscard]] TensorBytes const* find(std::string_view name) const;
  [[nodiscard]] std::map<std::string, std::string> const& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;
  std::vector<std::uint8_t> bytes_;
  std::vector<TensorBytes> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace mneme
