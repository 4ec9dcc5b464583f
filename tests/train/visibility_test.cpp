// What a stream shows is all that a run sees: if these fail, an online run sees a sample twice, a drift is shuffled
// away, or hidden labels are trained on.
#include <gtest/gtest.h>

#include "mneme/stream/makers.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::only;
using test::Rig;
using test::Scripted;

TrainOptions one_epoch() {
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  return options;
}

Stream toy_stream(Json const& changes) {
  return make_stream(
      {{"kind", "domain"}, {"datasets", {"one", "two"}}, {"with", changes}}, "stream",
      [](std::string const& name, std::string const& split) {
        return toy::images(name, split == "train" ? 40 : 20, split == "train" ? 0 : 1);
      },
      0);
}

Stream online() { return toy_stream({{{"kind", "online"}}}); }

std::string refusal(Stream const& stream, StrategyList strategies, TrainOptions const& options) {
  Rig rig(std::move(strategies), options);
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(stream); });
  EXPECT_EQ(rig.trainer.steps(), 0) << "it was trained before it was refused";
  return message;
}

TEST(Online, TrainsOnEachSampleOnce) {
  auto strategy = std::make_unique<Scripted>();
  std::int64_t seen = 0;
  strategy->on_after_step = [&](StepContext& c) { seen += c.batch.size(); };
  Rig rig(only(std::move(strategy)), one_epoch());
  rig.trainer.run(online());
  EXPECT_EQ(seen, 80);
}

TEST(Online, RefusesASecondPassBeforeTheFirstStep) {
  auto twice = one_epoch();
  twice.epochs = 2;
  test::expect_mentions(refusal(online(), {}, twice), {"'one'", "2 times", "online", "train.epochs = 1"});
  auto steps = one_epoch();
  steps.steps = 1000;
  test::expect_mentions(refusal(online(), {}, steps), {"online", "train.steps"});
  auto strategy = std::make_unique<Scripted>();
  strategy->on_stages = [](EventContext&) { return std::vector<Stage>{{.name = "train"}, {.name = "again"}}; };
  test::expect_mentions(refusal(online(), only(std::move(strategy)), one_epoch()), {"2 times", "second stage"});
}

TEST(Online, AllowsPassesOverOtherDataThanTheEvents) {
  auto strategy = std::make_unique<Scripted>();
  strategy->on_stages = [](EventContext& c) {
    return std::vector<Stage>{
        {.name = "look", .epochs = 1, .optimise = false},
        {.name = "train on what is kept", .data = c.data.select(at::arange(4, at::kLong)), .epochs = 3}};
  };
  Rig rig(only(std::move(strategy)), one_epoch());
  EXPECT_NO_THROW(rig.trainer.run(online()));
}

// Wrong: the trainer shuffles, and a stream that drifts is one that is mixed.
TEST(BoundaryFree, SamplesComeInTheStreamsOrder) {
  auto const stream = toy_stream({{{"kind", "boundary-free"}}});
  auto strategy = std::make_unique<Scripted>();
  std::vector<at::Tensor> rows;
  strategy->on_after_step = [&](StepContext& c) { rows.push_back(c.rows); };
  Rig rig(only(std::move(strategy)), one_epoch());
  rig.trainer.run(stream);
  EXPECT_TRUE(at::equal(at::cat(rows), at::arange(80, at::kLong)));
  EXPECT_EQ(rig.trainer.matrix().tasks, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(rig.trainer.matrix().rows.size(), 2U);
}

TEST(BoundaryFree, StrategiesThatNeedBoundariesAreRefusedByNameAndReason) {
  auto const stream = toy_stream({{{"kind", "boundary-free"}}});
  for (std::string const name : {"ewc", "si"})
    test::expect_mentions(refusal(stream, listed(name), one_epoch()),
                          {"'" + name + "'", "needs task boundaries", "this stream does not have"});
  Rig rig(listed("er"), one_epoch());
  EXPECT_NO_THROW(rig.trainer.run(stream));
}

// Wrong: a stream without boundaries is one first event, in which replay waits for the second for ever.
TEST(BoundaryFree, WhatIsStoredIsReplayed) {
  auto const stream = toy_stream({{{"kind", "boundary-free"}}});
  auto const trained = [&](Json const& strategy) {
    Rig rig(listed(strategy), one_epoch());
    rig.trainer.run(stream);
    return rig.trainer.training_hash();
  };
  auto const naive = trained("naive");
  for (std::string const name : {"er", "er-ace", "er-aml", "mir", "gss", "der", "der++", "a-gem"})
    EXPECT_NE(trained({{"kind", name}, {"memory", 20}}), naive) << name;
}

TEST(Unlabelled, AClassifierCannotBeTrainedAndAVaeCan) {
  auto const stream = toy_stream({{{"kind", "unlabelled"}}});
  Rig classifier({}, one_epoch());
  EXPECT_THROW(classifier.trainer.run(stream), DataError);
  Rig vae({}, one_epoch(), "vae");
  EXPECT_NO_THROW(vae.trainer.run(stream));
}

TEST(Repeat, ATaskThatComesBackHasOneColumnAndARowForEachTime) {
  Rig rig({}, one_epoch());
  rig.trainer.run(toy_stream({{{"kind", "repeat"}, {"order", {0, 1, 0}}}}));
  EXPECT_EQ(rig.trainer.matrix().tasks.size(), 2U);
  EXPECT_EQ(rig.trainer.matrix().rows.size(), 4U);
}

TEST(Blurry, RunsWithReplayAndAGrowingHead) {
  auto const split = make_stream(
      {{"kind", "split"}, {"dataset", "toy"}, {"tasks", 2}, {"with", {{{"kind", "blurry"}, {"level", 0.2}}}}}, "stream",
      [](std::string const& name, std::string const&) { return toy::images(name, 40); }, 0);
  auto const learner = toy::learner("classifier", {{"head", "growing"}});
  Trainer trainer(*learner, listed("er"), one_epoch(), {}, 0);
  trainer.run(split);
  EXPECT_TRUE(learner->parameters().value().isfinite().all().item<bool>())
      << "a sample that came too early has an output that is not active: its loss is infinite";
}

}  // namespace
}  // namespace mneme
