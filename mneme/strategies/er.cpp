#include "mneme/strategies/er.hpp"

#include <torch/types.h>

namespace mneme {

void ErOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the buffer", .unit = "samples", .min = 0});
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
}

Batch Er::compose(Batch batch, StepContext& context) {
  if (context.first() || buffer_.size() == 0) return batch;
  auto const n = options_.batch > 0 ? options_.batch : batch.size();
  auto const draw = buffer_.sample(n, context.streams->get("replay"));
  Batch memory(Dataset::to_input(draw.data), draw.labels, draw.task, context.visibility);
  memory.parts.front().origin = BatchPart::Origin::kMemory;
  return batch.joined(memory);
}

void Er::after_step(StepContext& context) {
  // The task is stored only where the stream shows it: -1 marks a sample of unknown origin.
  auto const id = context.visibility.task_at_training ? context.task_id() : -1;
  auto const task = at::full_like(context.rows, id);
  buffer_.offer(context.source->data().index_select(0, context.rows),
                context.source->labels().index_select(0, context.rows), task, context.streams->get("reservoir"));
}

}  // namespace mneme
