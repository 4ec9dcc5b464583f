// Replay through feedback: the learner is its own generator (learners/rtf.hpp). Each later task is learnt together with
// samples of the net as it was before, which hold the net to the probabilities that it gave then.
//
//   L = (1/t) [ G(x) + CE(x, y) ] + (1 - 1/t) [ G(x~) + T^2 KD(x~) ]      x~ of the net after the last task
//
// for the t-th task, each term a mean over its rows. G = (BCE + KL) / pixels; KD = - sum_i q_i log softmax(f / T)_i
// with q = softmax(f_prev / T) over the outputs that were learnt; new classes have the target 0.
//   rtf    on learner `rtf`: codes are drawn from N(0, I). van de Ven and Tolias 2018, Generative replay with feedback
//          connections as a general strategy for continual learning, arXiv:1809.10635, sec. 3.
//   bi-r   on learner `bi-r`: a class is drawn from those learnt, a code from its mode, and the class's units of the
//          decoder are off; in KL the modes are weighted by q. van de Ven, Siegelmann and Tolias 2020, Brain-inspired
//          replay for continual learning with artificial neural networks, doi:10.1038/s41467-020-17866-2.
//
// Differences: where each task has a head of its own, a generated sample is answered by one of the past tasks' heads,
// drawn anew, and not by all. bi-r replays pixels and not the features of pre-trained layers; a replayed sample passes
// the gates of the class that it was drawn for, and gates go by class in every scenario.
#pragma once

#include "mneme/strategies/generated.hpp"

namespace mneme {

struct RtfOptions {
  std::int64_t replayed = 0;
  double temperature = 2.0;
  bool per_output = false;
  void describe(OptionVisitor& v);
};

class Rtf final : public Strategy {
 public:
  /// `learner`: the kind that it goes with, rtf or bi-r.
  Rtf(RtfOptions options, std::string learner) : options_(options), learner_(std::move(learner)) {}
  [[nodiscard]] Needs needs() const override;
  void end_event(EventContext& context) override { solver_.take(context); }
  Batch compose(Batch batch, StepContext& context) override;
  std::optional<at::Tensor> objective(StepContext& context) override;
  Terms terms(StepContext&) override { return terms_; }
  void grown(Growth const& growth) override { solver_.grown(growth); }
  void state(Archive& archive) override { solver_.state(archive); }

 private:
  RtfOptions options_;
  std::string learner_;
  PastSolver solver_;
  Answers answers_;  // of the step
  Terms terms_;
};

}  // namespace mneme
