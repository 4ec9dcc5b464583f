#include "mneme/strategies/generated.hpp"

#include <torch/types.h>

#include <limits>

namespace mneme {
namespace {

/// Rows [first, first + n) of a step's output.
Output rows_of(Output const& output, std::int64_t first, std::int64_t n) {
  Output part{.logits = output.logits.narrow(0, first, n), .features = output.features.narrow(0, first, n), .more = {}};
  for (auto const& [name, value] : output.more) part.more[name] = value.narrow(0, first, n);
  return part;
}

}  // namespace

void PastSolver::take(EventContext& context) {
  auto const* task = std::get_if<Task>(&context.event);
  if (!task) return;
  teacher_.take(context.learner);
  learnt_.learn(task->classes, false);
  ids_.push_back(context.known_task().value_or(-1));
}

std::vector<std::int64_t> PastSolver::classes() const {
  auto const set = learnt_.classes();
  return {set.begin(), set.end()};
}

Answers PastSolver::ask(at::Tensor const& x, StepContext& context, at::Generator& choice, at::Tensor labels) {
  at::NoGradGuard const no_grad;
  auto const drawn = draw_indices(static_cast<std::int64_t>(ids_.size()), x.size(0), choice, at::kCPU);
  auto const task = at::tensor(ids_, at::kLong).index_select(0, drawn).to(x.device());
  Batch open(x, {}, task, context.visibility);
  context.activate(open);
  auto const logits = teacher_.forward(open, context).logits;
  auto const outputs = logits.size(1);
  auto mask = learnt_.masks(outputs, x.device()).view({outputs});
  if (auto const active = active_of(open, outputs); active.defined()) mask = mask.logical_and(active);
  if (!labels.defined())
    labels = logits.masked_fill(mask.logical_not(), -std::numeric_limits<float>::infinity()).argmax(1);
  Batch batch(x, std::move(labels), task, context.visibility);
  batch.parts.front().origin = BatchPart::Origin::kGenerated;
  batch.active = open.active;
  return {.batch = std::move(batch), .logits = logits, .mask = std::move(mask)};
}

void PastSolver::state(Archive& archive) {
  teacher_.state(archive);
  learnt_.state(archive);
  Json ids = ids_;
  archive.field("ids", ids);
  if (archive.loading()) ids_ = ids.get<std::vector<std::int64_t>>();
}

Batch weighted_join(Batch batch, Batch generated, double share) {
  auto const rows = static_cast<double>(batch.size() + generated.size());
  batch.weight = row_weights(batch, rows * share);
  generated.weight = row_weights(generated, rows * (1 - share));
  return batch.joined(generated);
}

at::Tensor distilled_objective(StepContext& context, Answers const& answers, double share,
                               DistillationOptions const& options, Terms& terms, GeneratedTerm const& further) {
  auto const made = answers.batch.size();
  auto const real = context.batch.size() - made;
  auto const current =
      context.learner.loss(*context.phase, context.batch.rows(0, real), rows_of(*context.output, 0, real));
  auto rows = context.batch.rows(real, made);
  auto const output = rows_of(*context.output, real, made);
  auto const targets = soft_targets(answers.logits, options.temperature, answers.mask);
  auto replay = distillation(output.logits, targets, options, rows.active).mean();
  terms["distillation"] = replay.detach();
  if (further) replay = replay + further(rows, output, targets);
  return current * share + replay * (1 - share);
}

}  // namespace mneme
