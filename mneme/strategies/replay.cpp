#include "mneme/strategies/replay.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/nets/random.hpp"

namespace mneme {

Rows chosen_rows(Dataset const& data, at::Tensor const& index, EventContext const& context, std::int64_t hidden) {
  auto task = data.tasks();
  if (!context.visibility.task_at_training)
    task = at::full_like(index, hidden);
  else
    task = task.defined() ? task.index_select(0, index) : at::full_like(index, context.task_id());
  return {data.data().index_select(0, index), data.labels().index_select(0, index), task, {}};
}

Rows current_rows(StepContext const& context) { return chosen_rows(*context.source, context.rows, context); }

void drop(Buffer& buffer, Forgotten const& forgotten) {
  if (buffer.empty()) return;
  auto const rows = buffer.all();
  buffer.remove(forgotten.among(rows.data, rows.labels));
}

std::int64_t stored_per_step(std::int64_t option, StepContext const& context) {
  return option > 0 ? option : context.rows.size(0);
}

Rows share_of_event(Buffer const& buffer, EventContext const& context) {
  auto const& data = context.data;
  auto const task = context.known_task().value_or(context.index);
  auto const stored = buffer.task_distribution();
  auto const tasks = static_cast<std::int64_t>(stored.size()) + (stored.contains(task) ? 0 : 1);
  auto const count = std::min(buffer.capacity() / tasks, data.size());
  if (count == 0) return {};
  auto const index = draw_permutation(data.size(), context.streams->get("share"), data.device()).narrow(0, 0, count);
  return chosen_rows(data, index, context, context.index);
}

Batch replayed(Rows const& rows, EventContext const& context) {
  Batch batch(Dataset::to_input(rows.data), rows.labels, rows.task, context.visibility);
  batch.parts.front().origin = BatchPart::Origin::kMemory;
  context.activate(batch);
  return batch;
}

Batch replayed(Rows const& rows, StepContext const& context) {
  auto batch = replayed(rows, static_cast<EventContext const&>(context));
  batch.x = context.learner.views(batch.x, *context.streams);
  return batch;
}

Output forward_beside(Batch const& batch, bool training, EventContext const& context) {
  auto const gates = training ? context.training_gates(batch) : context.gates(batch);
  return context.learner.forward(batch, {.training = training, .gates = &gates}, context.streams->get("noise"));
}

}  // namespace mneme
