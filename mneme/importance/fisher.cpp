#include "mneme/importance/fisher.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/importance/pass.hpp"

namespace mneme {

OptionNote FisherOptions::labels_note() {
  return {.help = "which labels the squared gradients are taken for",
          .choices = {"sampled", "all", "empirical", "weighted", "batch", "batch-predicted", "accumulating"},
          .source = "Kirkpatrick et al. 2017 draws them from the model"};
}

void FisherOptions::describe(OptionVisitor& v) {
  v.field("labels", labels, labels_note());
  describe_samples(v);
}

void FisherOptions::describe_samples(OptionVisitor& v) {
  v.field("samples", samples,
          {.help = "how many training samples are used at most; 0: all", .unit = "samples", .min = 0});
  v.field("batch", batch,
          {.help = "samples per pass; changes the estimate only where it is made of whole batches", .min = 1});
}

FisherLabels FisherOptions::estimator() const {
  if (labels == "all") return FisherLabels::kAll;
  if (labels == "empirical") return FisherLabels::kEmpirical;
  if (labels == "weighted") return FisherLabels::kWeighted;
  if (labels == "batch") return FisherLabels::kBatch;
  if (labels == "batch-predicted") return FisherLabels::kBatchPredicted;
  if (labels == "accumulating") return FisherLabels::kAccumulating;
  return FisherLabels::kSampled;
}

std::int64_t FisherOptions::count(std::int64_t available) const {
  return samples == 0 ? available : std::min(samples, available);
}

ImportanceSummary summarise(at::Tensor const& importance) {
  ImportanceSummary summary;
  summary.trace = importance.sum(at::kDouble).item<double>();
  summary.zero_share = importance.eq(0).to(at::kDouble).mean().item<double>();
  auto const sorted = std::get<0>(importance.sort());
  auto const last = static_cast<double>(sorted.numel() - 1);
  for (double const p : {0.5, 0.9, 0.99, 1.0})
    summary.quantiles.emplace_back(p, sorted[std::llround(p * last)].item<double>());
  return summary;
}

at::Tensor diagonal_fisher(ImportanceRequest const& request) { return importance_pass(request, Power::kSquare); }

}  // namespace mneme
