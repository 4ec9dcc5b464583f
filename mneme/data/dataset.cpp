#include "mneme/data/dataset.hpp"

#include <torch/types.h>

#include <cstring>
#include <span>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr float kPerLevel = 1.0F / 255.0F;

/// Bytes that the loop below can read.
bool readable(at::Tensor const& raw) { return raw.is_cpu() && raw.scalar_type() == at::kByte && raw.is_contiguous(); }

/// One pass, where copy, conversion and product of whole tensors would be three.
void convert(std::uint8_t const* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]) * kPerLevel;
}

/// Rows in random order come from memory, which takes longer than their conversion.
void prefetch(std::uint8_t const* from, std::int64_t count) {
  constexpr std::int64_t kCacheLine = 64;
  for (std::int64_t i = 0; i < count; i += kCacheLine) __builtin_prefetch(from + i);
}

}  // namespace

Dataset::Dataset(std::string name, at::Tensor data, at::Tensor labels, std::vector<std::string> class_names,
                 std::string sha256)
    : name_(std::move(name)),
      data_(std::move(data)),
      labels_(std::move(labels)),
      class_names_(std::move(class_names)),
      sha256_(std::move(sha256)) {
  if (data_.size(0) != labels_.size(0))
    throw DataError(name_ + ": " + std::to_string(data_.size(0)) + " samples but " + std::to_string(labels_.size(0)) +
                    " labels");
}

Dataset Dataset::from(std::string name, LabelledData const& source) {
  at::Tensor data, labels = at::empty({static_cast<std::int64_t>(source.labels.size())}, at::kLong);
  std::memcpy(labels.data_ptr<std::int64_t>(), source.labels.data(), source.labels.size() * sizeof(std::int64_t));
  if (!source.pixels.empty()) {
    data = at::empty(source.shape, at::kByte);
    std::memcpy(data.data_ptr<std::uint8_t>(), source.pixels.data(), source.pixels.size());
  } else if (!source.tokens.empty()) {
    data = at::empty(source.shape, at::kLong);
    std::memcpy(data.data_ptr<std::int64_t>(), source.tokens.data(), source.tokens.size() * sizeof(std::int64_t));
  } else {
    data = at::empty(source.shape, at::kFloat);
    std::memcpy(data.data_ptr<float>(), source.features.data(), source.features.size() * sizeof(float));
  }
  return {std::move(name), std::move(data), std::move(labels), source.class_names, source.sha256};
}

std::vector<std::int64_t> Dataset::sample_shape() const { return data_.sizes().slice(1).vec(); }

at::Tensor Dataset::to_input(at::Tensor const& raw) {
  if (raw.scalar_type() != at::kByte) return raw;
  if (!readable(raw)) return raw.to(at::kFloat).mul_(kPerLevel);
  auto x = at::empty(raw.sizes(), at::kFloat);
  convert(raw.const_data_ptr<std::uint8_t>(), raw.numel(), x.mutable_data_ptr<float>());
  return x;
}

at::Tensor Dataset::gather(at::Tensor const& index) const {
  if (!readable(data_) || !index.is_cpu() || !index.is_contiguous()) return to_input(data_.index_select(0, index));
  auto shape = data_.sizes().vec();
  shape[0] = index.size(0);
  auto x = at::empty(shape, at::kFloat);
  auto const row = c10::multiply_integers(data_.sizes().slice(1));
  auto const* from = data_.const_data_ptr<std::uint8_t>();
  auto* to = x.mutable_data_ptr<float>();
  std::span const chosen(index.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(shape[0]));
  for (auto const i : chosen)
    TORCH_CHECK_INDEX(0 <= i && i < data_.size(0), name_, ": there is no sample ", i, " among ", data_.size(0));
  constexpr std::size_t kAhead = 2;
  for (std::size_t n = 0; n < chosen.size(); ++n, to += row) {
    if (n + kAhead < chosen.size()) prefetch(from + chosen[n + kAhead] * row, row);
    convert(from + chosen[n] * row, row, to);
  }
  return x;
}

at::Tensor Dataset::slice(std::int64_t first, std::int64_t n) const { return to_input(data_.narrow(0, first, n)); }

Dataset Dataset::select(at::Tensor const& index) const {
  Dataset part = with(data_.index_select(0, index), labels_.index_select(0, index));
  part.tasks_ = tasks_.defined() ? tasks_.index_select(0, index) : at::Tensor();
  return part;
}

Dataset Dataset::with(at::Tensor data, at::Tensor labels) const {
  Dataset other(name_, std::move(data), std::move(labels), class_names_, sha256_);
  if (other.size() == size()) other.tasks_ = tasks_;
  return other;
}

Dataset Dataset::with_tasks(at::Tensor tasks) const {
  Dataset copy = *this;
  copy.tasks_ = std::move(tasks);
  return copy;
}

Dataset Dataset::to(at::Device device) const {
  if (size() == 0) return *this;
  auto copy = with(data_.to(device), labels_.to(device));
  return tasks_.defined() ? copy.with_tasks(tasks_.to(device)) : copy;
}

Dataset Dataset::renamed(std::string name) const {
  Dataset copy = *this;
  copy.name_ = std::move(name);
  return copy;
}

Dataset concatenate(std::string name, std::vector<Dataset> const& parts) {
  std::vector<at::Tensor> data, labels, tasks;
  for (auto const& part : parts) {
    if (part.sample_shape() != parts.front().sample_shape() ||
        part.data().scalar_type() != parts.front().data().scalar_type())
      throw ConfigError("data sets '" + parts.front().name() + "' and '" + part.name() +
                        "' have samples of different shape or type and cannot be joined");
    data.push_back(part.data());
    labels.push_back(part.labels());
    if (part.tasks().defined()) tasks.push_back(part.tasks());
  }
  Dataset const all(std::move(name), at::cat(data), at::cat(labels), parts.front().class_names());
  return tasks.size() == parts.size() ? all.with_tasks(at::cat(tasks)) : all;
}

}  // namespace mneme
