#include "mneme/strategies/replay.hpp"

#include <torch/types.h>

namespace mneme {

Rows current_rows(StepContext const& context) {
  auto const& data = *context.source;
  auto const& rows = context.rows;
  auto task = data.tasks();
  if (!context.visibility.task_at_training)
    task = at::full_like(rows, -1);
  else
    task = task.defined() ? task.index_select(0, rows) : at::full_like(rows, context.task_id());
  return {data.data().index_select(0, rows), data.labels().index_select(0, rows), task, {}};
}

Batch replayed(Rows const& rows, EventContext const& context) {
  Batch batch(Dataset::to_input(rows.data), rows.labels, rows.task, context.visibility);
  batch.parts.front().origin = BatchPart::Origin::kMemory;
  context.activate(batch);
  return batch;
}

}  // namespace mneme
