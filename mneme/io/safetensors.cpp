#include "mneme/io/safetensors.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/core/json.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

constexpr std::size_t kPrefix = 8;                     // bytes of the header's length, little-endian
constexpr std::size_t kAlignment = 8;                  // the data begin at a multiple of it
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own bound
constexpr char const* kMetadata = "__metadata__";
constexpr char const* kChecksum = "crc32";

constexpr std::array<std::pair<std::string_view, std::size_t>, 15> kDtypes{{{"F64", 8},
                                                                            {"I64", 8},
                                                                            {"U64", 8},
                                                                            {"F32", 4},
                                                                            {"I32", 4},
                                                                            {"U32", 4},
                                                                            {"F16", 2},
                                                                            {"BF16", 2},
                                                                            {"I16", 2},
                                                                            {"U16", 2},
                                                                            {"F8_E4M3", 1},
                                                                            {"F8_E5M2", 1},
                                                                            {"I8", 1},
                                                                            {"U8", 1},
                                                                            {"BOOL", 1}}};

/// Bytes that dtype and shape ask for; false when the dtype is unknown, a size negative, or the product overflows.
bool byte_size(std::string_view dtype, std::span<std::int64_t const> shape, std::size_t& bytes) {
  bytes = dtype_size(dtype);
  bool valid = bytes > 0;
  for (std::int64_t const size : shape) {
    valid = valid && size >= 0 && !__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes);
  }
  return valid;
}

/// CRC-32 of the bytes of all tensors in the order of the data, as eight hexadecimal digits.
class Checksum {
 public:
  void add(std::span<std::byte const> bytes) {
    if (bytes.empty()) return;  // zlib takes a null pointer for a new beginning
    sum_ = ::crc32_z(sum_, reinterpret_cast<Bytef const*>(bytes.data()), bytes.size());
  }
  [[nodiscard]] std::string text() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (int shift = 28; shift >= 0; shift -= 4) hex += kDigits[sum_ >> shift & 0xf];
    return hex;
  }

 private:
  uLong sum_ = 0;
};

class HeaderReader {
 public:
  HeaderReader(std::span<std::uint8_t const> bytes, std::string const& name) : name_(name) {
    if (bytes.size() < kPrefix) fail("ends within the 8 bytes that give the header's length");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < kPrefix; ++i) length |= std::uint64_t{bytes[i]} << (8 * i);
    if (length > kLongestHeader || length > bytes.size() - kPrefix) {
      fail("announces a header of " + std::to_string(length) + " bytes, the file has " + std::to_string(bytes.size()));
    }
    header_ = Json::parse(bytes.begin() + kPrefix, bytes.begin() + static_cast<std::ptrdiff_t>(kPrefix + length),
                          nullptr, false);
    if (!header_.is_object()) fail("the header is no JSON object");
    data_ = std::as_bytes(bytes.subspan(kPrefix + length));
  }

  /// Sorted by place; the tensors must cover the data without gap or overlap.
  std::vector<TensorBytes> tensors() const {
    std::vector<std::pair<std::size_t, TensorBytes>> found;
    for (auto const& [name, description] : header_.items()) {
      if (name != kMetadata) found.push_back(tensor(name, description));
    }
    // An empty tensor begins where the next one does, so sizes decide between equal beginnings.
    std::sort(found.begin(), found.end(), [](auto const& a, auto const& b) {
      return std::tuple(a.first, a.second.bytes.size(), std::string_view(a.second.name)) <
             std::tuple(b.first, b.second.bytes.size(), std::string_view(b.second.name));
    });
    std::vector<TensorBytes> tensors;
    std::size_t covered = 0;
    for (auto& [begin, tensor] : found) {
      if (begin != covered) {
        fail("tensor '" + tensor.name + "' begins at byte " + std::to_string(begin) +
             " of the data, the one before "
             "ends at " +
             std::to_string(covered));
      }
      covered += tensor.bytes.size();
      tensors.push_back(std::move(tensor));
    }
    if (covered != data_.size()) {
      fail("the tensors cover " + std::to_string(covered) + " bytes of " + std::to_string(data_.size()));
    }
    return tensors;
  }

  std::map<std::string, std::string> metadata() const {
    std::map<std::string, std::string> result;
    auto const found = header_.find(kMetadata);
    if (found == header_.end()) return result;
    if (!found->is_object()) fail("the metadata are no JSON object");
    for (auto const& [key, value] : found->items()) {
      if (!value.is_string()) fail("the metadata entry '" + key + "' is no string");
      result[key] = value.get<std::string>();
    }
    return result;
  }

 private:
  [[noreturn]] void fail(std::string const& problem) const {
    throw CheckpointError(name_ + ": damaged safetensors file: " + problem);
  }

  std::vector<std::int64_t> integers(Json const& description, char const* key, std::string const& tensor) const {
    auto const found = description.find(key);
    if (found == description.end() || !found->is_array()) fail("tensor '" + tensor + "' has no list '" + key + "'");
    std::vector<std::int64_t> values;
    for (auto const& value : *found) {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT64_MAX) {
        fail("tensor '" + tensor + "': an entry of '" + key + "' is no size");
      }
      values.push_back(value.get<std::int64_t>());
    }
    return values;
  }

  std::pair<std::size_t, TensorBytes> tensor(std::string const& name, Json const& description) const {
    if (!description.is_object()) fail("the description of tensor '" + name + "' is no JSON object");
    auto const dtype = description.find("dtype");
    if (dtype == description.end() || !dtype->is_string()) fail("tensor '" + name + "' has no dtype");
    auto const shape = integers(description, "shape", name);
    auto const offsets = integers(description, "data_offsets", name);
    if (offsets.size() != 2) fail("tensor '" + name + "' must have 2 data offsets");
    auto const begin = static_cast<std::size_t>(offsets[0]);
    auto const end = static_cast<std::size_t>(offsets[1]);
    if (begin > end || end > data_.size()) {
      fail("tensor '" + name + "' lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) +
           " of data that have " + std::to_string(data_.size()));
    }
    std::size_t expected = 0;
    if (!byte_size(dtype->get<std::string>(), shape, expected) || expected != end - begin) {
      fail("tensor '" + name + "' has " + std::to_string(end - begin) + " bytes, which do not fit dtype " +
           dtype->get<std::string>() + " and shape " + description["shape"].dump());
    }
    return {begin, {name, dtype->get<std::string>(), shape, data_.subspan(begin, end - begin)}};
  }

  std::string const& name_;
  Json header_;
  std::span<std::byte const> data_;
};

}  // namespace

