#include "mneme/strategies/fetril.hpp"

#include <torch/types.h>

#include <limits>

#include "mneme/strategies/backbone.hpp"
#include "mneme/strategies/nearest_mean.hpp"

namespace mneme {
namespace {

/// Similarity of each row of `a` to each row of `b`; larger is more similar.
at::Tensor similarities(at::Tensor const& a, at::Tensor const& b, std::string const& kind) {
  if (kind == "distance") return -(a.unsqueeze(1) - b.unsqueeze(0)).square().sum(2);
  return unit_length(a).mm(unit_length(b).t());
}

}  // namespace

void FetrilOptions::describe(OptionVisitor& v) {
  v.field("similarity", similarity,
          {.help = "how the new class whose features stand in for an old one is chosen: by cosine of the means, or by "
                   "their distance as in the authors' code",
           .choices = {"cosine", "distance"},
           .source = "Petit et al. 2023"});
}

at::Tensor nearest_new_class(ClassMeans const& old, ClassMeans const& now, std::string const& similarity) {
  auto const never_seen = now.seen().logical_and(old.seen().logical_not());
  auto const is_new = never_seen.any().item<bool>() ? never_seen : now.seen();
  auto const is_old = old.seen().logical_and(is_new.logical_not());
  auto const nearest = similarities(old.mean(), now.mean(), similarity)
                           .masked_fill(is_new.logical_not(), -std::numeric_limits<double>::infinity())
                           .argmax(1);
  return nearest.masked_fill(is_old.logical_not(), -1);
}

LabelledFeatures with_pseudo_features(LabelledFeatures const& real, at::Tensor const& source, at::Tensor const& shift) {
  auto const pairs = real.labels.unsqueeze(1).eq(source).nonzero();  // (row, old class)
  auto const row = pairs.select(1, 0), old = pairs.select(1, 1);
  auto const pseudo = real.features.index_select(0, row).add_(shift.index_select(0, old));
  return {at::cat({real.features, pseudo}), at::cat({real.labels, old})};
}

Needs Fetril::needs() const {
  return {.boundaries = true,
          .replaces_objective = true,
          .stages = true,
          .alone = "the others would hold on to a net that trains no more",
          .learners = {"classifier"},
          .prefix = Prefix::kPlain};
}

void Fetril::measure(EventContext const& context) {
  look_through(context, context.data, [&](Batch const& batch, Output const& output) {
    now_.add(output.features, batch.y(), output.logits.size(1));
  });
}

void Fetril::prepare(at::Tensor const& like) {
  source_ = nearest_new_class(means_, now_, options_.similarity);
  shift_ = (means_.mean() - now_.mean().index_select(0, source_.clamp_min(0))).to(like.scalar_type());
  seen_ = means_.seen().logical_or(now_.seen());
}

void Fetril::begin_event(EventContext& context) {
  head_.emplace(linear_head(context.parameters()));  // also in the first event, to refuse early where there is none
  if (!context.first()) measure(context);
}

std::vector<Stage> Fetril::stages(EventContext& context) {
  if (context.first()) return {};
  return {head_stage(context.parameters())};
}

std::optional<at::Tensor> Fetril::objective(StepContext& context) {
  if (context.first()) return std::nullopt;
  auto const features = context.output->features.detach();
  if (!source_.defined()) prepare(features);
  if (!head_) head_.emplace(linear_head(context.parameters()));  // after a resume
  auto const both = with_pseudo_features({features, context.batch.y()}, source_, shift_);
  Batch batch(both.features, both.labels);
  batch.active = seen_;
  Output const output{.logits = head_->forward(both.features), .features = both.features, .more = {}};
  return context.learner.loss(*context.phase, batch, output);
}

void Fetril::end_event(EventContext& context) {
  if (context.first()) measure(context);
  means_.add(now_);
  now_ = {};
  source_ = shift_ = seen_ = at::Tensor();
}

void Fetril::state(Archive& archive) {
  for (auto const& [name, means] : {std::pair{"all", &means_}, std::pair{"now", &now_}}) {
    Archive::Scope const scope(archive, name);
    means->state(archive);
  }
  if (archive.loading()) source_ = shift_ = seen_ = at::Tensor();
}

}  // namespace mneme
