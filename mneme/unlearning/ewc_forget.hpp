// EWC-guided forgetting: Selective Amnesia on a classifier. What is to be forgotten is taught an answer that says
// nothing, while a quadratic penalty and replay hold what is to be retained.
//
//   L = (1/B) sum over B samples of D_f of H(u, p)  +  gamma (1/B) sum over B samples of D_r of CE
//       + (lambda/2) sum_i F_i (theta_i - theta*_i)^2
//
// H(u, p) = - (1/C) sum_c log p_c, cross-entropy against the uniform answer over the C outputs that take part; F the
// Fisher of D_r at theta*, the weights before the event. Heng and Soh 2023, Selective amnesia: a continual learning
// approach to forgetting in deep generative models, arXiv:2305.10120, eq. 7.
//
// Differences from the paper: it is for conditional generators; the uniform answer stands for its surrogate q(x|c_f),
// and D_r is real data, not samples of the model. F is of the retained data and a mean over samples, the penalty has
// the factor 1/2.
#pragma once

#include "mneme/strategies/quadratic.hpp"
#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

struct EwcForgetOptions {
  UnlearnLength length = {};
  double lambda = 10;
  double gamma = 1;
  FisherOptions fisher = {.labels = "sampled", .samples = 2000, .batch = 500};
  void describe(OptionVisitor& v);
};

/// H(u, p) of each sample [N], over the outputs that take part.
[[nodiscard]] at::Tensor entropy_to_uniform(Batch const& batch, at::Tensor const& logits);

class EwcForget final : public Unlearning {
 public:
  explicit EwcForget(EwcForgetOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override { return {.forgets = true, .learners = {"classifier"}}; }
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void add_gradient(StepContext& context) override;
  Terms terms(StepContext& context) override;
  void state(Archive& archive) override { quadratic_.state(archive); }

 private:
  EwcForgetOptions options_;
  MergedQuadratic quadratic_;  // of the event
};

}  // namespace mneme
