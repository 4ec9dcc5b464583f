#include "mneme/memory/herding.hpp"

#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace mneme {

at::Tensor herding(at::Tensor const& features, std::int64_t count) {
  at::NoGradGuard const no_grad;
  auto const n = features.size(0);
  if (n == 0 || count <= 0) return at::empty({0}, features.options().dtype(at::kLong));
  auto const mean = features.mean(0);
  auto const missing = mean.clone();               // k mu - sum of the chosen: what the next one should be
  auto const handicap = features.square().sum(1);  // |missing - phi|^2 = |missing|^2 - (2 missing.phi - |phi|^2)
  std::vector<at::Tensor> order;
  for (std::int64_t k = 0; k < std::min(count, n); ++k) {
    auto const best = features.mv(missing).mul_(2).sub_(handicap).argmax(0, true);
    handicap.index_fill_(0, best, std::numeric_limits<float>::infinity());
    missing.add_(mean).sub_(features.index_select(0, best).squeeze(0));
    order.push_back(best);
  }
  return at::cat(order);
}

}  // namespace mneme
