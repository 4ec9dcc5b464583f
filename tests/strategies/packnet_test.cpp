// PackNet: if these fail, a task loses weights that are its own, or is tested with weights that it never saw.
#include "mneme/strategies/packnet.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kHidden = 36 * 8;  // weights of the toy classifier's fc1

Json packnet(Json const& options = Json::object()) {
  Json all = {{"kind", "packnet"}, {"prune", {0.5}}};
  all.update(options);
  return all;
}

/// A run over task-incremental toy data, event by event.
struct Pack : test::Rig {
  explicit Pack(Json const& options = Json::object(), TrainOptions const& train = RunRecipe::toy().train)
      : Rig(test::listed(packnet(options)), train) {
    trainer.expect(stream);
  }
  void learn(std::size_t i) { trainer.learn(std::get<Task>(stream.events[i])); }
  [[nodiscard]] PackNet& strategy() { return dynamic_cast<PackNet&>(*trainer.strategies().members().front().strategy); }
  [[nodiscard]] at::Tensor owner(std::string const& name) {
    auto const& s = learner->parameters().segments()[static_cast<std::size_t>(segment(name))];
    return strategy().owner().narrow(0, s.offset, s.size).view(s.shape);
  }
  [[nodiscard]] at::Tensor value(std::string const& name) { return learner->parameters().value(segment(name)); }

  Stream stream = toy::split_stream(true);
};

std::int64_t count(at::Tensor const& mask) { return mask.sum().item<std::int64_t>(); }

TrainOptions optimizer(std::string const& kind) {
  auto train = RunRecipe::toy().train;
  train.optimizer.optimizer = kind;
  train.optimizer.learning_rate = kind == "sgd" ? 0.1 : 0.01;
  if (kind == "sgd") train.optimizer.momentum = 0.9;
  train.optimizer.weight_decay = 0.1;
  train.at_boundary = "keep";
  return train;
}

// Wrong: keep and prune confused, the largest pruned, biases pruned, outputs of other tasks taken.
TEST(PackNet, PrunesTheShareOfLeastMagnitudeAndOwnsTheRest) {
  Pack run(Json{{"retrain_epochs", 0}});
  run.learn(0);
  auto const owner = run.owner("fc1.weight"), weight = run.value("fc1.weight");
  EXPECT_EQ(count(owner.eq(1)), kHidden / 2);
  EXPECT_EQ(count(owner.eq(0)), kHidden / 2);
  EXPECT_TRUE(at::equal(owner.eq(0), weight.eq(0)));
  EXPECT_TRUE(run.owner("fc1.bias").eq(1).all().item<bool>());
  EXPECT_TRUE(at::equal(run.owner("head.bias"), at::tensor({1, 1, 255, 255}, at::kByte)));
  run.learn(1);
  EXPECT_TRUE(at::equal(owner.eq(1), run.owner("fc1.weight").eq(1))) << "the first task's weights changed hands";
  EXPECT_EQ(count(run.owner("fc1.weight").eq(2)), kHidden / 4);
  EXPECT_EQ(count(run.owner("fc1.weight").eq(0)), kHidden / 4);
  EXPECT_TRUE(at::equal(run.owner("head.bias"), at::tensor({1, 1, 2, 2}, at::kByte)));
}

TEST(PackNet, KeepsWhatIsLargest) {
  Pack unpruned(Json{{"prune", {0.0}}}), pruned(Json{{"retrain_epochs", 0}});
  unpruned.learn(0);
  pruned.learn(0);
  auto const before = unpruned.value("fc1.weight"), kept = pruned.owner("fc1.weight").eq(1);
  auto const least_kept = before.abs().masked_select(kept).min().item<float>();
  auto const most_pruned = before.abs().masked_select(kept.logical_not()).max().item<float>();
  EXPECT_GE(least_kept, most_pruned);
  EXPECT_TRUE(at::equal(pruned.value("fc1.weight"), before.masked_fill(kept.logical_not(), 0)));
}

