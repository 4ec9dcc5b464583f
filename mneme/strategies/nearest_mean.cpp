#include "mneme/strategies/nearest_mean.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <algorithm>

namespace mneme {
namespace {

constexpr std::int64_t kBatch = 500;
/// Squared distances of vectors of length 1 are at most 4.
constexpr double kFarther = 5;

}  // namespace

at::Tensor unit_length(at::Tensor const& x) { return x / x.norm(2, 1, true).clamp_min(1e-12); }

at::Tensor unit_features(Learner& learner, at::Tensor const& data, std::function<void()> const& poll) {
  at::NoGradGuard const no_grad;
  auto noise = at::detail::createCPUGenerator(0);
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < data.size(0); first += kBatch) {
    poll();
    auto const n = std::min(kBatch, data.size(0) - first);
    Batch const batch(Dataset::to_input(data.narrow(0, first, n)), at::Tensor());
    parts.push_back(unit_length(learner.forward(batch, {}, noise).features));
  }
  return at::cat(parts);
}

void NearestMean::fit(Learner& learner, Rows const& rows, std::function<void()> const& poll) {
  at::NoGradGuard const no_grad;
  stale_ = false;
  classes_ = means_ = at::Tensor();
  if (rows.size() == 0) return;
  auto const features = unit_features(learner, rows.data, poll);
  auto const [classes, place] = at::_unique(rows.labels, true, true);
  auto const sums = at::zeros({classes.size(0), features.size(1)}, features.options()).index_add_(0, place, features);
  classes_ = classes;
  means_ = unit_length(sums);
}

at::Tensor NearestMean::scores(Output const& output) const {
  if (!means_.defined()) return {};
  at::NoGradGuard const no_grad;
  auto const cosines = unit_length(output.features).mm(means_.t());
  return at::full_like(output.logits, -kFarther).index_copy_(1, classes_, cosines.sub_(1).mul_(2));
}

void NearestMean::state(Archive& archive) {
  archive.field("classes", classes_);
  archive.field("means", means_);
  if (archive.loading()) stale_ = true;
}

}  // namespace mneme
