#include "mneme/strategies/pnn.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/nets/columns.hpp"

namespace mneme {
namespace {

/// The learner itself, or the net of a classifier.
Columns& columns_of(Learner& learner) {
  if (auto* own = dynamic_cast<Columns*>(&learner)) return *own;
  if (auto* classifier = dynamic_cast<Classifier*>(&learner))
    if (auto* net = dynamic_cast<Columns*>(&classifier->net())) return *net;
  throw ConfigError(
      "strategy 'pnn' puts columns beside each other, which the learner's net cannot; use learner.net = "
      "{ kind = \"progressive\" }, or learner.kind = \"progressive-vae\" or \"progressive-cvae\"");
}

}  // namespace

Needs Pnn::needs() const {
  return {.task_at_training = true,
          .task_at_test = true,
          .boundaries = true,
          .stages = true,
          .alone = "old columns are frozen, and the others would hold on to a net that grows",
          .learners = {"classifier", "progressive-vae", "progressive-cvae"},
          .prefix = Prefix::kChanges};
}

void Pnn::begin_event(EventContext& context) {
  auto& columns = columns_of(context.learner);
  if (++newest_ > 0) columns.add_column(context.append, context.streams->get("column"));
  columns_[context.task_id()] = newest_;
}

std::vector<Stage> Pnn::stages(EventContext& context) {
  return {{.name = "train", .trainable = columns_of(context.learner).segments(newest_)}};
}

Batch Pnn::compose(Batch batch, StepContext& context) {
  columns_of(context.learner).select(newest_);
  return batch;
}

void Pnn::begin_test(TestContext& context) {
  auto const learnt = context.task ? columns_.find(*context.task) : columns_.end();
  columns_of(context.learner).select(learnt == columns_.end() ? newest_ : learnt->second);
}

void Pnn::end_test(TestContext& context) { columns_of(context.learner).select(newest_); }

void Pnn::state(Archive& archive) {
  Json columns(columns_);
  archive.field("columns", columns);
  archive.field("newest", newest_);
  if (!archive.loading()) return;
  columns_ = columns.get<decltype(columns_)>();
}

}  // namespace mneme
