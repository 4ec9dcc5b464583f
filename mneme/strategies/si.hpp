// Synaptic intelligence: a quadratic penalty weighted by how much each parameter's path lowered the loss.
//
//   every step   omega_i <- omega_i - g_i (theta_i(s+1) - theta_i(s)),   g the task's gradient without the penalty
//   task end     Omega_i <- Omega_i + relu( omega_i / ((theta_i - theta_i^start)^2 + xi) ),   omega <- 0,
//                theta* <- theta
//   loss         L = L_t + c sum_i Omega_i (theta_i - theta*_i)^2   (no 1/2)
//
// Zenke et al. 2017, Continual learning through synaptic intelligence, arXiv:1703.04200, eq. 3 to 5; the relu is that
// of the authors' code. `variant = "van-de-ven"` is that of GMvandeVen/continual-learning: g is the gradient of the
// whole loss, the penalty included, and there is no relu, so that Omega may be negative. With `clamp` the penalty reads
// min(Omega_i, clamp), as Avalanche's does (0.001, with van de Ven's two and c half of its lambda).
//
// Differences from the paper: none known. g is what the optimizer is given before the penalty and before clipping; the
// terms that other strategies in a list put into the loss itself are part of it.
#pragma once

#include <utility>

#include "mneme/importance/path_integral.hpp"
#include "mneme/strategies/quadratic.hpp"

namespace mneme {

struct SiOptions {
  double c = 1.0;
  double xi = 0.1;
  double clamp = 0;
  std::string variant = "zenke";
  void describe(OptionVisitor& v);
};

/// omega / (moved^2 + xi): what one task adds to Omega, before the relu.
[[nodiscard]] at::Tensor path_importance(at::Tensor const& omega, at::Tensor const& moved, double xi);

class Si final : public QuadraticPenalty {
 public:
  explicit Si(SiOptions options)
      : QuadraticPenalty("si", 2 * options.c),
        options_(std::move(options)),
        whole_loss_(options_.variant == "van-de-ven") {}
  [[nodiscard]] Needs needs() const override { return {.boundaries = true, .prefix = Prefix::kWatches}; }
  void begin_stage(StageContext& context) override;
  void end_event(EventContext& context) override;
  void observe_gradient(StepContext& context) override;
  void project_gradient(StepContext& context) override;
  void after_step(StepContext& context) override;
  void keep_best() override { path_.keep(); }
  void restore_best() override { path_.restore(); }
  void grown(Growth const& growth) override;
  void state(Archive& archive) override;
  [[nodiscard]] at::Tensor const& omega() const { return path_.omega(); }

 private:
  SiOptions options_;
  bool whole_loss_;
  PathIntegral path_;     // of the task; the quadratic's anchor is the task's start too
  at::Tensor sum_;        // [P] Omega, where the penalty reads it clamped
  bool started_ = false;  // the task's start is taken
};

}  // namespace mneme
