// Streaming linear discriminant analysis: a frozen net gives features, and their class means and one covariance,
// updated sample by sample, give a linear classifier in closed form.
//
//   for each sample, d = phi - mu_y:   Sigma <- (n Sigma + (n / (n + 1)) d d') / (n + 1)
//                                      mu_y <- mu_y + d / (n_y + 1)
//   score_c = phi . w_c - (1/2) mu_c . w_c,   w_c = [(1 - s) Sigma + s I]^-1 mu_c
//
// phi [F] is the last hidden layer, n and n_y count the samples before this one, of all classes and of class y; means
// begin at zero. Hayes and Kanan 2020, Lifelong machine learning with deep streaming linear discriminant analysis,
// CVPR workshops, arXiv:1909.01520. Softmax of the scores is the posterior of Gaussians with one covariance and equal
// priors.
//
// Batches are exact. S = n Sigma obeys S <- S + (n / (n + 1)) d d', a sum, and the mean of class y before row i of a
// batch follows from the rows above it (docs/methods/slda.md).
//
// Differences from the paper: the net is trained on the first event instead of on ImageNet, and the first event's
// statistics come from the same recursion instead of a shrinkage estimator.
#pragma once

#include "mneme/strategies/class_means.hpp"

namespace mneme {

struct SldaOptions {
  double shrinkage = 1e-4;
  std::string covariance = "plastic";
  std::string backbone = "first-event";
  void describe(OptionVisitor& v);
};

/// Class means and one covariance of a stream of features, in float64.
class StreamingLda {
 public:
  explicit StreamingLda(double shrinkage) : shrinkage_(shrinkage) {}

  /// Rows in order: features [N, F], labels int64 [N] below `classes`. The covariance may be left as it is.
  void add(at::Tensor const& features, at::Tensor const& labels, std::int64_t classes, bool covariance = true);
  [[nodiscard]] bool empty() const { return means_.empty(); }
  /// [N, C] in the type of `features`. Factorises the covariance where something was added since the last call.
  [[nodiscard]] at::Tensor scores(at::Tensor const& features);
  [[nodiscard]] at::Tensor covariance() const;  // float64 [F, F]
  [[nodiscard]] ClassMeans const& means() const { return means_; }
  void state(Archive& archive);

 private:
  void solve();

  double shrinkage_;
  ClassMeans means_;
  at::Tensor scatter_;          // S = n Sigma, float64 [F, F]
  std::int64_t samples_ = 0;    // n: those in the scatter
  at::Tensor weight_, offset_;  // of the classifier, [F, C] and [C]; undefined: to be solved for
};

class Slda final : public Strategy {
 public:
  explicit Slda(SldaOptions options) : options_(std::move(options)), lda_(options_.shrinkage) {}
  [[nodiscard]] Needs needs() const override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void after_step(StepContext& context) override;
  void end_event(EventContext& context) override;
  at::Tensor predict(Output const& output, Batch const& batch) override;
  void state(Archive& archive) override { lda_.state(archive); }
  [[nodiscard]] StreamingLda const& lda() const { return lda_; }

 private:
  [[nodiscard]] bool frozen(EventContext const& context) const;

  SldaOptions options_;
  StreamingLda lda_;
};

}  // namespace mneme
