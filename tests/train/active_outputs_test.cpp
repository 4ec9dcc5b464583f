// Active outputs: if these fail, a sample competes with classes that it must not see, or an answer leaks: the task, or
// classes that were not learnt yet.
#include "mneme/train/active_outputs.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

Task task_of(std::int64_t id, std::vector<std::int64_t> classes) {
  return {.name = std::to_string(id), .id = id, .train = {}, .test = {}, .classes = std::move(classes)};
}

Batch batch_of(std::vector<std::int64_t> const& tasks, bool shown = true) {
  auto const n = static_cast<std::int64_t>(tasks.size());
  return {at::zeros({n, 1}), at::zeros({n}, at::kLong), at::tensor(tasks, at::kLong), {.task_at_training = shown}};
}

std::vector<int> bits(at::Tensor const& mask) {
  auto const flat = mask.flatten().to(at::kInt);
  return {flat.data_ptr<int>(), flat.data_ptr<int>() + flat.numel()};
}

TEST(ActiveOutputs, OfOneHeadATaskAreThoseOfEachRowsTask) {
  ActiveOutputs outputs(Head::kAuto, at::kCPU);
  outputs.show({.task_at_test = true});
  outputs.add(task_of(0, {0, 2}));
  outputs.add(task_of(1, {1, 3}));
  auto mixed = batch_of({1, 0});
  outputs.activate(mixed);
  EXPECT_EQ(bits(mixed.active), (std::vector<int>{0, 1, 0, 1, 1, 0, 1, 0}));
  Batch one(at::zeros({3, 1}), at::zeros({3}, at::kLong), 0, {});
  outputs.activate(one);
  EXPECT_EQ(bits(one.active), (std::vector<int>{1, 0, 1, 0})) << "rows of one task share one mask";
}

TEST(ActiveOutputs, AutoIsSharedWhereTheTaskIsHiddenAtTest) {
  ActiveOutputs outputs(Head::kAuto, at::kCPU);
  outputs.show({.task_at_test = false});
  outputs.learn(task_of(0, {0}));
  auto batch = batch_of({0});
  outputs.activate(batch);
  EXPECT_FALSE(batch.active.defined());
}

TEST(ActiveOutputs, OfAGrowingHeadAreTheClassesSeen) {
  ActiveOutputs outputs(Head::kGrowing, at::kCPU);
  outputs.add(task_of(1, {2, 3}));
  outputs.learn(task_of(0, {0, 1}));
  auto hidden = batch_of({0}, false);
  outputs.activate(hidden);
  EXPECT_EQ(bits(hidden.active), (std::vector<int>{1, 1, 0, 0}));
  outputs.learn(task_of(1, {2, 3}));
  outputs.activate(hidden);
  EXPECT_EQ(bits(hidden.active), (std::vector<int>{1, 1, 1, 1}));
}

TEST(ActiveOutputs, RefuseOneHeadATaskWhereTheTaskIsHidden) {
  ActiveOutputs outputs(Head::kPerTask, at::kCPU);
  EXPECT_THROW(outputs.show({.task_at_test = false}), ConfigError);
}

TEST(ActiveOutputs, SurviveAStop) {
  ActiveOutputs before(Head::kGrowing, at::kCPU), after(Head::kGrowing, at::kCPU);
  before.learn(task_of(0, {0, 3}));
  Archive saved;
  before.state(saved);
  Archive stored(saved.tensors(), saved.values(), "x");
  after.state(stored);
  auto batch = batch_of({0}, false);
  after.activate(batch);
  EXPECT_EQ(bits(batch.active), (std::vector<int>{1, 0, 0, 1}));
}

TEST(TaskIncremental, ToldTheTaskAClassifierForgetsLess) {
  auto const last_of_first_task = [](bool told) {
    auto options = RunRecipe::toy().train;
    options.epochs = 20;
    test::Rig rig({}, options);
    rig.trainer.run(toy::split_stream(told));
    return *rig.trainer.matrix().values.back()[0];
  };
  EXPECT_LT(last_of_first_task(false), 0.3) << "class-incremental naive training loses the first classes";
  EXPECT_GT(last_of_first_task(true), 0.7) << "with its own two outputs the first task is mostly kept";
}

TEST(TaskIncremental, JointTrainingKnowsTheTaskOfEveryRow) {
  test::Rig rig(test::listed("joint"));
  rig.trainer.run(rig.trainer.strategies().wrap(toy::split_stream(true)));
  EXPECT_GT(*rig.trainer.matrix().values.back()[0], 0.8);
  EXPECT_GT(*rig.trainer.matrix().values.back()[1], 0.8) << "rows of the second task were taken for the first's";
}

TEST(Test, WhatAStrategyChangesForATaskIsPutBack) {
  auto s = std::make_unique<test::Scripted>();
  std::vector<std::optional<std::int64_t>> told;
  at::Tensor kept;
  s->on_begin_test = [&](TestContext& c) {
    told.push_back(c.task);
    kept = c.learner.parameters().value().clone();
    c.learner.parameters().value().zero_();
  };
  s->on_end_test = [&](TestContext& c) { c.learner.parameters().value().copy_(kept); };
  test::Rig rig(test::only(std::move(s))), plain;
  rig.trainer.run(toy::split_stream(true));
  plain.trainer.run(toy::split_stream(true));
  EXPECT_EQ(rig.trainer.training_hash(), plain.trainer.training_hash());
  EXPECT_EQ(*rig.trainer.matrix().values.back()[0], 0.5) << "measured with other weights than begin_test left";
  EXPECT_EQ(told, (std::vector<std::optional<std::int64_t>>{0, 1, 0, 1, 0, 1}));
}

TEST(Test, TheTaskIsHiddenWhereTheStreamHidesIt) {
  auto s = std::make_unique<test::Scripted>();
  s->on_begin_test = [&](TestContext& c) { EXPECT_FALSE(c.task.has_value()); };
  s->on_predict = [&](Output const&, Batch const& batch) {
    EXPECT_THROW(static_cast<void>(batch.task()), VisibilityError);
    return at::Tensor();
  };
  test::Rig rig(test::only(std::move(s)));
  rig.trainer.run(toy::split_stream(false));
}

}  // namespace
}  // namespace mneme
