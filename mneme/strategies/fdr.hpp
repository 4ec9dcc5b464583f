// Function distance regularisation: on stored samples of past tasks, the network's outputs stay near those that it gave
// at the end of their task.
//
//   L = CE(x, y) + alpha 1/B_m sum over B_m stored samples x' of || softmax f(x') - p' ||_2
//
// p' is softmax f(x') at the end of the task of x'; the norm is not squared. Each of the t tasks so far has M / t of
// the M places, a random part of its training data. Benjamin et al. 2019, Measuring and regularizing networks in
// function space, ICLR, arXiv:1805.08289, sec. 4.1.
//
// Differences from the paper: the form with alpha and a small memory is that of Buzzega et al. 2020 (arXiv:2004.07211).
// Their code makes two optimizer steps a batch, one on each term (`own_step`; here one on both), and does not use its
// alpha. p' is taken in evaluation mode. What of a task gives way to later ones is drawn at random. Stored rows move
// running statistics of batch normalisation, as in der.hpp.
#pragma once

#include "mneme/strategies/replay.hpp"

namespace mneme {

struct FdrOptions {
  std::int64_t memory = 1000;
  std::int64_t batch = 0;
  double alpha = 1.0;
  bool own_step = false;
  void describe(OptionVisitor& v);
};

/// Mean over rows of the length of p - q [N, C].
[[nodiscard]] at::Tensor mean_distance(at::Tensor const& p, at::Tensor const& q);

class Fdr final : public Strategy, public LetsGo {
 public:
  explicit Fdr(FdrOptions options)
      : options_(options), buffer_({.memory = options.memory, .policy = "task-balanced"}) {}
  [[nodiscard]] Needs needs() const override;
  std::optional<at::Tensor> penalty(StepContext& context) override;
  std::optional<at::Tensor> own_step(StepContext& context) override;
  void end_event(EventContext& context) override;
  /// None of a step of its own, which follows the line.
  Terms terms(StepContext&) override { return options_.own_step ? Terms() : terms_; }
  /// What stays is answered anew, by the weights that have forgotten: the old answers were of weights that knew.
  void let_go(Forgotten const& forgotten, EventContext& context) override;
  void state(Archive& archive) override { buffer_.state(archive); }
  [[nodiscard]] Buffer const& buffer() const { return buffer_; }

 private:
  [[nodiscard]] std::optional<at::Tensor> distance(StepContext& context);

  FdrOptions options_;
  Buffer buffer_;
  Terms terms_;  // of the step
};

}  // namespace mneme