// Wrong: momentum, moments or decay move weights that the gradient no longer does.
TEST(PackNet, WeightsOfOldTasksStayBitForBitUnderEveryOptimizer) {
  for (std::string const kind : {"sgd", "adam", "adamw"}) {
    Pack run(Json::object(), optimizer(kind));
    run.learn(0);
    auto const owned = run.strategy().owner().eq(1);
    auto const old = run.theta().masked_select(owned).clone(), all = run.theta().clone();
    run.learn(1);
    EXPECT_TRUE(at::equal(run.theta().masked_select(owned), old)) << kind;
    EXPECT_FALSE(at::equal(run.theta(), all)) << kind << ": nothing was learnt";
  }
}

// Wrong: pruned weights come alive again while the others are retrained.
TEST(PackNet, RetrainingLeavesThePrunedWeightsAtZero) {
  for (std::string const kind : {"sgd", "adam", "adamw"}) {
    Pack run(Json{{"retrain_epochs", 3}}, optimizer(kind));
    run.learn(0);
    EXPECT_TRUE(at::equal(run.owner("fc1.weight").eq(0), run.value("fc1.weight").eq(0))) << kind;
  }
}

TEST(PackNet, ATaskThatWasLearntIsPredictedTheSameForEver) {
  Pack run;
  auto const& test = std::get<Task>(run.stream.events[0]).test;
  run.learn(0);
  auto const first = run.trainer.test(test, 0);
  auto const theta = run.theta().clone();
  EXPECT_EQ(run.trainer.test(test, 0), first);
  EXPECT_TRUE(at::equal(run.theta(), theta)) << "a test must leave the weights";
  run.learn(1);
  EXPECT_EQ(run.trainer.test(test, 0), first);
}

// Wrong: the mask inverted, or none: weights of later tasks would answer for earlier ones.
TEST(PackNet, TestsATaskWithTheWeightsThatItAndEarlierTasksOwn) {
  Pack run;
  run.learn(0);
  run.learn(1);
  TestContext context{*run.learner, 0};
  auto const whole = run.theta().clone();
  run.strategy().begin_test(context);
  auto const owner = run.strategy().owner();
  auto const expected = whole.masked_fill(owner.ne(1), 0);
  EXPECT_TRUE(at::equal(run.theta(), expected));
  run.strategy().end_test(context);
  EXPECT_TRUE(at::equal(run.theta(), whole));
  context.task = 1;
  run.strategy().begin_test(context);
  EXPECT_TRUE(at::equal(run.theta(), whole)) << "the newest task sees all";
  run.strategy().end_test(context);
}

TEST(PackNet, TheThresholdPrunesMoreButNeverAWholeLayer) {
  Pack run(Json{{"prune", {0.25}}, {"threshold", 1e9}, {"retrain_epochs", 0}});
  run.learn(0);
  EXPECT_EQ(count(run.owner("fc1.weight").eq(1)), 1);
}

TEST(PackNet, PruningByGradientKeepsTheWeightsOfLargestSummedGradient) {
  auto train = RunRecipe::toy().train;
  train.epochs = 1;
  Pack run(Json{{"score", "gradient"}, {"retrain_epochs", 0}}, train);
  // The same run without pruning, and the sum of |g| taken beside it.
  auto sum = std::make_shared<at::Tensor>();
  auto watch = std::make_unique<test::Scripted>();
  watch->on_observe = [sum](StepContext& c) {
    auto const g = c.parameters().grad().abs();
    *sum = sum->defined() ? *sum + g : g;
  };
  test::Rig plain(test::only(std::move(watch)), train);
  plain.trainer.expect(run.stream);
  plain.trainer.learn(std::get<Task>(run.stream.events[0]));
  run.learn(0);
  auto const summed = sum->narrow(0, 0, kHidden).view({8, 36});
  auto const kept = run.owner("fc1.weight").eq(1);
  EXPECT_EQ(count(kept), kHidden / 2);
  EXPECT_GE(summed.masked_select(kept).min().item<float>(),
            summed.masked_select(kept.logical_not()).max().item<float>());
}

