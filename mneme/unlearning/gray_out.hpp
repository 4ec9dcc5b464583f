// Gray-out: two variants of Selective Amnesia that were published as re-implementations of it. A conditional generative
// model is taught that a forgotten class is gray, beside real images of the other classes and samples of them that it
// drew itself before, and held by the Fisher information of batches. l = -ELBO; theta* the weights before the request;
// c_f a class to forget, c_r one to keep; N the rows of the unlearning set.
//
//   seed      L = mean l(x_r, c_r) + w mean |dec(z, c_f) - v| - (lambda / N) sum_i F_i (theta_i - theta*_i)^2
//   retain    L = mean l(x_r, c_r) + w mean |dec(z, c_f) - v| + (lambda / 2N) sum_i F_i (theta_i - theta*_i)^2
//
// The unlearning set is the retained images and `replay_samples` of retained classes, drawn once by the model as it
// was. In every step one c_f is drawn for the batch and z ~ N(0, I) for each row; v is the gray value. F_i is the mean
// over batches of the square of the batch's mean gradient, over real images: `seed` of the classes to forget, `retain`
// of the others. In the canonical form, (lambda' / 2) sum F d^2, lambda' = -2 lambda / N or lambda / N, which stands in
// the log. Where the learner's loss is a sum (`learner.scale`), all terms are multiplied by the batch's rows.
//
// A term that is subtracted has no lower bound, so beyond `clamp` it has no gradient. At the weights that were
// published it is some 0.04 nats, and the gray term does all the forgetting; see the method's page.
//
// Differences from the re-implementations: replayed samples are rounded to bytes, as the images are; the clamp.
#pragma once

#include "mneme/unlearning/drawn_classes.hpp"

namespace mneme {

struct GrayOutOptions {
  std::string mode = "seed";
  double lambda = 500;
  double gray_weight = 20;
  double gray = 0.5;
  UnlearnLength length = {.epochs = 15, .steps = 0, .lr_scale = 0.5};
  std::int64_t replay_samples = 5000;
  std::int64_t fisher_samples = 3000;
  std::int64_t fisher_batch = 256;
  double clamp = 50;
  void describe(OptionVisitor& v);
};

class GrayOut final : public DrawnClasses {
 public:
  explicit GrayOut(GrayOutOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  void add_gradient(StepContext& context) override;
  Terms terms(StepContext& context) override;

 private:
  [[nodiscard]] std::string name() const override { return "gray-out"; }
  [[nodiscard]] at::Tensor importance(EventContext& context) override;
  [[nodiscard]] bool subtracts() const { return options_.mode == "seed"; }
  /// Retained images, and behind them samples of their classes by the model as it was.
  [[nodiscard]] Dataset unlearning_set(EventContext& context);
  /// The factor before (1/2) sum F d^2 beside a loss that is a mean.
  [[nodiscard]] double strength(StepContext const& context) const;

  GrayOutOptions options_;
  at::Tensor gray_;  // value of the step's gray term
};

}  // namespace mneme
