#include "mneme/strategies/er.hpp"

#include <torch/types.h>

namespace mneme {

void ErOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("draw", draw,
          {.help = "uniform over the buffer, or an equal share of each stored task",
           .choices = {"uniform", "task-balanced"}});
}

Batch Er::compose(Batch batch, StepContext& context) {
  if (context.first() || buffer_.empty()) return batch;
  auto const n = options_.batch > 0 ? options_.batch : batch.size();
  auto& stream = context.streams->get("replay");
  return batch.joined(
      replayed(options_.draw == "uniform" ? buffer_.sample(n, stream) : buffer_.sample_balanced(n, stream), context));
}

void Er::after_step(StepContext& context) { buffer_.offer(current_rows(context), context.streams->get("reservoir")); }

}  // namespace mneme
