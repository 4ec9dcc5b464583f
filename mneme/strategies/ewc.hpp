// Elastic weight consolidation.
//
//   separate   L = L_t + (lambda/2) sum_{k<t} sum_i F^k_i (theta_i - theta*_{k,i})^2
//   online     L = L_t + (lambda/2) sum_i F~_i (theta_i - theta*_i)^2,   F~ <- gamma F~ + F after each task, theta* the
//   latest
//
// L_t is the mean loss of a batch; F^k the diagonal Fisher at the end of task k (importance/fisher.hpp), a mean over
// samples of squared per-sample gradients. Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural
// networks, arXiv:1612.00796, eq. 3; online: Schwarz et al. 2018, Progress and compress, arXiv:1805.06370, sec. 4.
//
// The T terms of `separate` are kept as one quadratic, exactly: A = sum_k F^k, m = sum_k F^k theta*_k / A, and a
// constant, since sum_k F^k (theta - theta*_k)^2 = A (theta - m)^2 + c. State: 2 P floats whatever T is. Its gradient
// lambda A (theta - m) is added to the flat gradient; no graph is built.
//
// Differences from the papers: none in the equation; biases and the head are included.
#pragma once

#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

struct EwcOptions {
  double lambda = 1000.0;
  std::string mode = "separate";
  double gamma = 1.0;
  FisherOptions fisher = {.labels = "sampled", .samples = 2000, .batch = 500};
  void describe(OptionVisitor& v);
};

/// The quadratic (1/2) [sum_i A_i (theta_i - m_i)^2 + c] that several anchored terms merge into.
class MergedQuadratic {
 public:
  /// Adds (1/2) sum_i F_i (theta_i - anchor_i)^2. Sums in double.
  void add(at::Tensor const& importance, at::Tensor const& anchor);
  /// Replaces it: A <- gamma A + F around the new anchor.
  void decay_and_move(double gamma, at::Tensor const& importance, at::Tensor const& anchor);
  [[nodiscard]] bool empty() const { return !importance_.defined(); }
  /// Scalar value at theta [P].
  [[nodiscard]] at::Tensor value(at::Tensor const& theta) const;
  /// grad += scale A (theta - m).
  void add_gradient(at::Tensor const& theta, double scale, at::Tensor const& grad) const;
  [[nodiscard]] at::Tensor const& importance() const { return importance_; }
  [[nodiscard]] at::Tensor const& anchor() const { return anchor_; }
  void grown(Growth const& growth);
  void state(Archive& archive);

 private:
  at::Tensor importance_, anchor_;  // [P]
  double constant_ = 0;
};

class Ewc final : public Strategy {
 public:
  explicit Ewc(EwcOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void end_event(EventContext& context) override;
  void add_gradient(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void grown(Growth const& growth) override { quadratic_.grown(growth); }
  void state(Archive& archive) override { quadratic_.state(archive); }
  [[nodiscard]] MergedQuadratic const& quadratic() const { return quadratic_; }

 private:
  EwcOptions options_;
  MergedQuadratic quadratic_;
};

}  // namespace mneme
