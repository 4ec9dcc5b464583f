// Elastic weight consolidation.
//
//   separate   L = L_t + (lambda/2) sum_{k<t} sum_i F^k_i (theta_i - theta*_{k,i})^2
//   online     L = L_t + (lambda/2) sum_i F~_i (theta_i - theta*_i)^2,   F~ <- gamma F~ + F after each task, theta* the
//   latest
//   blend      the same with F~ <- alpha F~ + (1 - alpha) F, from F~ = 0
//
// L_t is the mean loss of a batch; F^k the diagonal Fisher at the end of task k (importance/fisher.hpp), a mean over
// samples of squared per-sample gradients. Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural
// networks, arXiv:1612.00796, eq. 3; online: Schwarz et al. 2018, Progress and compress, arXiv:1805.06370, sec. 4.
//
// The T terms of `separate` are kept as one quadratic, exactly: A = sum_k F^k, m = sum_k F^k theta*_k / A, and a
// constant, since sum_k F^k (theta - theta*_k)^2 = A (theta - m)^2 + c. State: 2 P floats whatever T is. Its gradient
// lambda A (theta - m) is added to the flat gradient; no graph is built.
//
// Differences from the papers: none in the equation; biases and the head are included. `convention` takes F, factor and
// accumulation as others have them (ewc_convention.hpp).
#pragma once

#include "mneme/strategies/ewc_convention.hpp"
#include "mneme/strategies/quadratic.hpp"

namespace mneme {

struct EwcOptions {
  double lambda = 1000.0;
  std::string convention = "mneme";
  std::string mode = "auto";
  double gamma = 1.0;
  double alpha = 0.5;
  FisherOptions fisher = {.labels = "auto", .samples = 2000, .batch = 500};
  void describe(OptionVisitor& v);
};

class Ewc final : public QuadraticPenalty {
 public:
  /// Throws ConfigError where `labels` or `mode` contradict the convention.
  explicit Ewc(EwcOptions options);
  [[nodiscard]] Needs needs() const override { return {.boundaries = true, .prefix = Prefix::kPlain}; }
  void end_event(EventContext& context) override;

 private:
  /// F of the event's data as the convention has it.
  at::Tensor fisher(EventContext& context, std::int64_t samples) const;

  EwcConvention convention_;
  EwcOptions options_;  // without "auto"
};

}  // namespace mneme
