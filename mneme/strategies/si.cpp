#include "mneme/strategies/si.hpp"

#include <torch/types.h>

#include "mneme/strategies/event_importance.hpp"

namespace mneme {

void SiOptions::describe(OptionVisitor& v) {
  v.field("c", c,
          {.help = "strength of the penalty, for a loss that is the mean over the batch",
           .min = 0,
           .source = "Zenke et al. 2017, eq. 4"});
  v.field("xi", xi,
          {.help = "damping: keeps the importance of parameters that hardly moved finite",
           .above = 0,
           .source = "Zenke et al. 2017, eq. 5"});
  v.field("clamp", clamp,
          {.help = "the penalty takes no importance for more than this; 0: as it is",
           .min = 0,
           .source = "Avalanche: 0.001, with variant \"van-de-ven\" and c half of its lambda"});
  v.field("variant", variant,
          {.help = "the authors', or van de Ven's: gradient of the whole loss, negative importance kept",
           .choices = {"zenke", "van-de-ven"},
           .source = "GMvandeVen/continual-learning"});
}

at::Tensor path_importance(at::Tensor const& omega, at::Tensor const& moved, double xi) {
  return omega / (moved.square() + xi);
}

void Si::begin_stage(StageContext& context) {
  if (started_) return;
  started_ = true;
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  path_.prepare(context.parameters());
  // The weights have not moved since the last task's end, but parameters that are new since then have a value now.
  mutable_quadratic().decay_and_move(1.0, at::zeros_like(theta), theta);
}

void Si::end_event(EventContext& context) {
  if (!started_) return;
  started_ = false;
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  auto importance = path_importance(path_.omega(), theta - quadratic().anchor(), options_.xi);
  if (!whole_loss_) importance.clamp_min_(0);
  log_importance(name(), importance, context);
  if (options_.clamp > 0) {
    sum_ = sum_.defined() ? sum_ + importance : importance;
    mutable_quadratic().decay_and_move(0.0, sum_.clamp_max(options_.clamp), theta);
  } else {
    mutable_quadratic().decay_and_move(1.0, importance, theta);
  }
  path_.clear();
}

void Si::observe_gradient(StepContext& context) {
  if (!whole_loss_) path_.observe(context.parameters());
}

/// By then every penalty of the list has been added.
void Si::project_gradient(StepContext& context) {
  if (whole_loss_) path_.observe(context.parameters());
}

void Si::after_step(StepContext& context) { path_.advance(context.parameters().value()); }

void Si::grown(Growth const& growth) {
  QuadraticPenalty::grown(growth);
  path_.grown(growth);
  if (sum_.defined()) sum_ = growth.carry(sum_);
}

void Si::state(Archive& archive) {
  QuadraticPenalty::state(archive);
  path_.state(archive);
  archive.field("started", started_);
  if (options_.clamp > 0) archive.field("sum", sum_);
}

}  // namespace mneme
