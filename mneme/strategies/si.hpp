// Synaptic intelligence: a quadratic penalty weighted by how much each parameter's path lowered the loss.
//
//   every step   omega_i <- omega_i - g_i (theta_i(s+1) - theta_i(s)),   g the task's gradient without the penalty
//   task end     Omega_i <- Omega_i + relu( omega_i / ((theta_i - theta_i^start)^2 + xi) ),   omega <- 0,
//                theta* <- theta
//   loss         L = L_t + c sum_i Omega_i (theta_i - theta*_i)^2   (no 1/2)
//
// Zenke et al. 2017, Continual learning through synaptic intelligence, arXiv:1703.04200, eq. 3 to 5; the relu is that
// of the authors' code.
//
// Differences from the paper: none known. g is what the optimizer is given before the penalty and before clipping; the
// terms that other strategies in a list put into the loss itself are part of it.
#pragma once

#include "mneme/strategies/ewc.hpp"

namespace mneme {

struct SiOptions {
  double c = 1.0;
  double xi = 0.1;
  void describe(OptionVisitor& v);
};

/// relu(omega / (moved^2 + xi)): what one task adds to Omega.
[[nodiscard]] at::Tensor path_importance(at::Tensor const& omega, at::Tensor const& moved, double xi);

class Si final : public Strategy {
 public:
  explicit Si(SiOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override { return {.boundaries = true, .prefix = Prefix::kWatches}; }
  void begin_stage(StageContext& context) override;
  void end_event(EventContext& context) override;
  void observe_gradient(StepContext& context) override;
  void add_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;
  [[nodiscard]] MergedQuadratic const& quadratic() const { return quadratic_; }
  [[nodiscard]] at::Tensor const& omega() const { return omega_; }

 private:
  void account(at::Tensor const& theta);

  SiOptions options_;
  MergedQuadratic quadratic_;     // Omega around theta*, which is also the task's start
  at::Tensor omega_;              // [P]
  bool started_ = false;          // the task's start is taken
  at::Tensor gradient_, before_;  // [P], of the step under way
  bool pending_ = false;
};

}  // namespace mneme
