#include "mneme/unlearning/unlearning.hpp"

#include <torch/types.h>

#include "mneme/strategies/event_importance.hpp"

namespace mneme {

void UnlearnLength::describe(OptionVisitor& v) {
  v.field("epochs", epochs, {.help = "passes over the stage's data", .unit = "epochs", .min = 1});
  v.field("steps", steps, {.help = "steps instead of epochs; 0: epochs", .unit = "steps", .min = 0});
  v.field("lr_scale", lr_scale, {.help = "factor of train.learning_rate", .above = 0});
}

Stage UnlearnLength::stage(std::string name, Dataset data) const {
  return {.name = std::move(name), .data = std::move(data), .epochs = epochs, .steps = steps, .lr_scale = lr_scale};
}

Batch Unlearning::with_retained(Batch const& batch, StepContext& context) const {
  auto const& retain = data_.retain;
  auto const index = draw_indices(retain.size(), batch.size(), context.streams->get("retained"), retain.device());
  Batch other(retain, index, -1, context.visibility);
  other.x = context.learner.views(other.x, *context.streams);
  other.parts.front().origin = BatchPart::Origin::kMemory;
  context.activate(other);
  return batch.joined(other);
}

at::Tensor importance_on(std::string const& name, Dataset const& data, FisherOptions const& options,
                         EventContext& context) {
  auto f = diagonal_fisher(importance_request(name, data, options, context));
  log_importance(name, f, context, options, data.size());
  return f;
}

Dataset both(ForgetData const& data) { return concatenate("forget and retain", {data.forget, data.retain}); }

}  // namespace mneme
