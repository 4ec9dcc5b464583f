// Evaluation: a test set through a learner in batches, in evaluation mode, without gradients.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "mneme/learners/learner.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/train/class_tally.hpp"

namespace mneme {

struct EvaluationOptions {
  std::int64_t every_steps = 0;
  std::int64_t curve_images = 2000;
  bool every_epoch = false;
  std::int64_t batch = 1000;
  void describe(OptionVisitor& v);
};

/// A test set, and what may be known of it.
struct TestSet {
  Dataset const& data;
  std::optional<std::int64_t> task = {};                 // as learner and strategies see it; empty: hidden, or none
  std::optional<std::int64_t> source = {};               // the task that it is of: for measuring alone
  std::function<void(Batch&)> activate = [](Batch&) {};  // the outputs that take part
  std::function<void()> poll = [] {};                    // called between batches; may throw
  ClassTally* tally = nullptr;                           // where a classifier's answers are counted
};

/// Tells the strategies what is measured, and puts back what they changed in the learner, whatever happens. Around
/// every `predict`: a strategy may answer an old task with other parameters.
class TestScope {
 public:
  TestScope(StrategyList& strategies, TestContext context);
  ~TestScope();
  TestScope(TestScope const&) = delete;
  TestScope& operator=(TestScope const&) = delete;

 private:
  StrategyList& strategies_;
  TestContext context_;
};

/// One forward pass in evaluation mode, without gradients; its logits are the strategies' scores where one predicts.
[[nodiscard]] Output predict(Learner& learner, StrategyList& strategies, Batch const& batch, at::Generator& noise);

/// Whether a strategy answers in place of the net.
[[nodiscard]] bool strategies_answer(Learner& learner, StrategyList& strategies, Batch const& batch,
                                     at::Generator& noise);

/// Means over `test` of the learner's metrics, in their order. Scores come from the strategies where one predicts.
/// Noise restarts from (seed, name of the test set), so the result depends on the weights alone.
[[nodiscard]] std::vector<double> evaluate(Learner& learner, StrategyList& strategies, TestSet const& test,
                                           RandomStreams const& streams, std::int64_t batch);

/// The fixed part of a test set that curves are drawn from: `count` samples chosen by the seed, in file order.
[[nodiscard]] Dataset curve_part(Dataset const& test, std::int64_t count, RandomStreams const& streams);

}  // namespace mneme
