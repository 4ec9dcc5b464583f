#include "mneme/memory/buffer.hpp"

#include <torch/types.h>

#include <map>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/nets/random.hpp"

namespace mneme {

void Reservoir::offer(at::Tensor const& data, at::Tensor const& labels, at::Tensor const& task,
                      at::Generator& generator) {
  auto const n = data.size(0);
  if (capacity_ == 0 || n == 0) return;
  if (!data_.defined()) {
    auto shape = data.sizes().vec();
    shape[0] = capacity_;
    data_ = at::zeros(shape, data.options());
    labels_ = at::zeros({capacity_}, labels.options());
    task_ = at::zeros({capacity_}, task.options());
  }
  // slot -> row; a later row overwrites an earlier one.
  std::map<std::int64_t, std::int64_t> chosen;
  auto const uniform = at::rand({n}, generator, at::kDouble);
  auto const* u = uniform.data_ptr<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    ++seen_;
    auto const slot = seen_ <= capacity_ ? seen_ - 1 : static_cast<std::int64_t>(u[i] * static_cast<double>(seen_));
    if (slot < capacity_) chosen[slot] = i;
  }
  if (chosen.empty()) return;
  std::vector<std::int64_t> slots, rows;
  for (auto const& [slot, row] : chosen) {
    slots.push_back(slot);
    rows.push_back(row);
  }
  auto const to = at::tensor(slots, at::kLong).to(data_.device());
  auto const from = at::tensor(rows, at::kLong).to(data.device());
  data_.index_copy_(0, to, data.index_select(0, from));
  labels_.index_copy_(0, to, labels.index_select(0, from));
  task_.index_copy_(0, to, task.index_select(0, from));
}

Reservoir::Draw Reservoir::sample(std::int64_t n, at::Generator& generator) const {
  if (size() == 0) throw ConfigError("replay buffer: a sample was asked of an empty buffer; insert before sampling");
  auto const index = draw_indices(size(), n, generator, data_.device());
  return {data_.index_select(0, index), labels_.index_select(0, index), task_.index_select(0, index)};
}

void Reservoir::state(Archive& archive) {
  auto capacity = capacity_;
  archive.field("capacity", capacity);
  if (capacity != capacity_)
    throw CheckpointError("the stored buffer holds a sample of up to " + std::to_string(capacity) +
                          " items, this configuration asks for " + std::to_string(capacity_) +
                          ": what was not kept cannot be drawn again. Keep `memory`, or begin a new run");
  archive.field("seen", seen_);
  archive.field("data", data_);
  archive.field("labels", labels_);
  archive.field("task", task_);
}

}  // namespace mneme
