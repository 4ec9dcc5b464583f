#include "mneme/train/checkpoint.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/core/processor.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/version.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/safetensors.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;
constexpr int kFormat = 1;
constexpr int kPeriodicKept = 2;

struct TypeName {
  at::ScalarType type;
  char const* name;
};
constexpr std::array<TypeName, 6> kTypes = {{{at::kFloat, "F32"},
                                             {at::kDouble, "F64"},
                                             {at::kLong, "I64"},
                                             {at::kInt, "I32"},
                                             {at::kByte, "U8"},
                                             {at::kBool, "BOOL"}}};

std::string type_name(at::ScalarType type) {
  for (auto const& t : kTypes)
    if (t.type == type) return t.name;
  throw CheckpointError(std::string("a tensor of type ") + c10::toString(type) + " cannot be stored in a checkpoint");
}

at::ScalarType type_of(std::string const& name, std::string const& file) {
  for (auto const& t : kTypes)
    if (name == t.name) return t.type;
  throw CheckpointError(file + ": tensor of unexpected type " + name);
}

Json read_state(fs::path const& checkpoint) {
  auto const file = checkpoint / "state.json";
  try {
    auto const bytes = read_file(file);
    auto state = Json::parse(bytes.begin(), bytes.end());
    if (state.at("format") != kFormat)
      throw CheckpointError(file.string() + ": format " + state["format"].dump() + ", this version reads " +
                            std::to_string(kFormat));
    for (auto const* table : {"identity", "values"})
      static_cast<void>(state.at(table).get_ref<Json::object_t const&>());
    return state;
  } catch (Json::exception const& e) {
    throw CheckpointError(file.string() + ": damaged: " + e.what() + ". Use an older checkpoint of the run");
  } catch (DataError const& e) {
    throw CheckpointError(e.what());
  }
}

}  // namespace

namespace {

/// The kind of device that the tensors of a checkpoint came from.
std::string device_of(Archive const& archive) {
  for (auto const& [key, tensor] : archive.tensors())
    if (!tensor.is_cpu()) return c10::DeviceTypeName(tensor.device().type(), true);
  return "cpu";
}

}  // namespace

Json run_identity() {
  return {{"torch", TORCH_VERSION},
          {"threads", at::get_num_threads()},
          {"processor", at::get_cpu_capability()},
          {"processor_vendor", processor_info("vendor_id")}};
}

CheckpointStore::CheckpointStore(fs::path folder, double every_seconds)
    : folder_(std::move(folder)),
      every_(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double>(every_seconds))) {}

bool CheckpointStore::due() const { return std::chrono::steady_clock::now() - last_ >= every_; }

void CheckpointStore::save(std::string const& name, Archive const& archive, bool keep) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw IoError(folder_.string() + ": cannot be made: " + error.message());
  remove_unfinished();
  auto const temporary = folder_ / (".writing-" + name);
  if (!fs::create_directory(temporary, error))
    throw IoError(temporary.string() + ": cannot be made: " + error.message());
  try {
    std::vector<at::Tensor> held;
    std::vector<TensorBytes> tensors;
    for (auto const& [key, tensor] : archive.tensors()) {
      held.push_back(tensor.to(at::kCPU).contiguous());
      auto const& t = held.back();
      tensors.push_back({key,
                         type_name(t.scalar_type()),
                         t.sizes().vec(),
                         {static_cast<std::byte const*>(t.const_data_ptr()), t.nbytes()}});
    }
    write_safetensors(temporary / "tensors.safetensors", tensors);
    std::int64_t sequence = 1;
    for (auto const& entry : entries()) sequence = std::max(sequence, entry.sequence + 1);
    auto identity = run_identity();
    identity["device"] = device_of(archive);
    Json const state = {{"format", kFormat}, {"mneme", kVersion},    {"sequence", sequence},
                        {"keep", keep},      {"identity", identity}, {"values", archive.values()}};
    write_file(temporary / "state.json", state.dump(1) + "\n");
    commit_folder(temporary, folder_ / name);
  } catch (...) {
    fs::remove_all(temporary, error);
    throw;
  }
  last_ = std::chrono::steady_clock::now();
  prune();
}

