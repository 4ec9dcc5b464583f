#include "mneme/strategies/er.hpp"

#include <torch/types.h>

namespace mneme {

void ErOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  replay.describe(v);
}

Batch Er::compose(Batch batch, StepContext& context) {
  auto const& replay = options_.replay;
  if (!replay.due(buffer_, context)) return batch;
  auto const n = replay.batch > 0 ? replay.batch : batch.size();
  return batch.joined(replayed(replay.drawn(buffer_, n, context), context));
}

void Er::after_step(StepContext& context) { buffer_.offer(current_rows(context), context.streams->get("reservoir")); }

}  // namespace mneme
