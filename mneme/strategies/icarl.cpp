#include "mneme/strategies/icarl.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/strategies/exemplar_data.hpp"
#include "mneme/strategies/head.hpp"

namespace mneme {

void IcarlOptions::describe(OptionVisitor& v) {
  v.field("memory", memory,
          {.help = "exemplars in all, shared evenly by the classes seen",
           .unit = "samples",
           .min = 0,
           .source = "Rebuffi et al. 2017: 2000 for CIFAR-100"});
  v.field("temperature", temperature,
          {.help = "divides the former network's scores of old classes before their sigmoid; the network's own stay",
           .above = 0,
           .source = "1: Rebuffi et al. 2017; 2: GMvandeVen/continual-learning"});
}

at::Tensor icarl_loss(at::Tensor const& logits, at::Tensor const& labels, at::Tensor const& teacher,
                      at::Tensor const& seen, at::Tensor const& old, double temperature) {
  auto targets = at::zeros_like(logits, logits.options().requires_grad(false)).scatter_(1, labels.unsqueeze(1), 1);
  if (teacher.defined()) targets = at::where(old, (teacher / temperature).sigmoid_(), targets);
  auto const weight = seen.to(logits.scalar_type());
  return at::binary_cross_entropy_with_logits(logits, targets, weight / weight.sum(), {}, at::Reduction::None).sum() /
         logits.size(0);
}

void Icarl::begin_event(EventContext& context) {
  if (!old_classes(learnt_, context).empty()) teacher_.take(context.learner);
  seen_ = old_ = at::Tensor();
}

std::int64_t Icarl::share(std::size_t classes) const { return options_.memory / static_cast<std::int64_t>(classes); }

std::vector<Stage> Icarl::stages(EventContext& context) {
  auto const known = learnt_.classes();
  auto const fresh = new_classes(learnt_, context);
  std::vector<Rows> rows;
  for (auto const label : fresh) {
    auto const own = context.data.labels().eq(label).nonzero().squeeze(1);
    rows.push_back(chosen_rows(context.data,
                               own.narrow(0, 0, std::min(own.size(0), share(known.size() + fresh.size()))), context));
  }
  arriving_ = rows.empty() ? Rows() : joined(rows);
  if (exemplars_.empty()) return {};
  return {{.name = "train", .data = with_stored(context.data, exemplars_.all(), context)}};
}

std::optional<at::Tensor> Icarl::objective(StepContext& context) {
  auto const& logits = context.output->logits;
  if (!seen_.defined()) {
    auto const old = old_classes(learnt_, context);
    auto const fresh = classes_of(context);
    auto seen = old;
    seen.insert(fresh.begin(), fresh.end());
    old_ = output_mask(old, logits.size(1), logits.device());
    seen_ = output_mask(seen, logits.size(1), logits.device());
  }
  auto const given = teacher_.empty() ? at::Tensor() : teacher_.forward(context.batch, context).logits;
  return icarl_loss(logits, context.batch.y(), given, seen_, old_, options_.temperature);
}

void Icarl::end_event(EventContext& context) {
  auto const classes = classes_of(context);
  learnt_.learn(classes, false);
  teacher_.clear();
  arriving_ = {};
  choose_exemplars(exemplars_, context.data, share(learnt_.classes().size()), context);
  means_.fit(context.learner, exemplars_.all(), context.poll);
}

void Icarl::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(exemplars_, forgotten);
  learnt_.forget(forgotten.classes());
  means_.fit(context.learner, exemplars_.all(), context.poll);
}

void Icarl::begin_test(TestContext& context) {
  if (means_.stale()) means_.fit(context.learner, joined({exemplars_.all(), arriving_}));
}

void Icarl::state(Archive& archive) {
  {
    Archive::Scope const scope(archive, "exemplars");
    exemplars_.state(archive);
  }
  {
    Archive::Scope const scope(archive, "arriving");
    archive.field("data", arriving_.data);
    archive.field("labels", arriving_.labels);
    archive.field("task", arriving_.task);
  }
  teacher_.state(archive);
  learnt_.state(archive);
  means_.state(archive);
  if (archive.loading()) seen_ = old_ = at::Tensor();
}

}  // namespace mneme
