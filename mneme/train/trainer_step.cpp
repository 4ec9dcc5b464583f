// A step of the loop: the hooks of strategies around each phase's gradient, optimizers, parameters that grow. Events
// and stages are in trainer.cpp.
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>

#include "mneme/learners/phase_steps.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

/// Whether it trains in this epoch.
bool phase_runs(Learner const& learner, std::size_t phase, std::int64_t epoch) {
  auto const* tuned = dynamic_cast<TunesPhases const*>(&learner);
  return !tuned || tuned->runs(phase, epoch);
}

/// The last that does.
std::size_t last_phase(Learner const& learner, std::int64_t epoch) {
  auto phase = learner.phases().size() - 1;
  while (phase > 0 && !phase_runs(learner, phase, epoch)) --phase;
  return phase;
}

}  // namespace

void Trainer::step(StageContext& stage_context, Dataset const& data, at::Tensor const& index, double learning_rate) {
  auto const* task = std::get_if<Task>(&stage_context.event);
  Batch batch(data, index, task ? task->id : -1, visibility_);
  if (stage_context.stage.optimise) batch.x = learner_.views(batch.x, draws());
  outputs_.activate(batch);
  clock_.lap(Lap::kData);

  bool const logged = (position_.step + 1) % options_.log_every == 0;
  StepContext context(stage_context, batch, index, position_.step, logged);
  context.source = &data;
  strategies_.each(context, [&](Strategy& s, StepContext& c) { batch = s.compose(std::move(batch), c); });
  auto const gates = strategies_.gates(batch, true);
  clock_.lap(Lap::kStrategy);

  // Where only a part of the net is trained, or nothing, the rest gives what it gives at test: no statistics move.
  auto const& stage = stage_context.stage;
  bool const training = stage.optimise && (stage.trainable.empty() || stage.training_pass);
  ForwardContext const forward{.training = training, .gates = &gates};
  Output output;  // lives until after_step
  context.output = &output;
  for (std::size_t phase = 0; phase < optimizers_.size(); ++phase)
    for (auto left = phase_runs(learner_, phase, position_.epoch) ? phase_step_of(learner_, phase).times : 0; left > 0;
         --left)
      train_phase(context, phase, forward, output, learning_rate);
  if (stage.optimise) {
    train_auxiliaries(batch, learning_rate);
    train_own_steps(context, learning_rate);
  }
  strategies_.each(context, [](Strategy& s, StepContext& c) { s.after_step(c); });
  ++position_.step;
  clock_.lap(Lap::kStrategy);
}

void Trainer::train_phase(StepContext& context, std::size_t index, ForwardContext const& forward, Output& output,
                          double learning_rate) {
  auto& arena = learner_.parameters();
  auto const& phase = learner_.phases()[index];
  auto const& batch = context.batch;
  arena.begin_gradient();
  output = learner_.forward(batch, forward, draws().get("noise"));
  context.phase = &phase;

  at::Tensor loss;
  strategies_.each(context, [&](Strategy& s, StepContext& c) {
    if (auto own = s.objective(c)) loss = *own;
  });
  if (!loss.defined()) loss = learner_.loss(phase, batch, output);
  strategies_.each(context, [&](Strategy& s, StepContext& c) {
    if (auto term = s.penalty(c)) loss = loss + *term;
  });
  clock_.lap(Lap::kForward);
  loss.backward();
  arena.finish_gradient();
  clock_.lap(Lap::kBackward);

  at::NoGradGuard const no_grad;
  loss_sum_.add_(loss.detach());
  ++loss_count_;
  strategies_.each(context, [](Strategy& s, StepContext& c) { s.observe_gradient(c); });
  strategies_.each(context, [](Strategy& s, StepContext& c) { s.add_gradient(c); });
  strategies_.each(context, [](Strategy& s, StepContext& c) { s.project_gradient(c); });
  clip(index);
  clock_.lap(Lap::kStrategy);
  if (context.logged && index == last_phase(learner_, position_.epoch)) log_step(context, learning_rate);
  if (context.stage.optimise) optimizers_[index].step(learning_rate * phase_step_of(learner_, index).rate);
  clock_.lap(Lap::kOptimizer);
}

void Trainer::clip(std::size_t phase) {
  if (options_.clip_norm == 0) return;
  auto const norm = optimizers_[phase].gradient_norm();
  learner_.parameters().grad().mul_((options_.clip_norm / (norm + 1e-6)).clamp_max(1));
}

void Trainer::train_own_steps(StepContext& context, double learning_rate) {
  strategies_.each(context, [&](Strategy& s, StepContext& c) {
    auto const loss = s.own_step(c);
    if (!loss) return;
    auto& arena = learner_.parameters();
    arena.begin_gradient();
    loss->backward();
    arena.finish_gradient();
    at::NoGradGuard const no_grad;
    clip(0);
    optimizers_.front().step(learning_rate);
  });
}

void Trainer::train_auxiliaries(Batch const& batch, double learning_rate) {
  for (auto& member : strategies_.members()) {
    for (auto const& auxiliary : member.strategy->auxiliaries()) {
      auto const key = member.key + "/" + auxiliary.name;
      auto& optimizer = auxiliary_optimizers_[key];
      auto& arena = auxiliary.learner->parameters();
      if (!optimizer) optimizer = std::make_unique<ArenaOptimizer>(options_.optimizer, arena);
      arena.begin_gradient();
      auto const output =
          auxiliary.learner->forward(batch, {.training = true, .gates = nullptr}, member.streams.get(auxiliary.name));
      auxiliary.learner->loss(auxiliary.learner->phases().front(), batch, output).backward();
      arena.finish_gradient();
      optimizer->step(learning_rate);
    }
  }
}

void Trainer::restrict_optimizers(Stage const& stage) {
  auto const in = [](std::vector<int> const& list, int id) {
    return list.empty() || std::find(list.begin(), list.end(), id) != list.end();
  };
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    std::vector<int> both;
    for (int id = 0; id < static_cast<int>(learner_.parameters().segments().size()); ++id)
      if (in(learner_.phases()[i].segments, id) && in(stage.trainable, id)) both.push_back(id);
    optimizers_[i].restrict_to(std::move(both));
  }
}

void Trainer::reset_optimizers() {
  for (auto& optimizer : optimizers_) optimizer.reset();
  for (auto& [name, optimizer] : auxiliary_optimizers_) optimizer->reset();
}

void Trainer::grow(int segment, Shape shape) {
  grown_.insert(learner_.parameters().segment(segment).name);
  carry(learner_.parameters().resize(segment, std::move(shape)));
}

void Trainer::append(std::string name, Shape shape) {
  grown_.insert(name);
  carry(learner_.parameters().append(std::move(name), std::move(shape)));
}

void Trainer::carry(Growth const& growth) {
  for (auto& optimizer : optimizers_) optimizer.grown(growth);
  for (auto& member : strategies_.members()) member.strategy->grown(growth);
}

}  // namespace mneme
