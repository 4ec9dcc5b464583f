// Teacher: the learner as it was, asked what it gives for a batch. One row [P] in the state, and one [Q] where layers
// keep running statistics; the net is built anew from them after a resume.
#pragma once

#include <memory>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

class Teacher {
 public:
  /// Keeps the learner as it is now.
  void take(Learner const& learner);
  /// Adds noise to what it keeps of each segment of the arena that it was taken from, `by` standard deviations of the
  /// segment's own values. Not before `take`.
  void disturb(ParameterArena const& arena, double by, at::Generator& noise);
  void clear();
  [[nodiscard]] bool empty() const { return !values_.defined(); }
  /// [P]
  [[nodiscard]] at::Tensor const& values() const { return values_; }
  /// In evaluation mode, without a graph, through the gates that hold for the batch. Not before `take`.
  [[nodiscard]] Output forward(Batch const& batch, EventContext const& context);
  /// The net itself, for what it can do beside. Not before `take`.
  [[nodiscard]] Learner& net(EventContext const& context) { return net(context.learner); }
  /// `like`: a learner of the same shape.
  [[nodiscard]] Learner& net(Learner const& like);
  void grown(Growth const& growth);
  void state(Archive& archive);

 private:
  at::Tensor values_;                 // [P]; once the net is built, the net's own row
  at::Tensor buffers_;                // [Q] likewise; undefined where Q is 0
  std::unique_ptr<Learner> learner_;  // empty until it is asked
};

}  // namespace mneme
