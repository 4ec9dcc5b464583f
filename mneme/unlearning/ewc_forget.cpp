#include "mneme/unlearning/ewc_forget.hpp"

#include <torch/types.h>

namespace mneme {

void EwcForgetOptions::describe(OptionVisitor& v) {
  length.describe(v);
  v.field("lambda", lambda, {.help = "strength of the penalty, for a loss that is the mean over the batch", .min = 0});
  v.field("gamma", gamma, {.help = "weight of the loss on what is retained", .min = 0});
  fisher.describe(v);
}

at::Tensor entropy_to_uniform(Batch const& batch, at::Tensor const& logits) {
  auto const log_p = at::log_softmax(active_logits(batch, logits), 1);
  auto const open = active_of(batch, logits.size(1));
  if (!open.defined()) return log_p.mean(1).neg();
  auto const active = open.expand_as(logits);
  return at::where(active, log_p, at::zeros_like(log_p)).sum(1).neg() / active.sum(1);
}

void EwcForget::begin_event(EventContext& context) {
  quadratic_ = {};
  if (options_.lambda == 0) return;
  quadratic_.add(importance_on("ewc-forget", data().retain, options_.fisher, context), context.parameters().value());
}

void EwcForget::end_event(EventContext&) { quadratic_ = {}; }

std::vector<Stage> EwcForget::stages(EventContext&) {
  return {options_.length.stage("forget and retain", data().forget)};
}

Batch EwcForget::compose(Batch batch, StepContext& context) { return with_retained(batch, context); }

std::optional<at::Tensor> EwcForget::objective(StepContext& context) {
  auto const n = context.rows.size(0), all = context.batch.size();
  auto const& logits = context.output->logits;
  auto const loss = context.learner.per_sample_loss(context.batch, *context.output);
  return entropy_to_uniform(context.batch, logits).narrow(0, 0, n).mean() +
         loss.narrow(0, n, all - n).mean() * options_.gamma;
}

void EwcForget::add_gradient(StepContext& context) {
  if (quadratic_.empty()) return;
  auto& arena = context.parameters();
  quadratic_.add_gradient(arena.value(), options_.lambda, arena.grad());
}

Terms EwcForget::terms(StepContext& context) {
  if (quadratic_.empty()) return {};
  return {{"ewc-forget", quadratic_.value(context.parameters().value()).mul_(options_.lambda)}};
}

}  // namespace mneme
