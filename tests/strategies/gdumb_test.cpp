// GDumb: if these fail, the network that is tested is not one trained from scratch on the balanced memory alone.
#include "mneme/strategies/gdumb.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Json const kConfig = {{"kind", "gdumb"}, {"memory", 12}, {"epochs", 30}};

Gdumb const& gdumb_of(StrategyList& list) { return dynamic_cast<Gdumb const&>(*list.members()[0].strategy); }

TEST(Gdumb, TestsANetworkTrainedOnTheMemoryFromScratch) {
  auto list = listed({{"kind", "gdumb"}, {"memory", 60}, {"epochs", 30}});
  auto const& buffer = gdumb_of(list).buffer();
  Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  auto const rows = buffer.all();

  // The same training, asked for by hand: a new learner on a task whose data are the stored samples.
  auto options = RunRecipe::toy().train;
  options.epochs = 30;
  Rig other({}, options);
  auto const tasks = toy::stream(2);
  for (auto const* task : tasks.tasks()) other.trainer.test_on(*task);
  auto memory = *tasks.tasks()[0];
  memory.name = "memory";
  memory.train = {"memory", rows.data, rows.labels, {}};
  other.trainer.learn(memory);
  for (std::size_t column : {0U, 1U}) {
    EXPECT_EQ(*rig.trainer.matrix().values[2][column], *other.trainer.matrix().values[1][column])
        << "column " << column << ": the network that was tested is another";
    EXPECT_GT(*rig.trainer.matrix().values[2][column], 0.5) << "column " << column << ": it learnt nothing";
  }
}

TEST(Gdumb, LearnsNothingFromTheStreamAndSeesEachSampleOnce) {
  auto list = listed(kConfig);
  auto const& buffer = gdumb_of(list).buffer();
  Rig rig(std::move(list));
  auto const before = rig.theta().clone();
  rig.trainer.run(toy::stream(2));
  EXPECT_TRUE(at::equal(rig.theta(), before)) << "the live network was trained";
  EXPECT_EQ(buffer.seen(), 80) << "samples were offered more than once, or not at all";
}

TEST(Gdumb, HoldsAsManyOfEachClass) {
  auto list = listed(kConfig);
  auto const& buffer = gdumb_of(list).buffer();
  Rig rig(std::move(list));
  auto const stream = toy::split_stream(false);
  rig.trainer.expect(stream);
  rig.trainer.learn(*stream.tasks()[0]);
  EXPECT_TRUE(at::equal(buffer.all().labels.bincount(), at::tensor({6, 6}, at::kLong)));
  rig.trainer.learn(*stream.tasks()[1]);
  EXPECT_TRUE(at::equal(buffer.all().labels.bincount(), at::full({4}, 3, at::kLong)));
}

TEST(Gdumb, WithoutAMemoryTheUntrainedNetworkIsTested) {
  Rig rig(listed({{"kind", "gdumb"}, {"memory", 0}}));
  rig.trainer.run(toy::stream(1));
  EXPECT_EQ(*rig.trainer.matrix().values[1][0], *rig.trainer.matrix().values[0][0]);
}

TEST(Gdumb, RestartsAreCyclesOf1And2And4Epochs) {
  auto const plan = [](std::int64_t epochs) {
    std::vector<std::pair<std::int64_t, double>> list;
    for (auto const& stage : gdumb_training({.epochs = epochs, .restarts = true}, {})) {
      EXPECT_EQ(stage.from_scratch, list.empty()) << "only the first stage draws the weights";
      EXPECT_FALSE(stage.fresh_optimizer) << "momentum goes on over a restart";
      list.emplace_back(stage.epochs, stage.lr_scale);
    }
    return list;
  };
  using Plan = std::vector<std::pair<std::int64_t, double>>;
  EXPECT_EQ(plan(8), (Plan{{1, 0.1}, {1, 1}, {2, 1}, {4, 1}}));
  EXPECT_EQ(plan(5), (Plan{{1, 0.1}, {1, 1}, {2, 1}, {1, 1}})) << "the last cycle is cut";
  EXPECT_EQ(plan(1), (Plan{{1, 0.1}}));
  auto const whole = gdumb_training({.epochs = 7}, {});
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].epochs, 7);
  EXPECT_TRUE(whole[0].from_scratch);
}

TEST(Gdumb, EarlyStopOfTheRunDoesNotReachItsTraining) {
  auto options = RunRecipe::toy().train;
  options.patience = 1;
  Rig rig(listed(kConfig), options);
  rig.trainer.run(toy::stream(1));
  EXPECT_GT(*rig.trainer.matrix().values[1][0], 0.5) << "held-out samples of the event cut the training short";
}

}  // namespace
}  // namespace mneme
