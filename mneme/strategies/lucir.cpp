#include "mneme/strategies/lucir.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mneme/core/errors.hpp"
#include "mneme/strategies/class_means.hpp"
#include "mneme/strategies/exemplar_data.hpp"
#include "mneme/strategies/head.hpp"
#include "mneme/strategies/nearest_mean.hpp"

namespace mneme {
namespace {

void require_cosine_head(ParameterArena const& arena) {
  auto const& segments = arena.segments();
  if (std::none_of(segments.begin(), segments.end(), [](Segment const& s) { return s.name == "head.scale"; }))
    throw ConfigError(
        "strategy 'lucir' needs an output layer of cosines, this net has another kind; set learner.net.output = "
        "\"cosine\"");
}

}  // namespace

void LucirOptions::describe(OptionVisitor& v) {
  auto const* paper = "Hou et al. 2019";
  v.field("exemplars", exemplars,
          {.help = "stored samples of each class", .unit = "samples", .min = 0, .source = paper});
  v.field("lambda", lambda,
          {.help = "weight of the features' direction, times sqrt(old classes / new classes); at 0 the weights of old "
                   "classes are trained on",
           .min = 0,
           .source = "Hou et al. 2019: 5 for CIFAR-100, 10 for ImageNet"});
  v.field("margin", margin, {.help = "m between the cosines of a class and of a new one", .min = 0, .source = paper});
  v.field("margin_weight", margin_weight, {.help = "weight of the margin's term", .min = 0, .source = "authors' code"});
  v.field("hardest", hardest, {.help = "K new classes that a sample keeps the margin to", .min = 1, .source = paper});
  v.field("imprint", imprint, {.help = "begin the weights of new classes at their mean features"});
}

at::Tensor margin_ranking(at::Tensor const& cosines, at::Tensor const& labels, at::Tensor const& old,
                          at::Tensor const& fresh, std::int64_t hardest, double margin) {
  auto const is_old = old.index_select(0, labels);
  auto const own = cosines.gather(1, labels.unsqueeze(1));
  auto const others = cosines.masked_fill(fresh.logical_not(), -std::numeric_limits<double>::infinity());
  auto const each = (margin - own + std::get<0>(others.topk(hardest, 1))).clamp_min(0).mean(1);
  return each.masked_fill(is_old.logical_not(), 0).sum() / is_old.sum().clamp_min(1);
}

void Lucir::imprint(EventContext const& context) {
  if (context.data.size() == 0) return;
  ClassMeans means;
  look_through(context, context.data, [&](Batch const& batch, Output const& output) {
    means.add(unit_length(output.features), batch.y(), output.logits.size(1));
  });
  at::NoGradGuard const no_grad;
  auto& arena = context.parameters();
  auto const& weight = arena.value(arena.find("head.weight"));
  sort_classes(context, weight.size(0));
  auto const norms = weight.norm(2, {1});
  auto const norm = norms.masked_fill(old_.logical_not(), 0).sum() / old_.sum();
  auto const imprinted = unit_length(means.mean()).to(weight.scalar_type()) * norm;
  auto const known = fresh_.logical_and(means.seen());  // a class without samples keeps the weights that it was given
  weight.copy_(at::where(known.unsqueeze(1), imprinted, weight));
}

void Lucir::sort_classes(EventContext const& context, std::int64_t outputs) {
  if (old_.defined()) return;
  auto const old = old_classes(learnt_, context), fresh = new_classes(learnt_, context);
  auto const device = context.parameters().device();
  old_ = output_mask(old, outputs, device);
  fresh_ = output_mask(fresh, outputs, device);
  hardest_ = std::min(options_.hardest, static_cast<std::int64_t>(fresh.size()));
  feature_weight_ = options_.lambda * std::sqrt(static_cast<double>(old.size()) /
                                                static_cast<double>(std::max<std::size_t>(1, fresh.size())));
}

void Lucir::begin_event(EventContext& context) {
  require_cosine_head(context.parameters());
  old_ = fresh_ = at::Tensor();
  if (old_classes(learnt_, context).empty() || new_classes(learnt_, context).empty()) return;
  teacher_.take(context.learner);
  if (options_.imprint) imprint(context);
}

std::vector<Stage> Lucir::stages(EventContext& context) {
  if (exemplars_.empty()) return {};
  return {{.name = "train", .data = with_stored(context.data, exemplars_.all(), context)}};
}

std::optional<at::Tensor> Lucir::penalty(StepContext& context) {
  if (teacher_.empty() || (options_.lambda == 0 && options_.margin_weight == 0)) return std::nullopt;
  auto const& output = *context.output;
  sort_classes(context, output.logits.size(1));
  auto sum = at::zeros({}, output.logits.options());
  if (options_.lambda > 0) {
    auto const before = unit_length(teacher_.forward(context.batch, context).features);
    sum = sum + (1 - (unit_length(output.features) * before).sum(1)).mean() * feature_weight_;
  }
  if (options_.margin_weight > 0)
    sum = sum + margin_ranking(output.more.at("cosines"), context.batch.y(), old_, fresh_, hardest_, options_.margin) *
                    options_.margin_weight;
  return sum;
}

void Lucir::after_step(StepContext& context) {
  if (teacher_.empty() || options_.lambda == 0) return;
  at::NoGradGuard const no_grad;
  auto& arena = context.parameters();
  auto const id = arena.find("head.weight");
  auto const& weight = arena.value(id);
  auto const before = arena.segment(id).of(teacher_.values());
  weight.copy_(at::where(old_.unsqueeze(1), before, weight));  // whatever momentum and decay made of them
}

void Lucir::end_event(EventContext& context) {
  auto const classes = classes_of(context);
  learnt_.learn(classes, false);
  teacher_.clear();
  choose_exemplars(exemplars_, context.data, options_.exemplars, context);
}

void Lucir::let_go(Forgotten const& forgotten, EventContext&) {
  drop(exemplars_, forgotten);
  learnt_.forget(forgotten.classes());
}

void Lucir::state(Archive& archive) {
  {
    Archive::Scope const scope(archive, "exemplars");
    exemplars_.state(archive);
  }
  teacher_.state(archive);
  learnt_.state(archive);
  if (archive.loading()) old_ = fresh_ = at::Tensor();
}

}  // namespace mneme
