// Shared by the tests of strategies and training: a strategy made of functions, and a run over toy tasks.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"

namespace mneme::test {

/// Each hook that a test does not set does nothing.
class Scripted final : public Strategy {
 public:
  Needs declared = {};
  std::function<void(EventContext&)> on_begin, on_end;
  std::function<std::vector<Stage>(EventContext&)> on_stages, on_before_evaluation;
  std::function<Batch(Batch, StepContext&)> on_compose;
  std::function<std::optional<at::Tensor>(StepContext&)> on_objective, on_penalty, on_own_step;
  std::function<void(StepContext&)> on_observe, on_add, on_project, on_after_step;
  std::function<Gates(Batch const&, bool)> on_gates;
  std::function<std::vector<Auxiliary>()> on_auxiliaries;
  std::function<at::Tensor(Output const&, Batch const&)> on_predict;
  std::function<void(TestContext&)> on_begin_test, on_end_test;
  std::function<void(Growth const&)> on_grown;
  std::function<void(StageContext&)> on_begin_stage, on_end_stage;
  std::function<void(Archive&)> on_state;

  [[nodiscard]] Needs needs() const override { return declared; }
  void begin_event(EventContext& c) override { call(on_begin, c); }
  void end_event(EventContext& c) override { call(on_end, c); }
  std::vector<Stage> stages(EventContext& c) override { return call(on_stages, c); }
  void begin_stage(StageContext& c) override { call(on_begin_stage, c); }
  void end_stage(StageContext& c) override { call(on_end_stage, c); }
  Batch compose(Batch batch, StepContext& c) override { return on_compose ? on_compose(std::move(batch), c) : batch; }
  std::optional<at::Tensor> objective(StepContext& c) override { return call(on_objective, c); }
  std::optional<at::Tensor> penalty(StepContext& c) override { return call(on_penalty, c); }
  void observe_gradient(StepContext& c) override { call(on_observe, c); }
  void add_gradient(StepContext& c) override { call(on_add, c); }
  void project_gradient(StepContext& c) override { call(on_project, c); }
  std::optional<at::Tensor> own_step(StepContext& c) override { return call(on_own_step, c); }
  void after_step(StepContext& c) override { call(on_after_step, c); }
  std::vector<Stage> before_evaluation(EventContext& c) override { return call(on_before_evaluation, c); }
  Gates gates(Batch const& batch, bool training) override { return on_gates ? on_gates(batch, training) : Gates{}; }
  std::vector<Auxiliary> auxiliaries() override { return on_auxiliaries ? on_auxiliaries() : std::vector<Auxiliary>{}; }
  at::Tensor predict(Output const& output, Batch const& batch) override {
    return on_predict ? on_predict(output, batch) : at::Tensor();
  }
  void begin_test(TestContext& c) override { call(on_begin_test, c); }
  void end_test(TestContext& c) override { call(on_end_test, c); }
  void grown(Growth const& growth) override {
    if (on_grown) on_grown(growth);
  }
  void state(Archive& archive) override {
    if (on_state) on_state(archive);
  }

 private:
  template <class Function, class Context>
  static auto call(Function const& function, Context& context) -> decltype(function(context)) {
    if (function) return function(context);
    return decltype(function(context))();
  }
};

inline StrategyList only(std::unique_ptr<Strategy> strategy, std::string const& key = "scripted") {
  return {key, std::move(strategy), 0};
}
inline StrategyList listed(Json const& config, std::uint64_t seed = 0) { return {config, "strategy", seed}; }

/// A learner and its trainer.
struct Rig {
  explicit Rig(StrategyList strategies = {}, TrainOptions const& options = RunRecipe::toy().train,
               std::string const& kind = "classifier", EvaluationOptions const& evaluation = {}, std::uint64_t seed = 0)
      : learner(toy::learner(kind, Json::object(), seed)),
        trainer(*learner, std::move(strategies), options, evaluation, seed) {}
  [[nodiscard]] at::Tensor const& theta() const { return learner->parameters().value(); }
  [[nodiscard]] int segment(std::string const& name) const { return learner->parameters().find(name); }

  std::unique_ptr<Learner> learner;
  Trainer trainer;
};

/// Parameters at the end of a run over toy tasks.
inline std::string hash_of(StrategyList strategies, TrainOptions const& options = RunRecipe::toy().train,
                           std::int64_t tasks = 2) {
  Rig rig(std::move(strategies), options);
  rig.trainer.run(toy::stream(tasks));
  return rig.trainer.training_hash();
}

}  // namespace mneme::test
