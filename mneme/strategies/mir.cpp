#include "mneme/strategies/mir.hpp"

#include <torch/types.h>

#include <algorithm>

namespace mneme {

void MirOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("candidates", candidates,
          {.help = "stored samples that are scored in each step",
           .unit = "samples",
           .min = 1,
           .source = "Aljundi et al. 2019: 50"});
  v.field("batch", batch,
          {.help = "how many of them are replayed", .unit = "samples", .min = 1, .source = "Aljundi et al. 2019: 10"});
  v.field("learning_rate", learning_rate,
          {.help = "of the virtual step that the scores are taken after; usually the optimizer's",
           .above = 0,
           .source = "Aljundi et al. 2019: 0.05 for MNIST"});
}

Batch Mir::compose(Batch batch, StepContext& context) {
  if (context.past_begins_later() || buffer_.empty()) return batch;
  auto const rows = buffer_.sample_distinct(options_.candidates, context.streams->get("replay"));
  auto const scores = interference(batch.rows(0, context.rows.size(0)), replayed(rows, context), context);
  auto const most = std::get<1>(scores.topk(std::min(options_.batch, rows.size())));
  return batch.joined(replayed(rows.select(most), context));
}

at::Tensor Mir::interference(Batch const& current, Batch const& candidates, StepContext& context) {
  auto& learner = context.learner;
  auto& arena = context.parameters();
  auto& noise = context.streams->get("noise");
  if (!gradient_.defined()) {
    gradient_ = arena.new_row();
    kept_ = arena.new_row();
  }
  learner.gradient(current, gradient_, noise);

  at::NoGradGuard const no_grad;
  auto const before_noise = noise.get_state();
  auto const losses = [&] {
    noise.set_state(before_noise);  // the two differ by the weights alone
    return learner.per_sample_loss(candidates,
                                   learner.forward(candidates, {.training = false, .gates = nullptr}, noise));
  };
  auto const before = losses();
  auto const& theta = arena.value();
  kept_.copy_(theta);
  theta.add_(gradient_, -options_.learning_rate);
  auto const after = losses();
  theta.copy_(kept_);
  return after - before;
}

void Mir::after_step(StepContext& context) { buffer_.offer(current_rows(context), context.streams->get("reservoir")); }

void Mir::grown(Growth const&) {
  gradient_.reset();
  kept_.reset();
}

}  // namespace mneme
