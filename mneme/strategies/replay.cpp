#include "mneme/strategies/replay.hpp"

#include <torch/types.h>

namespace mneme {

Rows chosen_rows(Dataset const& data, at::Tensor const& index, EventContext const& context) {
  auto task = data.tasks();
  if (!context.visibility.task_at_training)
    task = at::full_like(index, -1);
  else
    task = task.defined() ? task.index_select(0, index) : at::full_like(index, context.task_id());
  return {data.data().index_select(0, index), data.labels().index_select(0, index), task, {}};
}

Rows current_rows(StepContext const& context) { return chosen_rows(*context.source, context.rows, context); }

Batch replayed(Rows const& rows, EventContext const& context) {
  Batch batch(Dataset::to_input(rows.data), rows.labels, rows.task, context.visibility);
  batch.parts.front().origin = BatchPart::Origin::kMemory;
  context.activate(batch);
  return batch;
}

}  // namespace mneme
