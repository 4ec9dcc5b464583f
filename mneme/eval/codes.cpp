#include "mneme/eval/codes.hpp"

#include <torch/types.h>

#include <limits>
#include <string>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kMostRounds = 100;

/// [N, k] squared distances of x [N, D] to centres [k, D].
at::Tensor squared_distances(at::Tensor const& x, at::Tensor const& centres) { return at::cdist(x, centres).square(); }

/// k-means++: each further centre a row, drawn by its squared distance to the nearest one so far.
at::Tensor first_centres(at::Tensor const& x, std::int64_t k, at::Generator& noise) {
  auto chosen = at::randint(x.size(0), {1}, noise, at::kLong);
  auto nearest = squared_distances(x, x.index_select(0, chosen)).squeeze(1);
  std::vector<at::Tensor> rows = {chosen};
  for (std::int64_t i = 1; i < k; ++i) {
    auto const weights = nearest.sum().item<double>() > 0 ? nearest : at::ones_like(nearest);
    rows.push_back(at::multinomial(weights, 1, false, noise));
    nearest = at::minimum(nearest, squared_distances(x, x.index_select(0, rows.back())).squeeze(1));
  }
  return x.index_select(0, at::cat(rows));
}

double entropy(at::Tensor const& p) { return -at::xlogy(p, p).sum().item<double>(); }

}  // namespace

at::Tensor k_means(at::Tensor const& x, std::int64_t k, at::Generator& noise, std::int64_t tries) {
  if (k < 1 || k > x.size(0))
    throw ConfigError("k-means: " + std::to_string(k) + " clusters of " + std::to_string(x.size(0)) +
                      " samples; choose from 1 to as many as there are");
  auto const rows = x.to(at::kCPU, at::kDouble);
  at::Tensor best;
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t attempt = 0; attempt < tries; ++attempt) {
    auto centres = first_centres(rows, k, noise);
    at::Tensor cluster;
    for (std::int64_t round = 0; round < kMostRounds; ++round) {
      auto const now = squared_distances(rows, centres).argmin(1);
      if (cluster.defined() && at::equal(now, cluster)) break;
      cluster = now;
      auto const count = at::bincount(cluster, {}, k).unsqueeze(1);
      auto const sum = at::zeros_like(centres).index_add_(0, cluster, rows);
      centres = at::where(count > 0, sum / count.clamp_min(1), centres);  // an empty cluster's centre stays
    }
    auto const cost = (rows - centres.index_select(0, cluster)).square().sum().item<double>();
    if (cost < least) {
      least = cost;
      best = cluster;
    }
  }
  return best;
}

double normalised_mutual_information(at::Tensor const& a, at::Tensor const& b) {
  auto const columns = b.max().item<std::int64_t>() + 1, rows = a.max().item<std::int64_t>() + 1;
  auto const joint = at::bincount(a * columns + b, {}, rows * columns).view({rows, columns}).to(at::kDouble) /
                     static_cast<double>(a.size(0));
  double const both = entropy(joint.sum(1)) + entropy(joint.sum(0));
  return both > 0 ? 2 * (both - entropy(joint)) / both : 1;
}

double probe_accuracy(at::Tensor const& x, at::Tensor const& labels, at::Tensor const& test,
                      at::Tensor const& test_labels, double ridge) {
  auto const train = x.to(at::kCPU, at::kDouble);
  auto const mean = train.mean(0);
  auto const deviation = train.std(0, false).clamp_min(1e-8);
  auto const scaled = (train - mean) / deviation;
  auto const targets = at::eye(labels.max().item<std::int64_t>() + 1, at::kDouble).index_select(0, labels.cpu());
  auto const bias = targets.mean(0);  // of standardised codes it is that
  auto const normal = at::mm(scaled.t(), scaled) + ridge * at::eye(train.size(1), at::kDouble);
  auto const weights = at::linalg_solve(normal, at::mm(scaled.t(), targets - bias));
  auto const answers = at::mm((test.to(at::kCPU, at::kDouble) - mean) / deviation, weights) + bias;
  return answers.argmax(1).eq(test_labels.cpu()).to(at::kDouble).mean().item<double>();
}

}  // namespace mneme