std::size_t dtype_size(std::string_view dtype) {
  auto const row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](auto const& r) { return r.first == dtype; });
  return row == kDtypes.end() ? 0 : row->second;
}

std::string encode_safetensors(std::span<TensorBytes const> tensors,
                               std::map<std::string, std::string> const& metadata) {
  for (auto const& tensor : tensors) {
    std::size_t expected = 0;
    if (!byte_size(tensor.dtype, tensor.shape, expected) || expected != tensor.bytes.size()) {
      throw ConfigError("tensor '" + tensor.name + "': " + std::to_string(tensor.bytes.size()) +
                        " bytes do not fit dtype '" + tensor.dtype + "' and shape " + Json(tensor.shape).dump());
    }
  }
  std::vector<TensorBytes const*> order;
  for (std::size_t const width : {8, 4, 2, 1}) {
    for (auto const& tensor : tensors) {
      if (dtype_size(tensor.dtype) == width) order.push_back(&tensor);
    }
  }
  Json header = Json::object();
  Checksum checksum;
  for (auto const* tensor : order) checksum.add(tensor->bytes);
  header[kMetadata] = metadata;
  header[kMetadata][kChecksum] = checksum.text();
  std::set<std::string_view> names{kMetadata};
  std::size_t end = 0;
  for (auto const* tensor : order) {
    if (!names.insert(tensor->name).second) throw ConfigError("two tensors are named '" + tensor->name + "'");
    std::size_t const begin = std::exchange(end, end + tensor->bytes.size());
    header[tensor->name] = {{"dtype", tensor->dtype}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  std::string encoded;
  encoded.reserve(kPrefix + text.size() + end);
  for (std::size_t i = 0; i < kPrefix; ++i) encoded += static_cast<char>(text.size() >> (8 * i) & 0xff);
  encoded += text;
  for (auto const* tensor : order) {
    encoded.append(reinterpret_cast<char const*>(tensor->bytes.data()), tensor->bytes.size());
  }
  return encoded;
}

void write_safetensors(std::filesystem::path const& path, std::span<TensorBytes const> tensors,
                       std::map<std::string, std::string> const& metadata) {
  write_file(path, encode_safetensors(tensors, metadata));
}

SafetensorsFile SafetensorsFile::read(std::filesystem::path const& path) {
  try {
    return parse(read_file(path), path.string());
  } catch (DataError const& error) {
    throw CheckpointError(error.what());
  }
}

SafetensorsFile SafetensorsFile::parse(std::vector<std::uint8_t> bytes, std::string const& name) {
  SafetensorsFile file;
  file.bytes_ = std::move(bytes);
  HeaderReader const reader(file.bytes_, name);
  file.tensors_ = reader.tensors();
  file.metadata_ = reader.metadata();
  if (auto const stored = file.metadata_.find(kChecksum); stored != file.metadata_.end()) {
    Checksum found;
    for (auto const& tensor : file.tensors_) found.add(tensor.bytes);
    if (found.text() != stored->second)
      throw CheckpointError(name + ": damaged safetensors file: the tensors' checksum is " + found.text() +
                            ", the file says " + stored->second);
  }
  return file;
}

TensorBytes const* SafetensorsFile::find(std::string_view name) const {
  auto const found = std::find_if(tensors_.begin(), tensors_.end(), [&](auto const& t) { return t.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

}  // namespace mneme
