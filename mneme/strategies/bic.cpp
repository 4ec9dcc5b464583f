#include "mneme/strategies/bic.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "mneme/core/text.hpp"
#include "mneme/nets/random.hpp"
#include "mneme/strategies/exemplar_data.hpp"
#include "mneme/strategies/head.hpp"

namespace mneme {

void BicOptions::describe(OptionVisitor& v) {
  v.field("memory", memory,
          {.help = "exemplars in all, shared evenly by the classes seen",
           .unit = "samples",
           .min = 0,
           .source = "Wu et al. 2019: 2000 for CIFAR-100"});
  v.field("held_out", held_out,
          {.help = "share of the exemplars that is held out for the correction; 0: no correction",
           .min = 0,
           .below = 1,
           .source = "Wu et al. 2019, sec. 6.1"});
  v.field("lambda", lambda,
          {.help = "share of the distillation in the loss; below 0: the share of old classes among those seen",
           .max = 1,
           .source = "Wu et al. 2019, eq. 3"});
  v.field("temperature", temperature,
          {.help = "T of the distillation", .above = 0, .source = "Wu et al. 2019, sec. 6.2"});
  v.field("ridge", ridge, {.help = "strength that pulls the correction towards none", .above = 0});
}

std::int64_t Bic::held_out_of(std::int64_t share) const {
  if (share < 2) return 0;
  return std::min(share - 1, static_cast<std::int64_t>(std::ceil(options_.held_out * static_cast<double>(share))));
}

std::set<std::int64_t> Bic::fresh_classes(EventContext const& context) const {
  auto fresh = new_classes(learnt_, context);
  if (fresh.empty())
    for (auto const c : classes_of(context)) fresh.insert(c);
  return fresh;
}

void Bic::begin_event(EventContext& context) {
  auto const old = old_classes(learnt_, context);
  former_ = std::exchange(correction_, {});
  old_ = at::Tensor();
  if (!old.empty()) teacher_.take(context.learner);
  hold_out(held_out_of(options_.memory / static_cast<std::int64_t>(old.size() + fresh_classes(context).size())),
           context);
}

void Bic::hold_out(std::int64_t count, EventContext& context) {
  held_out_.shrink(count);
  taken_ = at::Tensor();
  if (count == 0) return;
  auto& stream = context.streams->get("held-out");
  auto const& data = context.data;
  std::vector<at::Tensor> taken;
  for (auto const label : classes_of(context)) {
    auto const own = data.labels().eq(label).nonzero().squeeze(1);
    if (own.size(0) < 2) continue;  // a class needs a sample to train on
    auto const drawn = draw_permutation(own.size(0), stream, data.device());
    auto const share = static_cast<std::int64_t>(std::ceil(options_.held_out * static_cast<double>(own.size(0))));
    taken.push_back(own.index_select(0, drawn.narrow(0, 0, std::min({count, share, own.size(0) - 1}))));
    auto const rows = joined({chosen_rows(data, taken.back(), context), held_out_.of_class(label)});
    auto const kept = draw_permutation(rows.size(), stream, data.device()).narrow(0, 0, std::min(count, rows.size()));
    held_out_.set(label, rows.select(kept));
  }
  if (!taken.empty()) taken_ = at::cat(taken);
}

Dataset Bic::training_data(EventContext const& context) const {
  if (!taken_.defined()) return context.data;
  auto const mask = at::ones({context.data.size()}, taken_.options().dtype(at::kBool)).index_fill_(0, taken_, false);
  return context.data.select(mask.nonzero().squeeze(1));
}

std::vector<Stage> Bic::stages(EventContext& context) {
  if (exemplars_.empty() && !taken_.defined()) return {};
  return {{.name = "train", .data = with_stored(training_data(context), exemplars_.all(), context)}};
}

std::optional<at::Tensor> Bic::objective(StepContext& context) {
  if (teacher_.empty() || options_.lambda == 0) return std::nullopt;
  auto const& logits = context.output->logits;
  auto const old = old_classes(learnt_, context);
  auto const n_old = static_cast<double>(old.size()), n_new = static_cast<double>(fresh_classes(context).size());
  double const lambda = options_.lambda < 0 ? n_old / (n_old + n_new) : options_.lambda;
  if (!old_.defined()) old_ = output_mask(old, logits.size(1), logits.device());
  auto const given = teacher_.forward(context.batch, context).logits;
  auto const corrected = former_.apply(given);
  auto const targets = soft_targets(corrected.defined() ? corrected : given, options_.temperature, old_);
  auto const kd = distillation(logits, targets, {.temperature = options_.temperature, .square = false}, old_).mean();
  auto const ce = context.learner.loss(*context.phase, context.batch, *context.output);
  return kd * lambda + ce * (1 - lambda);
}

void Bic::end_event(EventContext& context) {
  auto const old = old_classes(learnt_, context);
  auto fresh = fresh_classes(context);
  learnt_.learn(classes_of(context), false);
  auto const share = options_.memory / static_cast<std::int64_t>(learnt_.classes().size());
  choose_exemplars(exemplars_, training_data(context), share - held_out_of(share), context);
  if (!old.empty()) correct(context, std::move(fresh));
  teacher_.clear();
  former_ = {};
  taken_ = at::Tensor();
}

/// The correction is of outputs that have moved: it is fitted anew, to what is left of the samples held out.
void Bic::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(exemplars_, forgotten);
  drop(held_out_, forgotten);
  learnt_.forget(forgotten.classes());
  auto corrected = std::exchange(correction_, {}).classes();
  for (auto const c : forgotten.classes()) corrected.erase(c);
  if (!corrected.empty()) correct(context, std::move(corrected));
}

void Bic::correct(EventContext& context, std::set<std::int64_t> corrected) {
  if (held_out_.empty()) return;
  at::NoGradGuard const no_grad;
  auto const rows = held_out_.all();
  auto const batch = replayed(rows, context);
  auto const gates = context.gates(batch);
  auto const logits =
      context.learner.forward(batch, {.training = false, .gates = &gates}, context.streams->get("noise")).logits;
  auto const classes = learnt_.classes();
  auto const seen = output_mask(classes, logits.size(1), logits.device());
  constexpr double kNever = -1e30;  // an output of no class seen takes no part
  auto const values = fit_bias(logits.masked_fill(seen.logical_not(), kNever), rows.labels,
                               output_mask(corrected, logits.size(1), logits.device()), options_.ridge);
  context.log.write({{"kind", "note"},
                     {"text", "bic: outputs of '" + event_name(context.event) + "' are multiplied by " +
                                  format_number(values.a) + " and shifted by " + format_number(values.b)}});
  correction_ = {std::move(corrected), values};
}

void Bic::state(Archive& archive) {
  auto const scoped = [&](char const* name, auto& part) {
    Archive::Scope const scope(archive, name);
    part.state(archive);
  };
  scoped("exemplars", exemplars_);
  scoped("held_out", held_out_);
  scoped("learnt", learnt_);
  scoped("correction", correction_);
  scoped("former", former_);
  teacher_.state(archive);
  archive.field("taken", taken_);
  if (archive.loading()) old_ = at::Tensor();
}

}  // namespace mneme
