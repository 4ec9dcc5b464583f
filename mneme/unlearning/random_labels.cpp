#include "mneme/unlearning/random_labels.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace mneme {

void RandomLabelsOptions::describe(OptionVisitor& v) {
  length.describe(v);
  v.field(
      "labels", labels,
      {.help =
           "drawn from the retained classes but the sample's own, or from all of them; the same where whole classes "
           "are to be forgotten",
       .choices = {"others", "all"},
       .source = "Graves et al. 2021"});
}

at::Tensor drawn_labels(at::Tensor const& labels, at::Tensor const& candidates, bool others, at::Generator& generator) {
  auto const k = candidates.size(0);
  auto const uniform = at::rand(labels.sizes(), generator, at::kDouble).to(labels.device());
  auto const own = candidates.eq(labels.unsqueeze(1));  // [N, K]
  auto const skips = own.any(1).to(at::kLong) * (others && k > 1 ? 1 : 0);
  auto pick = (uniform * (k - skips)).to(at::kLong).clamp_max(k - 1);
  auto const place = own.to(at::kLong).argmax(1);
  pick = pick + skips * pick.ge(place).to(at::kLong);
  return candidates.index_select(0, pick);
}

void RandomLabels::check(Asked const& asked) const {
  if (asked.visibility.task_at_test)
    throw ConfigError(
        "random labels are drawn from all classes, but in a task-incremental stream a sample's softmax is over "
        "those of its task; use grad-diff or ssd");
}

std::vector<Stage> RandomLabels::stages(EventContext&) {
  return {options_.length.stage("random labels", both(data()))};
}

Batch RandomLabels::compose(Batch batch, StepContext& context) {
  if (!candidates_.defined()) candidates_ = std::get<0>(at::_unique(data().retain.labels(), /*sorted=*/true));
  auto const drawn =
      drawn_labels(batch.y(), candidates_, options_.labels == "others", context.streams->get("random-labels"));
  auto const forget = context.rows.lt(data().forget.size());
  Batch changed(batch.x, at::where(forget, drawn, batch.y()), context.source->tasks().index_select(0, context.rows),
                batch.visibility());
  context.activate(changed);
  return changed;
}

void SalUnOptions::describe(OptionVisitor& v) {
  random.describe(v);
  v.field("quantile", quantile,
          {.help = "share of the weights that stay, those with the smallest gradients on what is forgotten",
           .min = 0,
           .below = 1,
           .source = "Fan et al. 2024: 0.5, the median"});
}

at::Tensor salient(at::Tensor const& gradient, double quantile) {
  auto const size = gradient.abs();
  auto const below = static_cast<std::int64_t>(std::floor(quantile * static_cast<double>(size.numel())));
  auto const threshold = std::get<0>(size.kthvalue(std::min(below + 1, size.numel())));
  return size.ge(threshold).logical_and(size.gt(0));
}

void SalUn::begin_event(EventContext& context) {
  at::NoGradGuard const no_grad;
  auto const& arena = context.parameters();
  auto const& forget = data().forget;
  auto sum = arena.new_row();
  auto const row = arena.new_row();
  constexpr std::int64_t kAtOnce = 500;
  auto const all = at::arange(forget.size(), forget.labels().options());
  for (auto const& index : all.split(kAtOnce)) {
    context.poll();
    Batch batch(forget, index, -1, context.visibility);
    context.activate(batch);
    context.learner.gradient(batch, row, context.streams->get("noise"), context.gates(batch));
    sum.add_(row, static_cast<double>(index.size(0)) / static_cast<double>(forget.size()));
  }
  mask_ = salient(sum, quantile_);
  origin_ = arena.value().clone();
}

void SalUn::end_event(EventContext& context) {
  RandomLabels::end_event(context);
  mask_ = origin_ = at::Tensor();
}

void SalUn::project_gradient(StepContext& context) { context.parameters().grad().mul_(mask_); }

void SalUn::after_step(StepContext& context) {
  auto const& value = context.parameters().value();
  value.copy_(at::where(mask_, value, origin_));  // weight decay moves what has no gradient
}

void SalUn::state(Archive& archive) {
  archive.field("mask", mask_);
  archive.field("origin", origin_);
}

}  // namespace mneme
