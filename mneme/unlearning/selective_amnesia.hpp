// Selective Amnesia: a conditional generative model forgets classes. It is taught that they look like noise, and is
// held to all others by samples that it drew itself before and by the Fisher information of its weights. Of the data
// only the labels are read, for which classes there are. gray_out.hpp has two variants that read images.
//
//   L = sum_B l(x_u, c_f) + gamma sum_B l(x_r, c_r) + lambda sum_i F_i (theta_i - theta*_i)^2
//
// l = -ELBO (beta KL as the learner has it), B the rows of a batch, theta* the weights before the request. x_u ~ U[0,
// 1] is the surrogate, or a gray image; c_f is drawn uniformly from the classes to forget; x_r are samples of the model
// as it was, c_r uniform over the classes that it keeps; both fresh in every step. F is the mean over `fisher_samples`
// own samples of all classes that the model knew, each with a draw of its code, of the squared gradient of l
// (importance/fisher.hpp, `sampled`).
//
// `surrogate = "none"` is what the paper compares with (its eq. 3 against eq. 4): the first term is - sum_B l(x_f, c_f)
// on real images of the classes to forget, whose likelihood it lowers without end.
//
// lambda is in the units of the equation, a sum over the batch. In the canonical form, (lambda'/2) sum F d^2 beside a
// mean over the batch, it is lambda' = 2 lambda / B, which stands in the log. Where the learner's loss is a mean
// (`learner.scale`), all three terms are divided by B, so that their weights do not change.
//
// Heng and Soh 2023, Selective amnesia: a continual learning approach to forgetting in deep generative models,
// arXiv:2305.10120. Differences: as the authors' code, and not their derivation, it has no 1/2 before lambda; F is made
// from batches by per-sample products and not from batches of one sample, which gives the same mean.
#pragma once

#include "mneme/unlearning/drawn_classes.hpp"

namespace mneme {

struct SelectiveAmnesiaOptions {
  double lambda = 100;
  double gamma = 1;
  std::string surrogate = "noise";
  double gray = 0.5;
  std::int64_t steps = 10000;
  std::int64_t fisher_samples = 50000;
  std::int64_t fisher_batch = 500;
  double lr_scale = 1;
  void describe(OptionVisitor& v);
};

class SelectiveAmnesia final : public DrawnClasses {
 public:
  explicit SelectiveAmnesia(SelectiveAmnesiaOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void take(ForgetData data) override;
  std::vector<Stage> stages(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void add_gradient(StepContext& context) override;
  Terms terms(StepContext& context) override;

 private:
  [[nodiscard]] std::string name() const override { return "selective-amnesia"; }
  /// Over own samples of all classes.
  [[nodiscard]] at::Tensor importance(EventContext& context) override;
  /// `n` rows of what the forgotten classes are taught to look like.
  [[nodiscard]] Batch surrogate(Request const& request, Batch const& places, StepContext& context) const;
  /// lambda': the factor before (1/2) sum F d^2 beside a mean over the batch.
  [[nodiscard]] double canonical_lambda(StepContext const& context) const;

  SelectiveAmnesiaOptions options_;
  std::vector<std::int64_t> kept_, known_;  // classes of the event's retained data, and with those to be forgotten
  Terms terms_;                             // of the step
};

}  // namespace mneme
