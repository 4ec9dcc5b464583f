// Functional regularisation of the memorable past: at a few stored samples of each old task the net's probabilities
// stay what they were, weighed by how sure the net was of them and of how they hang together.
//
//   L = L_t + (tau/2) sum_{s<t} sum_c d_{s,c}' K_{s,c}^{-1} d_{s,c},      d_{s,c} = m_{s,c}(theta) - m_{s,c}(theta_old)
//   K_{s,c} = J_{s,c} Sigma J_{s,c}' + jitter I,      Sigma = 1 / (F + prior_precision)
//   F = sum over all samples seen, each under the net at the end of its task, of diag( J_x' H_x J_x )
//
// m_{s,c}: the probability of class c at the M memorable points of task s; J_{s,c} [M, P]: its Jacobian, m and J at the
// start of the task. F is the diagonal Fisher as a sum: J_x' H_x J_x of the logits' Jacobian and the softmax's Hessian
// H = diag(p) - p p' is the expectation over labels. Memorable are, of each class, the samples with the largest
// Lambda(x) = sum_c p_c (1 - p_c). The gradient is J' K^{-1} d, one backward pass for all tasks and classes.
//
// Pan et al. 2020, Continual deep learning by functional regularisation of memorable past, NeurIPS, arXiv:2004.14070,
// eqs. 8 to 10, and the authors' code, which divides the gradient of L_t by tau instead.
//
// Differences from the paper: tau as above, which matters where the gradient's norm is clipped.
#pragma once

#include <optional>

#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/replay.hpp"

namespace mneme {

struct FrompOptions {
  double tau = 10.0;
  std::int64_t points = 40;
  std::string select = "largest";
  double prior_precision = 1e-3;
  double jitter = 1e-6;
  FisherOptions fisher = {.labels = "all", .samples = 0, .batch = 500};
  void describe(OptionVisitor& v);
};

class Fromp final : public Strategy {
 public:
  explicit Fromp(FrompOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;

  /// What one old task is held to while another is learnt.
  struct Anchor {
    at::Tensor classes;      // int64 [K]: those that its points have a probability of
    at::Tensor probability;  // [K, M]
    at::Tensor inverse;      // [K, M, M]: of the kernels
    std::int64_t first = 0;  // of its rows among all points
    void state(Archive& archive);
  };
  [[nodiscard]] std::vector<Anchor> const& anchors() const { return anchors_; }
  [[nodiscard]] Rows const& points() const { return points_; }
  [[nodiscard]] at::Tensor const& fisher() const { return fisher_; }

 private:
  /// ConfigError where there are fewer points than classes.
  [[nodiscard]] std::int64_t points_of_a_class(EventContext const& context) const;
  void choose_points(EventContext& context);
  void add_fisher(EventContext& context);
  [[nodiscard]] Anchor anchor(EventContext& context, std::int64_t first, std::int64_t count);
  [[nodiscard]] Batch const& batch(EventContext const& context);

  FrompOptions options_;
  at::Tensor fisher_;                 // [P], a sum over samples
  Rows points_;                       // of all tasks, one after the other
  std::vector<std::int64_t> counts_;  // of each task
  std::vector<Anchor> anchors_;       // by old task, while one is learnt
  std::optional<Batch> batch_;        // the points as the net sees them
  at::Tensor term_;                   // of the step, for the log
};

}  // namespace mneme
