#include "mneme/strategies/rwalk.hpp"

#include <torch/types.h>

#include "mneme/strategies/event_importance.hpp"

namespace mneme {
namespace {

/// In [0, 1]; zero stays zero.
at::Tensor normalised(at::Tensor const& row) { return row / row.max().clamp_min(1e-30); }

}  // namespace

void RWalkOptions::describe(OptionVisitor& v) {
  v.field("lambda", lambda,
          {.help = "strength of the penalty, for a loss that is the mean over the batch",
           .min = 0,
           .source = "Chaudhry et al. 2018, eq. 8; value: continual-learning-baselines"});
  v.field("alpha", alpha,
          {.help = "share of the new squared gradient in the running Fisher",
           .above = 0,
           .max = 1,
           .source = "Chaudhry et al. 2018, eq. 6"});
  v.field("window", window,
          {.help = "steps over which a gain and a distance are measured (Delta t)",
           .unit = "steps",
           .min = 1,
           .source = "facebookresearch/agem: 10 on MNIST, 50 on CIFAR"});
  v.field("epsilon", epsilon,
          {.help = "damping: keeps the score of parameters that hardly moved finite",
           .above = 0,
           .source = "Chaudhry et al. 2018, eq. 7; value: facebookresearch/agem"});
}

at::Tensor window_score(at::Tensor const& gain, at::Tensor const& fisher, at::Tensor const& moved, double epsilon) {
  return (gain / (moved.square().mul_(fisher).mul_(0.5).add_(epsilon))).clamp_min_(0);
}

void RWalk::begin_stage(StageContext& context) {
  at::NoGradGuard const no_grad;
  auto& arena = context.parameters();
  path_.prepare(arena);
  if (!score_.defined()) {
    score_ = arena.new_row();
    start_ = arena.new_row();
  }
  if (steps_ == 0) start_.copy_(arena.value());  // new parameters have a value now
}

void RWalk::observe_gradient(StepContext& context) {
  auto& arena = context.parameters();
  path_.observe(arena);
  auto const& g = arena.grad();
  if (fisher_.defined()) {
    fisher_.mul_(1 - options_.alpha).addcmul_(g, g, options_.alpha);
  } else {
    fisher_ = arena.new_row();
    fisher_.addcmul_(g, g);
  }
}

void RWalk::after_step(StepContext& context) {
  auto const& theta = context.parameters().value();
  path_.advance(theta);
  if (++steps_ == options_.window) close_window(theta);
}

void RWalk::close_window(at::Tensor const& theta) {
  at::NoGradGuard const no_grad;
  score_.add_(window_score(path_.omega(), fisher_, theta - start_, options_.epsilon));
  path_.clear();
  start_.copy_(theta);
  steps_ = 0;
}

void RWalk::keep_best() {
  if (!fisher_.defined()) return;
  path_.keep();
  best_ = {.fisher = fisher_.clone(), .score = score_.clone(), .start = start_.clone(), .steps = steps_};
}

void RWalk::restore_best() {
  if (!best_.fisher.defined()) return;
  path_.restore();
  fisher_ = best_.fisher;
  score_ = best_.score;
  start_ = best_.start;
  steps_ = best_.steps;
  best_ = {};
}

void RWalk::end_event(EventContext& context) {
  if (!fisher_.defined()) return;  // no step was made
  at::NoGradGuard const no_grad;
  auto const& theta = context.parameters().value();
  if (steps_ > 0) close_window(theta);
  if (tasks_++ > 0) score_.mul_(0.5);
  auto const importance = normalised(fisher_).add_(normalised(score_));
  log_importance(name(), importance, context);
  mutable_quadratic().decay_and_move(0, importance, theta);
}

void RWalk::grown(Growth const& growth) {
  QuadraticPenalty::grown(growth);
  path_.grown(growth);
  for (auto* row : {&fisher_, &score_, &start_, &best_.fisher, &best_.score, &best_.start})
    if (row->defined()) *row = growth.carry(*row);
}

void RWalk::state(Archive& archive) {
  QuadraticPenalty::state(archive);
  path_.state(archive);
  archive.field("fisher", fisher_);
  archive.field("score", score_);
  archive.field("window_start", start_);
  archive.field("window_steps", steps_);
  archive.field("tasks", tasks_);
  archive.field("best_fisher", best_.fisher);
  archive.field("best_score", best_.score);
  archive.field("best_start", best_.start);
  archive.field("best_steps", best_.steps);
}

}  // namespace mneme
