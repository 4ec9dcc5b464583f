#include "mneme/strategies/separate.hpp"

#include <torch/types.h>

namespace mneme {

Needs Separate::needs() const {
  return {.task_at_training = true,
          .task_at_test = true,
          .boundaries = true,
          .stages = true,
          .alone = "each task has a net of its own, so that there is nothing to remember",
          .learners = {"classifier"}};
}

void Separate::begin_event(EventContext& context) { current_ = context.task_id(); }

std::vector<Stage> Separate::stages(EventContext& context) {
  return {{.name = "train", .from_scratch = !context.first()}};
}

void Separate::end_event(EventContext& context) {
  at::NoGradGuard const no_grad;
  auto const theta = context.parameters().value().unsqueeze(0);
  auto const [row, is_new] = rows_.try_emplace(context.task_id(), nets_.defined() ? nets_.size(0) : 0);
  if (is_new)
    nets_ = nets_.defined() ? at::cat({nets_, theta}) : theta.clone();
  else
    nets_.select(0, row->second).copy_(theta[0]);
  statistics_.keep(context.task_id(), context.parameters());
  current_ = -1;
}

void Separate::begin_test(TestContext& context) {
  auto const learnt = context.task ? rows_.find(*context.task) : rows_.end();
  if (learnt == rows_.end() || learnt->first == current_) return;
  shown_.replace(context.learner.parameters().value(), nets_.select(0, learnt->second));
  statistics_.show(learnt->first, context.learner.parameters());
}

void Separate::end_test(TestContext& context) {
  shown_.restore(context.learner.parameters().value());
  statistics_.restore(context.learner.parameters());
}

void Separate::state(Archive& archive) {
  Json rows(rows_);
  archive.field("rows", rows);
  archive.field("nets", nets_);
  archive.field("current", current_);
  statistics_.state(archive);
  if (archive.loading()) rows_ = rows.get<decltype(rows_)>();
}

}  // namespace mneme
