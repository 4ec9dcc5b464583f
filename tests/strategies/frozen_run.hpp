// Shared by the tests of penalties with hand-computed importances: a net of seven weights with given values, and events
// whose training makes no step, so that an importance is that of these values.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/quadratic.hpp"
#include "tests/strategies/support.hpp"

namespace mneme::test {

/// Logits (log 3, 0) whatever x [2] is, so p = (3/4, 1/4), from one hidden unit that is 1:
///   fc1.weight (0, 0), fc1.bias 1, head.weight (2, 0), head.bias (log 3 - 2, 0).
inline std::unique_ptr<Classifier> seven_weights() {
  auto learner = std::make_unique<Classifier>(
      [](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 2, Shape{1}, 2); }, at::kCPU, nullptr);
  learner->parameters().value().copy_(at::tensor({0.0F, 0.0F, 1.0F, 2.0F, 0.0F, std::log(3.0F) - 2.0F, 0.0F}));
  return learner;
}

/// x = (1, 2), (3, 0), (1, -2) with labels 0, 1, 0.
inline Dataset three_samples() {
  return {
      "three", at::tensor({1.0F, 2.0F, 3.0F, 0.0F, 1.0F, -2.0F}).view({3, 2}), at::tensor({0, 1, 0}, at::kLong), {}};
}

/// A strategy on the seven weights.
class FrozenRun {
 public:
  explicit FrozenRun(Json const& strategy) : learner_(seven_weights()) {
    auto list = listed(strategy);
    penalty_ = dynamic_cast<QuadraticPenalty const*>(list.members()[0].strategy.get());
    auto probe = std::make_unique<Scripted>();
    probe->on_observe = [this](StepContext& c) { before_ = c.parameters().grad().clone(); };
    probe->on_project = [this](StepContext& c) { pull_ = c.parameters().grad() - before_; };
    list.add("probe", std::move(probe), 0);
    TrainOptions options;
    options.epochs_per_event = {0, 0, 1};
    options.batch = 3;
    trainer_ = std::make_unique<Trainer>(*learner_, std::move(list), options, EvaluationOptions{}, 0);
  }

  /// Ends an event without having trained, and returns the importance.
  at::Tensor importance() {
    learn();
    return penalty_->quadratic().importance();
  }
  /// After two events: what the penalty adds to the gradient where every weight is 1 further than its anchor.
  at::Tensor pull() {
    learner_->parameters().value().add_(1);
    learn();
    return pull_;
  }

 private:
  void learn() { trainer_->learn({.name = "three", .train = three_samples(), .test = three_samples(), .classes = {}}); }

  std::unique_ptr<Classifier> learner_;
  std::unique_ptr<Trainer> trainer_;
  QuadraticPenalty const* penalty_ = nullptr;
  at::Tensor before_, pull_;
};

}  // namespace mneme::test
