#include "mneme/strategies/self_replay.hpp"

#include <torch/types.h>

#include "mneme/learners/conditional.hpp"
#include "mneme/strategies/generated.hpp"

namespace mneme {

Needs SelfReplay::needs() const { return {.boundaries = true, .learners = {"vae", "cvae"}, .prefix = Prefix::kPlain}; }

void SelfReplay::end_event(EventContext& context) {
  auto const* task = std::get_if<Task>(&context.event);
  if (!task) return;
  past_.take(context.learner);
  learnt_.learn(task->classes, false);
}

Batch SelfReplay::compose(Batch batch, StepContext& context) {
  if (past_.empty()) return batch;
  auto const n = options_.replayed > 0 ? options_.replayed : context.rows.size(0);
  auto& past = past_.net(context);
  auto& stream = context.streams->get("replay");
  at::Tensor x, labels;
  if (auto const* conditional = dynamic_cast<Conditional const*>(&past)) {
    auto const classes = learnt_.classes();
    auto const drawn = draw_indices(static_cast<std::int64_t>(classes.size()), n, stream, at::kCPU);
    labels = at::tensor(std::vector<std::int64_t>(classes.begin(), classes.end()), at::kLong)
                 .index_select(0, drawn)
                 .to(batch.x.device());
    x = conditional->sample_of(labels, stream);
  } else {
    x = dynamic_cast<Generates&>(past).sample(n, stream);
  }
  Batch generated(std::move(x), std::move(labels), at::Tensor(), context.visibility);
  generated.parts.front().origin = BatchPart::Origin::kGenerated;
  return weighted_join(std::move(batch), std::move(generated), learnt_.tasks() + 1);
}

void SelfReplay::state(Archive& archive) {
  past_.state(archive);
  learnt_.state(archive);
}

}  // namespace mneme