std::vector<fs::path> CheckpointStore::folders(bool unfinished) const {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(".") == unfinished) found.push_back(it->path());
  return found;
}

std::vector<CheckpointStore::Entry> CheckpointStore::entries() const {
  std::vector<Entry> list;
  for (auto const& path : folders(false)) try {
      auto const state = read_state(path);
      list.push_back({path, state.at("sequence").get<std::int64_t>(), state.at("keep").get<bool>()});
    } catch (std::exception const&) {
      continue;  // a damaged one is not a candidate; reading it by name says what is wrong
    }
  std::sort(list.begin(), list.end(), [](auto const& a, auto const& b) { return a.sequence < b.sequence; });
  return list;
}

void CheckpointStore::remove_unfinished() const {
  std::error_code ignored;
  for (auto const& path : folders(true)) fs::remove_all(path, ignored);
}

void CheckpointStore::prune() const {
  auto list = entries();
  std::erase_if(list, [](auto const& e) { return e.keep; });
  std::error_code ignored;
  for (std::size_t i = 0; i + kPeriodicKept < list.size(); ++i) fs::remove_all(list[i].path, ignored);
}

void CheckpointStore::keep_events_only() const {
  for (auto const& path : folders(false)) {
    std::error_code error;
    if (!path.filename().string().starts_with("event-")) fs::remove_all(path, error);
    if (error) throw IoError(path.string() + ": is of before the request and cannot be removed: " + error.message());
  }
}

std::optional<fs::path> CheckpointStore::newest() const {
  if (folders(false).empty()) return std::nullopt;
  std::string damage = "its state.json cannot be read";
  auto const list = entries();
  for (auto entry = list.rbegin(); entry != list.rend(); ++entry) try {
      static_cast<void>(SafetensorsFile::read(entry->path / "tensors.safetensors"));
      return entry->path;
    } catch (CheckpointError const& e) {
      damage = e.what();
    }
  throw CheckpointError(folder_.string() + ": every checkpoint is damaged; the oldest: " + damage);
}

std::optional<fs::path> CheckpointStore::newest_before(std::int64_t step) const {
  auto const list = entries();
  for (auto entry = list.rbegin(); entry != list.rend(); ++entry)
    if (read_state(entry->path).at("values").value("run/position/step", step + 1) <= step) return entry->path;
  return std::nullopt;
}

std::vector<std::string> CheckpointStore::names() const {
  std::vector<std::string> list;
  for (auto const& entry : entries()) list.push_back(entry.path.filename().string());
  return list;
}

fs::path CheckpointStore::find(std::string const& name) const {
  if (name.empty()) {
    if (auto const path = newest()) return *path;
    throw CheckpointError(folder_.string() +
                          ": holds no checkpoint: it was not begun, or stopped before its first one");
  }
  if (fs::exists(folder_ / name / "state.json")) return folder_ / name;
  auto const known = names();
  throw CheckpointError(folder_.string() + ": no checkpoint '" + name +
                        "'; there is: " + (known.empty() ? "none" : join(known)));
}

Archive read_checkpoint(fs::path const& checkpoint, bool allow_drift, at::Device device) {
  auto const state = read_state(checkpoint);
  auto here = run_identity();
  here["device"] = c10::DeviceTypeName(device.type(), true);
  for (auto const& [key, value] : here.items()) {
    auto const then = state["identity"].value(key, key == "device" ? Json("cpu") : Json());
    if (then != value && !allow_drift)
      throw CheckpointError(checkpoint.string() + ": written with " + key + " " + then.dump() + ", here it is " +
                            value.dump() + "; the resumed run would not be the same run. --allow-drift accepts that");
  }
  auto const file = checkpoint / "tensors.safetensors";
  auto const stored = SafetensorsFile::read(file);
  Archive::Tensors tensors;
  for (auto const& t : stored.tensors()) {
    auto tensor = at::empty(t.shape, type_of(t.dtype, file.string()));
    std::memcpy(tensor.mutable_data_ptr(), t.bytes.data(), t.bytes.size());
    tensors.emplace(t.name, std::move(tensor));
  }
  return {std::move(tensors), state.at("values"), checkpoint.string()};
}

}  // namespace mneme
