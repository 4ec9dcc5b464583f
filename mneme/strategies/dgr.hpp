// Deep generative replay: a generator is trained beside the classifier, and both learn a task together with samples of
// the generator as it was before, labelled by the classifier as it was before.
//
//   dgr           L = (1/t) CE(x, y) + (1 - 1/t) CE(x~, y~)        x~ of the previous generator,
//   dgr+distill   L = (1/t) CE(x, y) + (1 - 1/t) T^2 KD(x~)        y~ = argmax of the previous classifier
//
// for the t-th task (with `weights = "rows"`, as in Avalanche, n/(n + m) for n new and m generated rows in place of
// 1/t), each term a mean over its rows; KD = - sum_i softmax(f_prev / T)_i log softmax(f / T)_i. Of the previous
// classifier only outputs that it has learnt answer; new classes have the target 0. The generator is a VAE
// (learners/vae.hpp) trained on the same rows with the same weights, in the same steps and by an optimizer of its own.
// Shin et al. 2017, Continual learning with deep generative replay, NeurIPS, arXiv:1705.08690, eq. 1; with a VAE, these
// weights, and distillation: van de Ven and Tolias 2018, Generative replay with feedback connections as a general
// strategy for continual learning, arXiv:1809.10635, sec. 3.
//
// Differences: Shin et al. use a WGAN-GP. Where each task has a head of its own, van de Ven and Tolias average over the
// heads of all past tasks; here each generated sample is answered by one of them, drawn anew, which is the same loss on
// average.
#pragma once

#include "mneme/learners/vae.hpp"
#include "mneme/strategies/generated.hpp"

namespace mneme {

struct DgrOptions {
  VaeOptions generator = {.hidden = 400, .latent = 100, .layers = 2};
  std::int64_t replayed = 0;
  std::string weights = "tasks";
  void describe(OptionVisitor& v);
};

struct DgrDistillOptions : DgrOptions {
  double temperature = 2.0;
  bool per_output = false;
  void describe(OptionVisitor& v);
};

class Dgr final : public Strategy {
 public:
  explicit Dgr(DgrOptions options) : options_{std::move(options), 0.0} {}
  explicit Dgr(DgrDistillOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  void end_event(EventContext& context) override;
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  Terms terms(StepContext&) override { return terms_; }
  std::vector<Auxiliary> auxiliaries() override;
  void grown(Growth const& growth) override { solver_.grown(growth); }
  void state(Archive& archive) override;

  /// Undefined before the first event, and before its end.
  [[nodiscard]] Vae const* generator() const { return generator_.get(); }
  [[nodiscard]] Vae const* past_generator() const { return past_generator_.get(); }

 private:
  [[nodiscard]] bool distills() const { return options_.temperature > 0; }
  /// Of the new rows in the loss of a step whose replay has been drawn.
  [[nodiscard]] double share(StepContext const& context) const;
  void restore(Archive& archive, std::string const& name, std::unique_ptr<Vae>& vae);

  DgrDistillOptions options_;  // temperature 0: labels
  std::vector<std::int64_t> input_;
  std::unique_ptr<Vae> generator_, past_generator_;
  PastSolver solver_;
  Answers answers_;  // of the step
  Terms terms_;
};

}  // namespace mneme
