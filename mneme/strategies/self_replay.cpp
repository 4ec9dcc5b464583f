#include "mneme/strategies/self_replay.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/nets/random.hpp"
#include "mneme/strategies/generated.hpp"
#include "mneme/strategies/list.hpp"

namespace mneme {

Needs SelfReplay::needs() const {
  return {.boundaries = true, .learners = {"vae", "cvae", "lgaa"}, .prefix = Prefix::kPlain};
}

void SelfReplay::end_event(EventContext& context) {
  learnt_.learn(std::get<Task>(context.event).classes, false);
  take(context);
}

void SelfReplay::take(EventContext& context) {
  past_.take(context.learner);
  if (options_.damage > 0) past_.disturb(context.learner.parameters(), options_.damage, context.streams->get("damage"));
}

/// The model that has forgotten draws from now on, and is not asked for what it forgot.
void SelfReplay::let_go(Forgotten const& forgotten, EventContext& context) {
  learnt_.forget(forgotten.classes());
  take(context);
}

Batch SelfReplay::compose(Batch batch, StepContext& context) {
  if (past_.empty()) return batch;
  auto const n = options_.replayed > 0 ? options_.replayed : context.rows.size(0);
  auto& past = past_.net(context);
  auto& stream = context.streams->get("replay");
  at::Tensor x, labels, domains;
  if (dynamic_cast<Recalls const*>(&past) != nullptr) {
    auto recalled = drawn(past, n, stream);
    x = recalled.x;
    if (context.visibility.labels) labels = recalled.labels;
    domains = recalled.domains;
  } else if (auto const* conditional = dynamic_cast<Conditional const*>(&past)) {
    auto const classes = learnt_.classes();
    labels = draw_classes({classes.begin(), classes.end()}, n, stream, batch.x.device());
    x = conditional->sample_of(labels, stream);
  } else {
    x = dynamic_cast<Generates&>(past).sample(n, stream);
  }
  bool const domains_known = domains.defined();
  Batch generated(std::move(x), std::move(labels), std::move(domains), context.visibility);
  generated.parts.front().origin = BatchPart::Origin::kGenerated;
  if (domains_known) context.activate(generated);
  if (options_.weights == "rows") return batch.joined(generated);
  return weighted_join(std::move(batch), std::move(generated), new_share(context.rows.size(0)));
}

Recalled SelfReplay::drawn(Learner const& like, std::int64_t n, at::Generator& noise) {
  auto const* recalls = past_.empty() ? nullptr : dynamic_cast<Recalls const*>(&past_.net(like));
  if (!recalls)
    throw ConfigError("strategy 'self-replay': nothing can be drawn by domain and class: no task was learnt, or '" +
                      like.kind() + "' is no model of domains");
  auto recalled = recalls->recall(n, noise);
  if (options_.labels == "inferred") {
    auto const met = recalls->met().to(recalled.x.device());
    recalled.labels = recalls->classes_of(recalled.x, met.index_select(0, recalled.domains));
  }
  return recalled;
}

Terms SelfReplay::terms(StepContext& context) {
  if (past_.empty()) return {};
  return {{"replay_share", at::scalar_tensor(1 - new_share(context.rows.size(0)))}};
}

double SelfReplay::new_share(std::int64_t batch) const {
  if (past_.empty()) return 1;
  return share_of_new(options_.weights, learnt_.tasks(), batch, options_.replayed > 0 ? options_.replayed : batch);
}

SelfReplay* self_replay_of(StrategyList& strategies) {
  for (auto const& member : strategies.members())
    if (auto* found = dynamic_cast<SelfReplay*>(member.strategy.get())) return found;
  return nullptr;
}

void SelfReplay::state(Archive& archive) {
  past_.state(archive);
  learnt_.state(archive);
}

}  // namespace mneme
