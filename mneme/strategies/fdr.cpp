#include "mneme/strategies/fdr.hpp"

#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace mneme {
namespace {

at::Tensor probabilities(Batch const& batch, bool training, EventContext const& context) {
  return at::softmax(active_logits(batch, forward_beside(batch, training, context).logits), 1);
}

/// In evaluation mode, by batches: a large memory need not go through the net at once.
at::Tensor stored_probabilities(Rows const& rows, EventContext const& context) {
  constexpr std::int64_t kBatch = 500;
  at::NoGradGuard const no_grad;
  auto const all = replayed(rows, context);
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < rows.size(); first += kBatch)
    parts.push_back(probabilities(all.rows(first, std::min(kBatch, rows.size() - first)), false, context));
  return at::cat(parts);
}

}  // namespace

void FdrOptions::describe(OptionVisitor& v) {
  v.field("memory", memory, {.help = "capacity of the buffer, shared by the tasks", .unit = "samples", .min = 0});
  v.field("batch", batch, {.help = "stored samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("alpha", alpha,
          {.help = "strength of the mean distance to stored outputs",
           .min = 0,
           .source = "Buzzega et al. 2020: 0.3 to 1 for permuted MNIST"});
}

at::Tensor mean_distance(at::Tensor const& p, at::Tensor const& q) { return (p - q).norm(2, 1).mean(); }

std::optional<at::Tensor> Fdr::penalty(StepContext& context) {
  terms_.clear();
  if (buffer_.empty() || options_.alpha == 0) return std::nullopt;
  auto const rows = buffer_.sample(stored_per_step(options_.batch, context), context.streams->get("replay"));
  auto const now = probabilities(replayed(rows, context), true, context);
  auto const term = mean_distance(now, rows.extras.at("probabilities")) * options_.alpha;
  terms_["distance"] = term.detach();
  return term;
}

void Fdr::end_event(EventContext& context) {
  auto rows = share_of_event(buffer_, context);
  if (rows.size() == 0) return;
  rows.extras.emplace("probabilities", stored_probabilities(rows, context));
  buffer_.offer(rows, context.streams->get("reservoir"));
}

}  // namespace mneme
