// FeTrIL: the net is frozen after the first event, and old classes are represented by features of new ones that are
// moved to the old classes' means.
//
//   phi^_c(x) = phi(x) - mu_n(c) + mu_c    for every x of class n(c)
//   n(c) = argmax over the new classes n of cos(mu_n, mu_c)
//   L = mean of CE over the real features of the new classes and the pseudo-features phi^_c of all old classes c
//
// phi [F] is the last hidden layer, mu_c the mean of phi over class c's training data, taken when the class was learnt;
// only the output layer is trained. Petit et al. 2023, FeTrIL: feature translation for exemplar-free class-incremental
// learning, WACV, arXiv:2211.13131. Their published code chooses n(c) by the smallest distance.
//
// Differences from the paper: a pseudo-feature is in the same batch as the sample it is made of, so that in an epoch
// each occurs once, as in the paper, but batches grow with the number of old classes; the classifier is the output
// layer, trained on by gradient steps (the paper's variant with a fully connected layer), not a support vector machine.
#pragma once

#include "mneme/nets/layers.hpp"
#include "mneme/strategies/class_means.hpp"

namespace mneme {

struct FetrilOptions {
  std::string similarity = "cosine";
  void describe(OptionVisitor& v);
};

/// Features and the classes that they stand for.
struct LabelledFeatures {
  at::Tensor features;  // [N, F]
  at::Tensor labels;    // int64 [N]
};

/// For every old class the most similar new one, int64 [C]; -1 for classes that are not old. New: with a mean in `now`
/// and without one in `old`; where there is none, with a mean in `now`. Old: with a mean in `old`, and not new.
[[nodiscard]] at::Tensor nearest_new_class(ClassMeans const& old, ClassMeans const& now, std::string const& similarity);

/// The rows themselves and, behind them, row i moved by shift[c] for every class c with source[c] = labels[i], in the
/// order of the rows. features [N, F], source int64 [C], shift [C, F].
[[nodiscard]] LabelledFeatures with_pseudo_features(LabelledFeatures const& real, at::Tensor const& source,
                                                    at::Tensor const& shift);

class Fetril final : public Strategy {
 public:
  explicit Fetril(FetrilOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  std::vector<Stage> stages(EventContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  void end_event(EventContext& context) override;
  void state(Archive& archive) override;
  [[nodiscard]] ClassMeans const& means() const { return means_; }

 private:
  void measure(EventContext const& context);
  void prepare(at::Tensor const& like);

  FetrilOptions options_;
  ClassMeans means_;                  // of the events that are over
  ClassMeans now_;                    // of the event's own data
  at::Tensor source_, shift_, seen_;  // made of the means; undefined: to be made
  std::optional<Linear> head_;        // the net's own, over the same parameters
};

}  // namespace mneme
