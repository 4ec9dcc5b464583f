#include "mneme/io/tensor_data.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "mneme/core/errors.hpp"
#include "mneme/core/json.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/safetensors.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kMostClasses = 65536;

[[noreturn]] void fail(std::string const& name, TensorBytes const& tensor, std::string const& problem) {
  throw DataError(name + ", tensor '" + tensor.name + "': " + problem);
}

template <class T>
T element(TensorBytes const& tensor, std::size_t index) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// IEEE half precision: a sign, 5 bits of exponent, 10 of fraction.
float half(std::uint16_t bits) {
  constexpr int kFraction = 10, kExponentBias = 15;
  int const exponent = bits >> kFraction & 0x1f, fraction = bits & 0x3ff;
  float const sign = bits >> 15 ? -1.0F : 1.0F;
  if (exponent == 0x1f) return sign * (fraction ? NAN : INFINITY);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), 1 - kExponentBias - kFraction);
  return sign * std::ldexp(static_cast<float>(fraction + (1 << kFraction)), exponent - kExponentBias - kFraction);
}

std::size_t count_of(TensorBytes const& tensor) { return tensor.bytes.size() / dtype_size(tensor.dtype); }

std::vector<std::int64_t> integers(TensorBytes const& tensor, std::string const& name) {
  std::vector<std::int64_t> values(count_of(tensor));
  auto const read = [&](auto sample) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<std::int64_t>(element<decltype(sample)>(tensor, i));
  };
  if (tensor.dtype == "I64" || tensor.dtype == "U64")
    read(std::int64_t{});
  else if (tensor.dtype == "I32")
    read(std::int32_t{});
  else if (tensor.dtype == "U32")
    read(std::uint32_t{});
  else if (tensor.dtype == "I16")
    read(std::int16_t{});
  else if (tensor.dtype == "U16")
    read(std::uint16_t{});
  else if (tensor.dtype == "I8" || tensor.dtype == "U8" || tensor.dtype == "BOOL")
    read(std::uint8_t{});
  else
    fail(name, tensor, "is " + tensor.dtype + "; integers are expected");
  if (tensor.dtype == "I8")
    for (auto& value : values) value -= value > INT8_MAX ? UINT8_MAX + 1 : 0;
  return values;
}

