// Classification by the nearest mean of stored samples, in the features of the present network.
//
//   phi(x) = h(x) / || h(x) ||,   mu_c = s_c / || s_c ||,  s_c = sum over the stored samples of class c of phi
//   score of class c = - || phi(x) - mu_c ||^2
//
// h: the last hidden layer in evaluation mode. Rebuffi et al. 2017, iCaRL, arXiv:1611.07725, alg. 1.
#pragma once

#include <functional>

#include "mneme/memory/buffer.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// phi [n, D] of samples in their stored type [n, ...]: a forward pass in batches, without a graph.
[[nodiscard]] at::Tensor unit_features(
    Learner& learner, at::Tensor const& data, std::function<void()> const& poll = [] {});
/// x [N, D] at length 1; a row of zeros stays.
[[nodiscard]] at::Tensor unit_length(at::Tensor const& x);

/// Why nobody whose gates differ by task goes with it.
constexpr auto kUngatedMeans = "class means are of features without gates, and test samples have those of their task";

class NearestMean {
 public:
  /// Means of all classes that rows are stored of. They hold until `expire`.
  void fit(
      Learner& learner, Rows const& rows, std::function<void()> const& poll = [] {});
  /// The weights have moved: `stale` until the next `fit`.
  void expire() { stale_ = true; }
  [[nodiscard]] bool stale() const { return stale_; }
  /// [N, C]; a class without a mean is farther than any that has one. Undefined where there is no mean.
  [[nodiscard]] at::Tensor scores(Output const& output) const;
  /// Bytes of `classes` means of D features.
  [[nodiscard]] static std::int64_t bytes(std::int64_t classes, std::int64_t features) {
    return classes * (4 * features + 8);
  }
  void state(Archive& archive);

 private:
  at::Tensor classes_, means_;  // int64 [K], [K, D]
  bool stale_ = true;           // not stored: means are made anew for the first test after a resume
};

}  // namespace mneme
