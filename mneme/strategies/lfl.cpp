#include "mneme/strategies/lfl.hpp"

#include <torch/types.h>

#include "mneme/strategies/head.hpp"

namespace mneme {

void LflOptions::describe(OptionVisitor& v) {
  v.field("lambda", lambda,
          {.help = "strength of the distance between features, a mean over the batch",
           .min = 0,
           .source = "Jung et al. 2016, lambda_e"});
  v.field("distance", distance,
          {.help = "half the squared distance of a sample's features, or the mean over the features of their squared "
                   "differences",
           .choices = {"half-squared", "mean-squared"},
           .source = "half-squared: Jung et al. 2016; mean-squared: Avalanche"});
  v.field("freeze", freeze,
          {.help = "what is no longer trained after the first task",
           .choices = {"output-layer", "nothing"},
           .source = "Jung et al. 2016"});
}

Needs Lfl::needs() const {
  return {.boundaries = true, .stages = freezes(), .learners = {"classifier"}, .prefix = Prefix::kPlain};
}

std::vector<Stage> Lfl::stages(EventContext& context) {
  if (!freezes() || teacher_.empty()) return {};
  return {{.trainable = body_segments(context.parameters()), .training_pass = true}};
}

std::optional<at::Tensor> Lfl::penalty(StepContext& context) {
  term_ = at::Tensor();
  if (teacher_.empty() || options_.lambda == 0) return std::nullopt;
  auto const n = context.rows.size(0);  // what other strategies replay stands behind the new samples
  auto const old = teacher_.forward(context.batch.rows(0, n), context).features;
  auto const h = context.output->features.narrow(0, 0, n);
  auto const mean = at::mse_loss(h, old);
  auto const scale = options_.distance == "half-squared" ? 0.5 * static_cast<double>(h.size(1)) : 1.0;
  auto const term = mean * (options_.lambda * scale);
  term_ = term.detach();
  return term;
}

Terms Lfl::terms(StepContext&) {
  if (!term_.defined()) return {};
  return {{"lfl", term_}};
}

}  // namespace mneme
