#include "mneme/strategies/er_ace.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

/// bool [C] with the classes of `labels` added.
void mark(at::Tensor const& classes, at::Tensor const& labels) { classes.index_fill_(0, labels, 1); }

/// The learner's loss on rows [first, first + n) of the step, with a softmax over `classes`.
at::Tensor loss_over(at::Tensor const& classes, std::int64_t first, std::int64_t n, StepContext& context) {
  auto part = context.batch.rows(first, n);
  part.active = part.active.defined() ? part.active.logical_and(classes.narrow(0, 0, part.active.size(-1))) : classes;
  return context.learner.loss(*context.phase, part,
                              {.logits = context.output->logits.narrow(0, first, n), .features = {}, .more = {}});
}

}  // namespace

void ErAceOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
}

Batch ErAce::compose(Batch batch, StepContext& context) {
  if (context.past_begins_later() || buffer_.empty()) return batch;
  return batch.joined(
      replayed(buffer_.sample(stored_per_step(options_.batch, context), context.streams->get("replay")), context));
}

std::optional<at::Tensor> ErAce::objective(StepContext& context) {
  terms_.clear();
  auto const fresh = context.rows.size(0), all = context.batch.size();
  auto const labels = context.batch.y().narrow(0, 0, fresh);
  if (!seen_.defined()) seen_ = at::zeros({context.output->logits.size(1)}, labels.options().dtype(at::kBool));
  mark(seen_, labels);
  if (context.past_begins_later() || buffer_.empty()) return std::nullopt;
  auto const present = at::zeros_like(seen_);
  mark(present, labels);
  auto const current = loss_over(present, 0, fresh, context);
  auto const memory = loss_over(seen_, fresh, all - fresh, context);
  terms_ = {{"current", current.detach()}, {"memory", memory.detach()}};
  return current + memory;
}

void ErAce::after_step(StepContext& context) {
  buffer_.offer(current_rows(context), context.streams->get("reservoir"));
}

void ErAce::state(Archive& archive) {
  buffer_.state(archive);
  archive.field("classes", seen_);
}

}  // namespace mneme
