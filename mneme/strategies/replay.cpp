#include "mneme/strategies/replay.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/nets/random.hpp"

namespace mneme {

void ReplayOptions::describe(OptionVisitor& v) {
  v.field("batch", batch, {.help = "stored samples per draw; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("draw", draw,
          {.help = "uniform over the buffer with replacement, an equal share of each stored task, or different samples "
                   "(no more than there are)",
           .choices = {"uniform", "task-balanced", "distinct"},
           .source = "distinct: Buzzega et al. 2020, authors' code"});
  v.field("from_start", from_start,
          {.help = "replay within the first event too; its training is then another than the naive one",
           .source = "Buzzega et al. 2020, authors' code: true"});
}

Rows ReplayOptions::drawn(Buffer const& buffer, std::int64_t n, EventContext const& context) const {
  auto& stream = context.streams->get("replay");
  if (draw == "distinct") return buffer.sample_distinct(n, stream);
  return draw == "uniform" ? buffer.sample(n, stream) : buffer.sample_balanced(n, stream);
}

void FillOptions::describe(OptionVisitor& v) {
  v.field("fill", fill,
          {.help = "samples are stored after each step, or a random part of the data when its event ends",
           .choices = {"step", "event"},
           .source = "event: Chaudhry et al. 2019; Buzzega et al. 2020, authors' code"});
  v.field("per_task", per_task,
          {.help = "with fill = \"event\": stored samples of each task; 0: the memory by the number of tasks so far",
           .unit = "samples",
           .min = 0,
           .source = "Buzzega et al. 2020, authors' code: the memory by the number of all tasks"});
}

void FillOptions::check(std::string const& strategy, EventContext const& context) const {
  if (fill == "event" && !context.visibility.boundaries)
    throw ConfigError("strategy '" + strategy +
                      "': fill = \"event\" stores samples when an event ends, which this stream does not show; use "
                      "fill = \"step\"");
}

void FillOptions::after_step(Buffer& buffer, StepContext const& context) const {
  if (fill == "step") buffer.offer(current_rows(context), context.streams->get("reservoir"));
}

void FillOptions::end_event(Buffer& buffer, EventContext const& context) const {
  if (fill == "event") buffer.offer(share_of_event(buffer, context, per_task), context.streams->get("reservoir"));
}

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

Rows share_of_event(Buffer const& buffer, EventContext const& context, std::int64_t per_task) {
  auto const& data = context.data;
  auto const task = context.known_task().value_or(context.index);
  auto const stored = buffer.task_distribution();
  auto const tasks = static_cast<std::int64_t>(stored.size()) + (stored.contains(task) ? 0 : 1);
  auto const count = std::min(per_task > 0 ? per_task : buffer.capacity() / tasks, data.size());
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
