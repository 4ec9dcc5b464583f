#include "mneme/strategies/si.hpp"

#include <torch/types.h>

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
}

at::Tensor path_importance(at::Tensor const& omega, at::Tensor const& moved, double xi) {
  return (omega / (moved.square() + xi)).clamp_min_(0);
}

void Si::begin_stage(StageContext& context) {
  if (started_) return;
  started_ = true;
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  if (!omega_.defined()) omega_ = context.parameters().new_row();
  // The weights have not moved since the last task's end, but parameters that are new since then have a value now.
  quadratic_.decay_and_move(1.0, at::zeros_like(theta), theta);
}

void Si::end_event(EventContext& context) {
  if (!started_) return;
  started_ = false;
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  quadratic_.decay_and_move(1.0, path_importance(omega_, theta - quadratic_.anchor(), options_.xi), theta);
  omega_.zero_();
}

void Si::observe_gradient(StepContext& context) {
  auto& arena = context.parameters();
  if (!gradient_.defined()) {
    gradient_ = arena.new_row();
    before_ = arena.new_row();
  }
  account(arena.value());  // of the phase before, for a learner of several
  gradient_.copy_(arena.grad());
  before_.copy_(arena.value());
  pending_ = true;
}

void Si::after_step(StepContext& context) { account(context.parameters().value()); }

void Si::account(at::Tensor const& theta) {
  if (!pending_) return;
  pending_ = false;
  at::NoGradGuard const no_grad;
  omega_.addcmul_(gradient_, before_.sub_(theta));  // before - after is minus the step
}

void Si::add_gradient(StepContext& context) {
  if (context.first() || options_.c == 0) return;
  auto& arena = context.parameters();
  quadratic_.add_gradient(arena.value(), 2 * options_.c, arena.grad());
}

Terms Si::terms(StepContext& context) {
  if (context.first()) return {};
  return {{"si", quadratic_.value(context.parameters().value()).mul_(2 * options_.c)}};
}

void Si::grown(Growth const& growth) {
  quadratic_.grown(growth);
  if (omega_.defined()) omega_ = growth.carry(omega_);
  gradient_ = before_ = at::Tensor();
}

void Si::state(Archive& archive) {
  quadratic_.state(archive);
  archive.field("omega", omega_);
  archive.field("started", started_);
}

}  // namespace mneme