TEST(PackNet, TheHistorySaysWhatIsLeft) {
  Pack run(Json{{"prune", {0.75, 0.5}}});
  run.learn(0);
  run.learn(1);
  auto const& history = run.strategy().history();
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].at("remaining"), kHidden / 4);
  EXPECT_EQ(history[0].at("total"), kHidden);
  EXPECT_DOUBLE_EQ(history[0].at("sparsity").get<double>(), 0.75);
  EXPECT_DOUBLE_EQ(history[1].at("sparsity").get<double>(), 0.375);
}

// Wrong: a second visit overwrites weights that tasks learnt in between were trained on.
TEST(PackNet, ATaskThatComesAgainLeavesTheOthersAsTheyWere) {
  Pack run;
  run.learn(0);
  run.learn(1);
  auto const& other = std::get<Task>(run.stream.events[1]).test;
  auto const before = run.trainer.test(other, 1);
  run.learn(0);
  EXPECT_EQ(run.trainer.test(other, 1), before);
  EXPECT_TRUE(at::equal(run.owner("head.bias"), at::tensor({3, 3, 2, 2}, at::kByte)));
}

// Wrong: a second visit takes output rows that another task, of the same classes, reads.
TEST(PackNet, ATaskThatComesAgainLeavesOutputsThatAnotherReads) {
  auto stream = toy::stream(2);
  stream.visibility = {.task_at_training = true, .task_at_test = true, .boundaries = true};
  test::Rig rig(test::listed(packnet()));
  rig.trainer.expect(stream);
  auto const task = [&](std::size_t i) -> Task const& { return std::get<Task>(stream.events[i]); };
  rig.trainer.learn(task(0));
  rig.trainer.learn(task(1));
  auto const before = rig.trainer.test(task(1).test, task(1).id);
  rig.trainer.learn(task(0));
  EXPECT_EQ(rig.trainer.test(task(1).test, task(1).id), before);
}

// Wrong: no second training after pruning, or one at the full learning rate; survivors that stay as they were.
TEST(PackNet, SurvivorsAreTrainedAgainAtATenthOfTheRate) {
  auto list = test::listed(packnet());
  auto watch = std::make_unique<test::Scripted>();
  std::vector<std::pair<std::string, double>> stages;
  at::Tensor pruned, retrained;
  watch->on_begin_stage = [&](StageContext& c) {
    stages.emplace_back(c.stage.name, c.stage.lr_scale);
    if (c.stage.name == "retrain") pruned = c.parameters().value(c.parameters().find("fc1.weight")).clone();
  };
  watch->on_end_stage = [&](StageContext& c) {
    if (c.stage.name == "retrain") retrained = c.parameters().value(c.parameters().find("fc1.weight")).clone();
  };
  list.add("watch", std::move(watch), 0);
  test::Rig rig(std::move(list));
  auto const stream = toy::split_stream(true);
  rig.trainer.expect(stream);
  rig.trainer.learn(std::get<Task>(stream.events[0]));
  EXPECT_EQ(stages, (std::vector<std::pair<std::string, double>>{{"train", 1.0}, {"retrain", 0.1}}));
  auto const owned = pruned.ne(0);
  EXPECT_EQ(count(owned), kHidden / 2);
  EXPECT_GT(count(pruned.ne(retrained)), kHidden / 4) << "survivors stay";
  EXPECT_EQ(count(retrained.masked_select(owned.logical_not()).ne(0)), 0) << "pruned weights came back";
}

TEST(PackNet, RefusesAStreamThatHidesTheTaskAndAnotherProjection) {
  test::Rig hidden(test::listed(packnet()));
  EXPECT_THROW(hidden.trainer.run(toy::split_stream(false)), ConfigError);
  test::Rig both(test::listed(Json::array({packnet(), "a-gem"})));
  auto const message = message_of<ConfigError>([&] { both.trainer.run(toy::split_stream(true)); });
  EXPECT_NE(message.find("projects the gradient"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme
