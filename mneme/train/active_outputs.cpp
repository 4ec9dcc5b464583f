#include "mneme/train/active_outputs.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"

namespace mneme {

void ActiveOutputs::show(Visibility const& visibility) {
  task_at_test_ = visibility.task_at_test;
  if (head_ == Head::kPerTask && !(visibility.task_at_test && visibility.task_at_training))
    throw ConfigError(
        "learner.head = \"per-task\" needs the task id in training and at test, which this stream hides; use a "
        "task-incremental stream (scenario = \"task\"), or head = \"shared\" or \"growing\"");
}

void ActiveOutputs::add(std::int64_t task, std::vector<std::int64_t> const& classes) {
  tasks_[task].insert(classes.begin(), classes.end());
  for (auto const c : classes) outputs_ = std::max(outputs_, c + 1);
}

void ActiveOutputs::add(Task const& task) {
  add(task.id, task.classes);
  refresh();
}

void ActiveOutputs::learn(Task const& task) {
  add(task.id, task.classes);
  seen_.insert(task.classes.begin(), task.classes.end());
  refresh();
}

at::Tensor ActiveOutputs::mask_of(std::set<std::int64_t> const& classes) const {
  auto mask = at::zeros({outputs_}, at::kBool);
  for (auto const c : classes) mask[c] = true;
  return mask;
}

void ActiveOutputs::refresh() {
  if (tasks_.empty()) return;
  auto masks = at::zeros({tasks_.rbegin()->first + 1, outputs_}, at::kBool);
  for (auto const& [task, classes] : tasks_) masks[task].copy_(mask_of(classes));
  masks_ = masks.to(device_);
  seen_mask_ = mask_of(seen_).to(device_);
}

void ActiveOutputs::activate(Batch& batch) const {
  if (outputs_ == 0) return;
  if (head_ == Head::kGrowing) {
    batch.active = seen_mask_;
    // A task that was not learnt yet is tested with its own outputs beside those seen.
    if (!batch.task_known()) return;
    if (auto const task = batch.one_task(); task && tasks_.contains(*task))
      batch.active = seen_mask_.logical_or(masks_[*task]);
  } else if (per_task()) {
    auto const task = batch.one_task();
    if (task && !tasks_.contains(*task)) return;
    batch.active = task ? masks_[*task] : masks_.index_select(0, batch.task());
  }
}

void ActiveOutputs::state(Archive& archive) {
  Json tasks = Json::object(), seen(seen_);
  for (auto const& [task, classes] : tasks_) tasks[std::to_string(task)] = classes;
  archive.field("tasks", tasks);
  archive.field("seen", seen);
  if (!archive.loading()) return;
  for (auto const& [task, classes] : tasks.items()) add(std::stoll(task), classes.get<std::vector<std::int64_t>>());
  seen_ = seen.get<std::set<std::int64_t>>();
  refresh();
}

}  // namespace mneme
