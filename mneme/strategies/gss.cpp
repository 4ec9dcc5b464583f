#include "mneme/strategies/gss.hpp"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

#include "mneme/importance/gradient_products.hpp"

namespace mneme {
namespace {

/// A sample that is as different as can be may still be drawn, and there are always enough to draw.
constexpr double kLeastChance = 1e-6;

at::Tensor shifted(at::Tensor const& score) { return ((score + 1) / 2).clamp_min(kLeastChance); }

}  // namespace

void GssOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the buffer", .unit = "samples", .min = 0});
  replay.describe(v);
  v.field("subsets", subsets,
          {.help = "random parts of the memory that a sample's gradient is compared with",
           .min = 1,
           .source = "Aljundi et al. 2019: 10"});
  v.field("subset_size", subset_size,
          {.help = "stored samples in each of them", .unit = "samples", .min = 1, .source = "the authors' code: 10"});
  v.field(
      "convention", convention,
      {.help = "how scores are given and slots drawn: as in the authors' code, or as in Mammoth's (with subset_size 1)",
       .choices = {"authors", "mammoth"}});
}

GradientSimilarity gradient_similarity(at::Tensor const& products, std::int64_t fresh, std::int64_t subsets) {
  auto const n = products.size(0), size = (n - fresh) / subsets;
  // Of every sample with every G_j [N, n], and of every G_j with itself [n].
  auto const with_subset = products.narrow(1, fresh, subsets * size).view({n, subsets, size}).mean(2);
  auto const squared = with_subset.narrow(0, fresh, subsets * size).view({subsets, size, subsets}).mean(1).diagonal();
  auto const length = squared.clamp_min(0).sqrt();
  auto const ours = with_subset.narrow(0, 0, fresh);
  auto const own_length = products.diagonal().narrow(0, 0, fresh).sqrt().unsqueeze(1);
  auto const mean_length = products.narrow(0, 0, fresh).narrow(1, 0, fresh).mean().clamp_min(0).sqrt();
  auto const cosine = [](at::Tensor const& product, at::Tensor const& lengths) {
    constexpr double kLeast = 1e-30;  // a gradient of zero is like nothing
    return product / lengths.clamp_min(kLeast);
  };
  return {.each = cosine(ours, own_length * length).amax(1), .batch = cosine(ours.mean(0), mean_length * length).max()};
}

at::Tensor chance_of_slots(at::Tensor const& scores) {
  constexpr double kSpread = 0.01;
  auto const above = scores - scores.min();
  return (above / (above.max() + kSpread)).clamp_min(kLeastChance);
}

at::Tensor chance_to_give_way(at::Tensor const& stored, at::Tensor const& fresh) {
  auto const theirs = shifted(stored);
  return theirs / (theirs + shifted(fresh));
}

std::vector<std::int64_t> taken_in_turn(at::Tensor const& stored, at::Tensor const& fresh, at::Tensor const& uniform) {
  auto const weights = shifted(stored).to(at::kDouble).contiguous(), own = shifted(fresh).to(at::kDouble).contiguous();
  auto const chance = uniform.accessor<double, 2>();
  auto const* mine = own.const_data_ptr<double>();
  std::vector<double> held(weights.const_data_ptr<double>(), weights.const_data_ptr<double>() + weights.numel());
  std::vector<std::int64_t> taken(held.size(), -1);
  for (std::int64_t n = 0; n < own.numel(); ++n) {
    auto left = chance[n][0] * std::accumulate(held.begin(), held.end(), 0.0);
    std::size_t slot = 0;
    while (slot + 1 < held.size() && (left -= held[slot]) >= 0) ++slot;
    if (chance[n][1] >= held[slot] / (held[slot] + mine[n])) continue;
    held[slot] = mine[n];
    taken[slot] = n;
  }
  return taken;
}

