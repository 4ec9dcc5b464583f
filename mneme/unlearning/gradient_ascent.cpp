#include "mneme/unlearning/gradient_ascent.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

void describe_ceiling(OptionVisitor& v, double& ceiling) {
  v.field(
      "ceiling", ceiling,
      {.help = "loss from which on a sample counts as forgotten and is pushed no further", .unit = "nats", .above = 0});
}

}  // namespace

void GradientAscentOptions::describe(OptionVisitor& v) {
  length.describe(v);
  describe_ceiling(v, ceiling);
}

std::vector<Stage> GradientAscent::stages(EventContext&) { return {options_.length.stage("ascend", data().forget)}; }

std::optional<at::Tensor> GradientAscent::objective(StepContext& context) {
  return context.learner.per_sample_loss(context.batch, *context.output).clamp_max(options_.ceiling).mean().neg();
}

void GradDiffOptions::describe(OptionVisitor& v) {
  length.describe(v);
  v.field("gamma", gamma, {.help = "weight of the loss on what is forgotten, which is raised", .min = 0});
  v.field("alpha", alpha, {.help = "weight of the loss on what is retained", .min = 0});
  describe_ceiling(v, ceiling);
}

std::vector<Stage> GradDiff::stages(EventContext&) {
  return {options_.length.stage("forget and retain", data().forget)};
}

Batch GradDiff::compose(Batch batch, StepContext& context) { return with_retained(batch, context); }

std::optional<at::Tensor> GradDiff::objective(StepContext& context) {
  auto const loss = context.learner.per_sample_loss(context.batch, *context.output);
  auto const n = context.rows.size(0);
  return loss.narrow(0, 0, n).clamp_max(options_.ceiling).mean() * -options_.gamma +
         loss.narrow(0, n, loss.size(0) - n).mean() * options_.alpha;
}

}  // namespace mneme
