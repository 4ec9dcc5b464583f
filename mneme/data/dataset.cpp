#include "mneme/data/dataset.hpp"

#include <torch/types.h>

#include <cstring>

#include "mneme/core/errors.hpp"

namespace mneme {

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
  } else {
    data = at::empty(source.shape, at::kFloat);
    std::memcpy(data.data_ptr<float>(), source.features.data(), source.features.size() * sizeof(float));
  }
  return {std::move(name), std::move(data), std::move(labels), source.class_names, source.sha256};
}

std::vector<std::int64_t> Dataset::sample_shape() const { return data_.sizes().slice(1).vec(); }

at::Tensor Dataset::to_input(at::Tensor const& raw) {
  return raw.scalar_type() == at::kByte ? raw.to(at::kFloat).mul_(1.0F / 255.0F) : raw;
}

at::Tensor Dataset::gather(at::Tensor const& index) const { return to_input(data_.index_select(0, index)); }

at::Tensor Dataset::slice(std::int64_t first, std::int64_t n) const { return to_input(data_.narrow(0, first, n)); }

Dataset Dataset::select(at::Tensor const& index) const {
  return {name_, data_.index_select(0, index), labels_.index_select(0, index), class_names_, sha256_};
}

Dataset Dataset::with(at::Tensor data, at::Tensor labels) const {
  return {name_, std::move(data), std::move(labels), class_names_, sha256_};
}

Dataset Dataset::renamed(std::string name) const {
  Dataset copy = *this;
  copy.name_ = std::move(name);
  return copy;
}

Dataset concatenate(std::string name, std::vector<Dataset> const& parts) {
  std::vector<at::Tensor> data, labels;
  for (auto const& part : parts) {
    if (part.sample_shape() != parts.front().sample_shape() ||
        part.data().scalar_type() != parts.front().data().scalar_type())
      throw ConfigError("data sets '" + parts.front().name() + "' and '" + part.name() +
                        "' have samples of different shape or type and cannot be joined");
    data.push_back(part.data());
    labels.push_back(part.labels());
  }
  return {std::move(name), at::cat(data), at::cat(labels), parts.front().class_names()};
}

}  // namespace mneme