namespace {

/// Slots and, for each, the new sample that stands in it from now on.
struct Places {
  at::Tensor slots, samples;
};

/// For as many of the new samples as there are slots, each its own.
Places places(at::Tensor const& stored, at::Tensor const& fresh, at::Generator& stream) {
  auto const count = std::min(stored.size(0), fresh.size(0));
  auto const slots = at::multinomial(chance_of_slots(stored), count, false, stream);
  auto const chance = chance_to_give_way(stored.index_select(0, slots), fresh.narrow(0, 0, count));
  auto const samples = at::rand({count}, stream, at::kFloat).lt(chance).nonzero().squeeze(1);
  return {slots.index_select(0, samples), samples};
}

Places places_in_turn(at::Tensor const& stored, at::Tensor const& fresh, at::Generator& stream) {
  auto const uniform = at::rand({fresh.size(0), 2}, stream, at::kDouble);
  auto const taken = at::tensor(taken_in_turn(stored, fresh, uniform), at::kLong);
  auto const slots = taken.ge(0).nonzero().squeeze(1);
  return {slots, taken.index_select(0, slots)};
}

}  // namespace

Batch Gss::compose(Batch batch, StepContext& context) {
  auto const& replay = options_.replay;
  if (!replay.due(buffer_, context)) return batch;
  return batch.joined(replayed(replay.drawn(buffer_, stored_per_step(replay.batch, context), context), context));
}

GradientSimilarity Gss::similarity(Batch const& fresh, StepContext& context) {
  if (!scratch_.defined()) scratch_ = context.parameters().new_row();
  auto const size = std::min(options_.subset_size, buffer_.size());
  auto const subsets = std::min(options_.subsets, buffer_.size() / size);
  auto const stored = buffer_.sample_distinct(subsets * size, context.streams->get("subsets"));
  auto const products = gradient_products(context.learner, fresh.joined(replayed(stored, context)), scratch_,
                                          context.streams->get("noise"));
  return gradient_similarity(products, fresh.size(), subsets);
}

void Gss::after_step(StepContext& context) {
  if (buffer_.capacity() == 0) return;
  at::NoGradGuard const no_grad;
  auto const rows = current_rows(context);
  if (buffer_.full())
    replace(rows, context);
  else
    fill(rows, context);
}

void Gss::fill(Rows const& rows, StepContext& context) {
  double const first = mammoth() ? -0.9 : 0.1;
  auto const count = std::min(buffer_.capacity() - buffer_.size(), rows.size());
  auto const options = context.parameters().value().options();
  at::Tensor scores;
  if (buffer_.empty())
    scores = at::full({count}, first, options);
  else if (mammoth())
    scores = similarity(context.batch.rows(0, rows.size()), context).batch.expand({count});
  else
    scores = similarity(context.batch.rows(0, count), context).each;
  if (!scores_.defined()) scores_ = at::zeros({buffer_.capacity()}, options);
  auto const index = at::arange(count, rows.labels.options());
  put(rows.select(index), index + buffer_.size(), scores);
}

void Gss::replace(Rows const& rows, StepContext& context) {
  auto const found = similarity(context.batch.rows(0, rows.size()), context);
  auto const host = at::cat({found.batch.view(1), found.each}).cpu();
  if (host[0].item<float>() >= 0) return;
  auto const fresh = host.narrow(0, 1, rows.size()), stored = scores_.cpu();
  auto& stream = context.streams->get("replacement");
  auto const [slots, taken] = mammoth() ? places_in_turn(stored, fresh, stream) : places(stored, fresh, stream);
  auto const chosen = taken.to(rows.labels.device());
  put(rows.select(chosen), slots, found.each.index_select(0, chosen));
}

void Gss::let_go(Forgotten const& forgotten, EventContext&) {
  if (buffer_.empty()) return;
  auto const rows = buffer_.all();
  auto const gone = forgotten.among(rows.data, rows.labels);
  auto const kept = scores_.narrow(0, 0, rows.size()).index_select(0, gone.logical_not().nonzero().squeeze(1));
  buffer_.remove(gone);
  scores_.zero_().narrow(0, 0, kept.size(0)).copy_(kept);
}

void Gss::put(Rows const& rows, at::Tensor const& slots, at::Tensor const& scores) {
  buffer_.put(rows, slots);
  scores_.index_copy_(0, slots.to(scores_.device()), scores);
}

void Gss::state(Archive& archive) {
  buffer_.state(archive);
  archive.field("scores", scores_);
}

}  // namespace mneme
