#include "mneme/strategies/task_statistics.hpp"

#include <torch/types.h>

namespace mneme {

void TaskStatistics::keep(std::int64_t task, ParameterArena const& arena) {
  auto const& buffers = arena.buffers();
  if (buffers.numel() == 0) return;
  at::NoGradGuard const no_grad;
  auto const [row, is_new] = rows_.try_emplace(task, kept_.defined() ? kept_.size(0) : 0);
  if (!is_new)
    kept_.select(0, row->second).copy_(buffers);
  else
    kept_ = kept_.defined() ? at::cat({kept_, buffers.unsqueeze(0)}) : buffers.unsqueeze(0).clone();
}

void TaskStatistics::show(std::int64_t task, ParameterArena const& arena) {
  auto const found = rows_.find(task);
  if (found != rows_.end()) shown_.replace(arena.buffers(), kept_.select(0, found->second));
}

void TaskStatistics::state(Archive& archive) {
  Json rows(rows_);
  archive.field("statistics_rows", rows);
  archive.field("statistics", kept_);
  if (archive.loading()) rows_ = rows.get<decltype(rows_)>();
}

}  // namespace mneme
