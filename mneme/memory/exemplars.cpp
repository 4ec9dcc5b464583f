#include "mneme/memory/exemplars.hpp"

#include <torch/types.h>

#include <utility>

namespace mneme {

Rows joined(std::vector<Rows> const& parts) {
  std::vector<at::Tensor> data, labels, task;
  for (auto const& part : parts) {
    if (part.size() == 0) continue;
    data.push_back(part.data);
    labels.push_back(part.labels);
    task.push_back(part.task);
  }
  return data.empty() ? Rows{} : Rows{at::cat(data), at::cat(labels), at::cat(task), {}};
}

void Exemplars::set(std::int64_t label, Rows rows) {
  if (rows.size() == 0)
    by_class_.erase(label);
  else
    by_class_[label] = std::move(rows);
}

void Exemplars::shrink(std::int64_t count) {
  for (auto it = by_class_.begin(); it != by_class_.end();) {
    auto& rows = it->second;
    // Copies: a view would hold on to the memory of what was dropped.
    if (count > 0 && rows.size() > count)
      rows = {rows.data.narrow(0, 0, count).clone(),
              rows.labels.narrow(0, 0, count).clone(),
              rows.task.narrow(0, 0, count).clone(),
              {}};
    it = count > 0 ? std::next(it) : by_class_.erase(it);
  }
}

Rows Exemplars::all() const {
  std::vector<Rows> parts;
  for (auto const& [label, rows] : by_class_) parts.push_back(rows);
  return joined(parts);
}

Rows Exemplars::of_class(std::int64_t label) const {
  auto const found = by_class_.find(label);
  return found == by_class_.end() ? Rows{} : found->second;
}

std::set<std::int64_t> Exemplars::classes() const {
  std::set<std::int64_t> list;
  for (auto const& [label, rows] : by_class_) list.insert(label);
  return list;
}

std::int64_t Exemplars::size() const {
  std::int64_t sum = 0;
  for (auto const& [label, rows] : by_class_) sum += rows.size();
  return sum;
}

void Exemplars::state(Archive& archive) {
  auto rows = all();
  Json counts = Json::array();  // [[label, count], ...] in rising order
  for (auto const& [label, part] : by_class_) counts.push_back({label, part.size()});
  archive.field("data", rows.data);
  archive.field("labels", rows.labels);
  archive.field("task", rows.task);
  archive.field("counts", counts);
  if (!archive.loading()) return;
  by_class_.clear();
  std::int64_t first = 0;
  for (auto const& entry : counts) {
    auto const count = entry.at(1).get<std::int64_t>();
    auto const part = [&](at::Tensor const& whole) { return whole.narrow(0, first, count).clone(); };
    by_class_[entry.at(0).get<std::int64_t>()] = {part(rows.data), part(rows.labels), part(rows.task), {}};
    first += count;
  }
}

}  // namespace mneme
