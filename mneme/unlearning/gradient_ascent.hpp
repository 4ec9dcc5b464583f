// Gradient ascent, alone and against the data that is to be retained.
//
//   ascent    L = - (1/B) sum over B samples of D_f of min(l, c)
//   GradDiff  L = - gamma (1/B) sum over B samples of D_f of min(l, c)  +  alpha (1/B) sum over B samples of D_r of l
//
// Ascent: Thudi et al. 2022, Unrolling SGD, arXiv:2109.13398; Golatkar et al. 2020, arXiv:1911.04933. GradDiff: Liu et
// al. 2022, Continual learning and private unlearning, arXiv:2203.12817; Maini et al. 2024, TOFU, arXiv:2401.06121.
//
// Difference from the papers: the loss has no upper bound, so they stop by hand; here a sample whose loss has reached
// the ceiling c (nats) has no gradient any more.
#pragma once

#include "mneme/unlearning/unlearning.hpp"

namespace mneme {

struct GradientAscentOptions {
  UnlearnLength length = {};
  double ceiling = 10;
  void describe(OptionVisitor& v);
};

class GradientAscent final : public Unlearning {
 public:
  explicit GradientAscent(GradientAscentOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override { return {.forgets = true, .learners = {"classifier"}}; }
  [[nodiscard]] bool uses_retained() const override { return false; }
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;

 private:
  GradientAscentOptions options_;
};

struct GradDiffOptions {
  UnlearnLength length = {};
  double gamma = 1.0;
  double alpha = 1.0;
  double ceiling = 10;
  void describe(OptionVisitor& v);
};

class GradDiff final : public Unlearning {
 public:
  explicit GradDiff(GradDiffOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override { return {.forgets = true, .learners = {"classifier"}}; }
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;

 private:
  GradDiffOptions options_;
};

}  // namespace mneme
