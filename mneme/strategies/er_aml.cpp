#include "mneme/strategies/er_aml.hpp"

#include <torch/types.h>

#include "mneme/nets/random.hpp"
#include "mneme/strategies/nearest_mean.hpp"

namespace mneme {

void ErAmlOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("temperature", temperature,
          {.help = "tau: what cosines are divided by", .above = 0, .source = "the authors' code: 0.1"});
  v.field("base_temperature", base_temperature,
          {.help = "tau_b: the new samples' term is scaled by tau / tau_b",
           .above = 0,
           .source = "the authors' code: 0.07"});
  v.field("negatives", negatives,
          {.help = "classes that negatives are of: those present in the new batch, or all",
           .choices = {"present", "all"},
           .source = "Caccia et al. 2022: present"});
}

at::Tensor metric_loss(at::Tensor const& anchors, at::Tensor const& anchor_labels, at::Tensor const& candidates,
                       at::Tensor const& candidate_labels, double temperature, double base_temperature) {
  auto const similarity = at::mm(unit_length(anchors), unit_length(candidates).t()) / temperature;
  auto const same = anchor_labels.unsqueeze(1).eq(candidate_labels.unsqueeze(0)).to(similarity.scalar_type());
  auto const each = (at::log_softmax(similarity, 1) * same).sum(1) / same.sum(1);
  return each.mean() * (-temperature / base_temperature);
}

Pairs draw_pairs(at::Tensor const& pool, std::int64_t fresh, bool present, at::Generator& generator) {
  auto const labels = pool.narrow(0, 0, fresh).unsqueeze(1);
  auto const same = labels.eq(pool.unsqueeze(0));  // [B, K]
  auto positive = same.clone();
  positive.diagonal().fill_(false);  // not itself
  auto negative = same.logical_not();
  if (present) negative.logical_and_(same.any(0).unsqueeze(0));
  auto const anchors = positive.any(1).logical_and_(negative.any(1)).nonzero().squeeze(1);
  if (anchors.numel() == 0) return {};
  auto const draw = [&](at::Tensor const& allowed) {
    return draw_columns(allowed.index_select(0, anchors).to(at::kFloat), generator);
  };
  auto const positives = draw(positive);
  return {.anchors = anchors, .positives = positives, .negatives = draw(negative)};
}

Batch ErAml::compose(Batch batch, StepContext& context) {
  anchors_.reset();
  replayed_count_ = 0;
  if (context.past_begins_later() || buffer_.empty()) return batch;
  auto const fresh = context.rows.size(0);
  auto const stored = buffer_.all();
  replayed_first_ = batch.size();
  replayed_count_ = stored_per_step(options_.batch, context);
  auto const pool = at::cat({batch.y().narrow(0, 0, fresh), stored.labels});
  auto const pairs = draw_pairs(pool, fresh, options_.negatives == "present", context.streams->get("pairs"));
  auto composed = batch.joined(replayed(buffer_.sample(replayed_count_, context.streams->get("replay")), context));
  if (!pairs.anchors.defined()) return composed;

  auto const drawn = at::cat({pairs.positives, pairs.negatives});
  auto const of_new = drawn.masked_select(drawn.lt(fresh)), of_stored = drawn.masked_select(drawn.ge(fresh)) - fresh;
  anchors_ = pairs.anchors;
  candidates_ = at::cat({of_new, at::arange(of_stored.numel(), drawn.options()) + composed.size()});
  if (of_stored.numel() == 0) return composed;
  return composed.joined(replayed(stored.select(of_stored), context));
}

std::optional<at::Tensor> ErAml::objective(StepContext& context) {
  terms_.clear();
  if (replayed_count_ == 0) return std::nullopt;
  auto const& output = *context.output;
  auto const memory = context.learner.loss(
      *context.phase, context.batch.rows(replayed_first_, replayed_count_),
      {.logits = output.logits.narrow(0, replayed_first_, replayed_count_), .features = {}, .more = {}});
  terms_["memory"] = memory.detach();
  if (!anchors_.defined()) return memory;
  auto const& h = output.features;
  auto const& y = context.batch.y();
  auto const current =
      metric_loss(h.index_select(0, anchors_), y.index_select(0, anchors_), h.index_select(0, candidates_),
                  y.index_select(0, candidates_), options_.temperature, options_.base_temperature);
  terms_["current"] = current.detach();
  return memory + current;
}

void ErAml::after_step(StepContext& context) {
  buffer_.offer(current_rows(context), context.streams->get("reservoir"));
}

}  // namespace mneme