std::vector<float> floats(TensorBytes const& tensor, std::string const& name) {
  std::vector<float> values(count_of(tensor));
  std::size_t const row = values.size() / std::max<std::size_t>(1, static_cast<std::size_t>(tensor.shape.front()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (tensor.dtype == "F32")
      values[i] = element<float>(tensor, i);
    else if (tensor.dtype == "F64")
      values[i] = static_cast<float>(element<double>(tensor, i));
    else if (tensor.dtype == "F16")
      values[i] = half(element<std::uint16_t>(tensor, i));
    else
      values[i] = from_bits(std::uint32_t{element<std::uint16_t>(tensor, i)} << 16);  // BF16
    if (!std::isfinite(values[i])) fail(name, tensor, "row " + std::to_string(i / row) + " has a number not finite");
  }
  return values;
}

TensorBytes const& needed(SafetensorsFile const& file, std::string const& key, std::string const& name) {
  if (auto const* tensor = file.find(key)) return *tensor;
  std::vector<std::string> names;
  for (auto const& tensor : file.tensors()) names.push_back(tensor.name);
  throw DataError(name + ": has no tensor '" + key + "'; a data set has x and y and, for its test part, test.x and " +
                  "test.y; tensors here: " + (names.empty() ? "none" : join(names)));
}

void refuse_below(std::int64_t least, std::vector<std::int64_t> const& values, TensorBytes const& tensor,
                  std::string const& name) {
  auto const found = std::find_if(values.begin(), values.end(), [&](auto value) { return value < least; });
  if (found == values.end()) return;
  auto const row = (found - values.begin()) * tensor.shape.front() / static_cast<std::int64_t>(values.size());
  fail(name, tensor,
       "row " + std::to_string(row) + " has " + std::to_string(*found) + "; the least is " + std::to_string(least));
}

void read_samples(TensorBytes const& x, std::string const& name, LabelledData& data) {
  data.shape = x.shape;
  if (data.shape.size() < 2 || count_of(x) == 0) fail(name, x, "should be [N, ...] with a sample or more");
  if (x.dtype == "U8") {
    auto const* const bytes = reinterpret_cast<std::uint8_t const*>(x.bytes.data());
    data.pixels.assign(bytes, bytes + x.bytes.size());
    if (data.shape.size() == 3) data.shape.insert(data.shape.begin() + 1, 1);
  } else if (x.dtype == "I64" || x.dtype == "I32") {
    if (data.shape.size() != 2) fail(name, x, "token ids should be [N, L]");
    data.tokens = integers(x, name);
    refuse_below(0, data.tokens, x, name);
  } else if (x.dtype == "F32" || x.dtype == "F64" || x.dtype == "F16" || x.dtype == "BF16") {
    data.features = floats(x, name);
  } else {
    fail(name, x, "is " + x.dtype + "; U8, F64, F32, F16, BF16, I64 or I32 is read");
  }
}

/// [N] integers for N samples.
std::vector<std::int64_t> row_integers(TensorBytes const& tensor, std::int64_t rows, std::string const& name,
                                       std::int64_t least = 0) {
  if (tensor.shape != std::vector{rows})
    fail(name, tensor,
         "has the shape " + Json(tensor.shape).dump() + "; [" + std::to_string(rows) +
             "] is needed, one number for each sample");
  auto values = integers(tensor, name);
  refuse_below(least, values, tensor, name);
  return values;
}

/// Those of the metadata, or numbers up to the greatest label of both parts.
std::vector<std::string> class_names(SafetensorsFile const& file, std::string const& name) {
  std::vector<std::string> names;
  if (auto const stored = file.metadata().find("class_names"); stored != file.metadata().end()) {
    auto const list = Json::parse(stored->second, nullptr, false);
    bool valid = list.is_array();
    for (std::size_t i = 0; valid && i < list.size(); ++i) valid = list[i].is_string();
    if (!valid) throw DataError(name + ": the metadata's class_names are no JSON list of texts");
    return list.get<std::vector<std::string>>();
  }
  std::int64_t greatest = -1;
  for (auto const* key : {"y", "test.y"}) {
    auto const* const tensor = file.find(key);
    if (tensor == nullptr) continue;
    for (auto const label : integers(*tensor, name)) greatest = std::max(greatest, label);
  }
  if (greatest >= kMostClasses)
    throw DataError(name + ": the greatest label is " + std::to_string(greatest) + "; at most " +
                    std::to_string(kMostClasses) + " classes are read");
  for (std::int64_t label = 0; label <= greatest; ++label) names.push_back(std::to_string(label));
  return names;
}

template <class T>
void keep(std::vector<T>& values, std::vector<std::int64_t> const& rows, std::int64_t count) {
  auto const width = static_cast<std::ptrdiff_t>(values.size()) / count;
  auto to = values.begin();
  for (auto const row : rows) to = std::copy_n(values.begin() + row * width, width, to);  // rows ascend
  values.erase(to, values.end());
}

/// Leaves the rows of one task.
void keep_task(LabelledData& data, std::vector<std::int64_t> const& tasks, std::int64_t task) {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    if (tasks[i] == task) rows.push_back(static_cast<std::int64_t>(i));
  auto const count = data.count();
  keep(data.pixels, rows, count);
  keep(data.features, rows, count);
  keep(data.tokens, rows, count);
  keep(data.labels, rows, count);
  data.shape.front() = static_cast<std::int64_t>(rows.size());
}

SafetensorsFile parsed(std::vector<std::uint8_t> bytes, std::string const& name) {
  try {
    return SafetensorsFile::parse(std::move(bytes), name);
  } catch (CheckpointError const& error) {  // of a checkpoint's reader; here the file is data
    throw DataError(error.what());
  }
}

}  // namespace

LabelledData parse_tensor_data(std::vector<std::uint8_t> bytes, std::string const& name, std::string const& split,
                               std::optional<std::int64_t> task) {
  LabelledData data;
  data.sha256 = sha256_hex(bytes);
  auto const file = parsed(std::move(bytes), name);
  std::string const part = split == "test" ? "test." : "";
  read_samples(needed(file, part + "x", name), name, data);
  auto const& y = needed(file, part + "y", name);
  data.labels = row_integers(y, data.count(), name, -1);  // -1: no label
  data.class_names = class_names(file, name);
  auto const classes = static_cast<std::int64_t>(data.class_names.size());
  for (std::size_t i = 0; i < data.labels.size(); ++i)
    if (data.labels[i] >= classes)
      fail(name, y,
           "row " + std::to_string(i) + " has the label " + std::to_string(data.labels[i]) + ", outside 0.." +
               std::to_string(classes - 1));
  if (!task) return data;
  auto const& tasks = needed(file, part + "task", name);
  keep_task(data, row_integers(tasks, data.count(), name), *task);
  if (data.labels.empty()) fail(name, tasks, "no row is of task " + std::to_string(*task));
  return data;
}

LabelledData read_tensor_data(std::filesystem::path const& path, std::string const& split,
                              std::optional<std::int64_t> task) {
  return parse_tensor_data(read_file(path), path.string(), split, task);
}

bool has_test_part(std::filesystem::path const& path) {
  return parsed(read_file(path), path.string()).find("test.x") != nullptr;
}

}  // namespace mneme
