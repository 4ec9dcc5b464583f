#include "mneme/strategies/class_means.hpp"

#include <torch/types.h>

#include <algorithm>
#include <limits>

namespace mneme {

void look_through(EventContext const& context, Dataset const& data,
                  std::function<void(Batch const&, Output const&)> const& see) {
  constexpr std::int64_t kBatch = 500;
  at::NoGradGuard const no_grad;
  auto const task = context.known_task().value_or(-1);
  auto& noise = context.streams->get("noise");
  for (std::int64_t first = 0; first < data.size(); first += kBatch) {
    context.poll();
    auto const n = std::min(kBatch, data.size() - first);
    Batch const batch(data, at::arange(first, first + n, data.labels().options()), task, context.visibility);
    auto const gates = context.gates(batch);
    see(batch, context.learner.forward(batch, {.training = false, .gates = &gates}, noise));
  }
}

void ClassMeans::reserve(std::int64_t classes, at::Tensor const& features) {
  auto const options = features.options().dtype(at::kDouble);
  if (empty()) {
    sum_ = at::zeros({classes, features.size(1)}, options);
    count_ = at::zeros({classes}, options);
  } else if (auto const missing = classes - count_.size(0); missing > 0) {
    sum_ = at::constant_pad_nd(sum_, {0, 0, 0, missing});
    count_ = at::constant_pad_nd(count_, {0, missing});
  }
}

void ClassMeans::add(at::Tensor const& features, at::Tensor const& labels, std::int64_t classes) {
  at::NoGradGuard const no_grad;
  reserve(classes, features);
  auto const of_class = at::arange(count_.size(0), labels.options()).unsqueeze(1).eq(labels).to(at::kDouble);  // [C, N]
  sum_.addmm_(of_class, features.to(at::kDouble));
  count_.add_(of_class.sum(1));
}

void ClassMeans::add(ClassMeans const& other) {
  if (other.empty()) return;
  reserve(other.count_.size(0), other.sum_);
  auto const n = other.count_.size(0);
  sum_.narrow(0, 0, n).add_(other.sum_);
  count_.narrow(0, 0, n).add_(other.count_);
}

at::Tensor ClassMeans::mean() const { return sum_ / count_.clamp_min(1).unsqueeze(1); }

void ClassMeans::state(Archive& archive) {
  archive.field("sum", sum_);
  archive.field("count", count_);
}

at::Tensor below_seen(at::Tensor const& scores, at::Tensor const& seen) {
  constexpr double kBelow = 100;
  auto const unseen = seen.logical_not();
  auto const lowest = scores.masked_fill(unseen, std::numeric_limits<double>::infinity()).amin(1, true);
  return at::where(seen, scores, lowest - kBelow);
}

}  // namespace mneme
