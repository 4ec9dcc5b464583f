// The loop: if these fail, a run is not the one that its configuration describes.
#include "mneme/train/trainer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "mneme/core/interrupt.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::only;
using test::Rig;
using test::Scripted;

struct Lines final : Observer {
  std::vector<Json> lines;
  void line(Json const& line) override { lines.push_back(line); }
  [[nodiscard]] std::vector<Json> of(std::string const& kind) const {
    std::vector<Json> some;
    for (auto const& line : lines)
      if (line["kind"] == kind) some.push_back(line);
    return some;
  }
};

TEST(Trainer, GivesTheSameBitsForTheSameSeedOnly) {
  auto const hash = [](std::uint64_t seed, std::uint64_t init) {
    Rig rig({}, RunRecipe::toy().train, "classifier", {}, seed);
    rig.learner->parameters().value().copy_(toy::learner("classifier", Json::object(), init)->parameters().value());
    rig.trainer.run(toy::stream(2));
    return rig.trainer.training_hash();
  };
  EXPECT_EQ(hash(1, 1), hash(1, 1));
  EXPECT_NE(hash(1, 1), hash(2, 1)) << "the order of the data does not follow the seed";
  EXPECT_NE(hash(1, 1), hash(1, 2));
}

TEST(Trainer, VisitsEverySampleOncePerEpochInANewOrder) {
  auto s = std::make_unique<Scripted>();
  std::vector<at::Tensor> rows;
  s->on_after_step = [&](StepContext& c) { rows.push_back(c.rows.clone()); };
  auto options = RunRecipe::toy().train;
  options.batch = 16;  // 40 = 16 + 16 + 8
  Rig rig(only(std::move(s)), options);
  rig.trainer.run(toy::stream(1));
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[2].size(0), 8) << "the short last batch was dropped";
  auto const first = at::cat({rows[0], rows[1], rows[2]}), second = at::cat({rows[3], rows[4], rows[5]});
  EXPECT_TRUE(at::equal(std::get<0>(first.sort()), at::arange(40, at::kLong)));
  EXPECT_TRUE(at::equal(std::get<0>(second.sort()), at::arange(40, at::kLong)));
  EXPECT_FALSE(at::equal(first, second));
}

TEST(Trainer, TakesEpochsByEventAndTheOptimizerAtTheBoundary) {
  auto options = RunRecipe::toy().train;
  options.epochs_per_event = {1, 3};
  Lines lines;
  Rig rig({}, options);
  rig.trainer.attach(&lines);
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(rig.trainer.steps(), 5 * (1 + 3 + 3));

  auto const kept = [&](std::string const& at_boundary) {
    auto own = RunRecipe::toy().train;
    own.at_boundary = at_boundary;
    return test::hash_of({}, own);
  };
  EXPECT_NE(kept("new"), kept("keep"));
}

// Wrong: the reference of a request is trained as briefly as the last event, and everything looks well forgotten.
TEST(Trainer, TrainsAnewOnARequestAsLongAsTheLongestEvent) {
  auto options = RunRecipe::toy().train;
  options.epochs_per_event = {3, 1};
  Rig rig(test::listed("retrain"), options);
  auto stream = toy::stream(2);
  stream.events.push_back(Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  rig.trainer.run(stream);
  SeenData seen;
  for (auto const* task : stream.tasks()) seen.learn(*task);
  auto const rows = seen.split(std::get<Request>(stream.events.back())).retain.size();
  auto const batches = (rows + options.batch - 1) / options.batch;
  EXPECT_EQ(rig.trainer.steps(), 5 * (3 + 1) + 3 * batches);
}

TEST(Trainer, FillsTheMatrixAndTheLog) {
  Lines lines;
  Rig rig;
  rig.trainer.attach(&lines);
  rig.trainer.run(toy::stream(2));
  auto const& m = rig.trainer.matrix();
  EXPECT_EQ(m.tasks, (std::vector<std::string>{"toy-0", "toy-1"}));
  ASSERT_EQ(m.rows.size(), 3U);
  EXPECT_EQ(m.rows[0], (EvaluationRow{-1, "initial", "", 0}));
  EXPECT_EQ(m.rows[2], (EvaluationRow{1, "learn", "toy-1", 20}));
  EXPECT_TRUE(m.higher_is_better);
  EXPECT_GT(*m.values[1][0], 0.3) << "nothing was learnt: chance is 0.25";

  auto const events = lines.of("event");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0]["phase"], "begin");
  EXPECT_EQ(events[0]["samples"], 40);
  EXPECT_EQ(events[3]["task"], "toy-1");
  auto const steps = lines.of("step");
  ASSERT_EQ(steps.size(), 20U);
  EXPECT_EQ(steps.front()["step"], 1);
  EXPECT_EQ(steps.back()["step"], 20);
  EXPECT_EQ(steps.back()["epoch"], 1);
  EXPECT_EQ(lines.of("evaluation").size(), 3U);
}

TEST(Trainer, LogsTheMeanLossSinceTheLastLine) {
  auto const run = [&](std::int64_t every) {
    auto options = RunRecipe::toy().train;
    options.log_every = every;
    Lines lines;
    Rig rig({}, options);
    rig.trainer.attach(&lines);
    rig.trainer.run(toy::stream(1));
    std::vector<double> list;
    for (auto const& line : lines.of("step")) list.push_back(line["loss"]);
    return list;
  };
  auto const each = run(1), fifth = run(5);
  ASSERT_EQ(fifth.size(), 2U);
  EXPECT_NEAR(fifth[0], (each[0] + each[1] + each[2] + each[3] + each[4]) / 5, 1e-5);
  EXPECT_NEAR(fifth[1], (each[5] + each[6] + each[7] + each[8] + each[9]) / 5, 1e-5);
}

TEST(Trainer, EarlyStopKeepsTheBestEpoch) {
  // Objective: pull the head's bias of class 0 up. Accuracy on the held-out tenth only falls, so the first epoch is
  // best.
  auto options = RunRecipe::toy().train;
  options.epochs = 50;
  options.patience = 2;
  options.held_out = 0.2;
  options.optimizer.optimizer = "sgd";
  options.optimizer.learning_rate = 1;
  auto s = std::make_unique<Scripted>();
  std::vector<at::Tensor> epochs;
  s->on_after_step = [&](StepContext& c) {
    EXPECT_EQ(c.source->size(), 32) << "a fifth of 40 is held out";
    if (c.step % 4 == 3) epochs.push_back(c.parameters().value().clone());
  };
  s->on_project = [](StepContext& c) {
    c.parameters().grad().zero_();
    c.parameters().grad().narrow(0, c.parameters().segments().back().offset, 1).fill_(-1);
  };
  Rig rig(only(std::move(s)), options);
  rig.trainer.run(toy::stream(1));
  ASSERT_EQ(epochs.size(), 3U) << "two epochs without a better score end the stage";
  EXPECT_TRUE(at::equal(rig.theta(), epochs[0])) << "the best epoch's weights were not put back";
}

TEST(Trainer, RefusesToHoldOutNothing) {
  auto options = RunRecipe::toy().train;
  options.patience = 1;
  options.held_out = 0.01;  // of ten samples a class
  Rig rig({}, options);
  test::expect_mentions(message_of<ConfigError>([&] { rig.trainer.run(toy::stream(1)); }), {"held_out", "toy-0"});
}

TEST(Trainer, RefusesToHoldOutEverything) {
  auto options = RunRecipe::toy().train;
  options.patience = 1;
  options.held_out = 0.5;  // of one sample a class, rounded up
  Rig rig({}, options);
  test::expect_mentions(message_of<ConfigError>([&] { rig.trainer.run(toy::stream(1, toy::kClasses)); }),
                        {"held_out", "toy-0", "to train on"});
}

TEST(Trainer, StopsWithTheNameOfTheTermWhenTheLossDiverges) {
  auto s = std::make_unique<Scripted>();
  s->on_penalty = [](StepContext& c) { return c.output->logits.sum() / 0.0; };
  Rig rig(only(std::move(s)));
  auto const message = message_of<NumericError>([&] { rig.trainer.run(toy::stream(1)); });
  test::expect_mentions(message, {"toy-0", "step 0", "loss"});
}

// Wrong: weights that are not numbers are evaluated, stored as "final" and called finished.
TEST(Trainer, SeesALossThatDivergesAfterTheLastLineOfAStage) {
  auto options = RunRecipe::toy().train;
  options.log_every = 6;  // of ten steps
  auto s = std::make_unique<Scripted>();
  s->on_penalty = [](StepContext& c) { return c.output->logits.sum() * (c.step < 8 ? 0.0 : INFINITY); };
  bool closed = false;
  s->on_end = [&](EventContext&) { closed = true; };
  Lines lines;
  Rig rig(only(std::move(s)), options);
  rig.trainer.attach(&lines);
  auto const message = message_of<NumericError>([&] { rig.trainer.run(toy::stream(1)); });
  EXPECT_EQ(lines.of("step").size(), 1U) << "a line saw it, so this is the other check";
  test::expect_mentions(message, {"event 0", "step 10", "not finite"});
  EXPECT_FALSE(closed) << "a strategy has taken the weights for an anchor";
}

TEST(Trainer, DrawsItsCurvesWithoutTouchingTheRun) {
  EvaluationOptions often{.every_steps = 2, .curve_images = 10, .every_epoch = true};
  Lines lines;
  Rig watched({}, RunRecipe::toy().train, "vae", often), plain({}, RunRecipe::toy().train, "vae");
  watched.trainer.attach(&lines);
  watched.trainer.run(toy::stream(2));
  plain.trainer.run(toy::stream(2));
  EXPECT_EQ(watched.trainer.training_hash(), plain.trainer.training_hash());
  EXPECT_EQ(watched.trainer.matrix(), plain.trainer.matrix()) << "a figure depends on how many were measured before";
  EXPECT_EQ(lines.of("evaluation").size(), 3U + 10U + 4U);
  EXPECT_EQ(watched.trainer.figures()["toy-1"]["bce"].size(), 3U);
  EXPECT_FALSE(watched.trainer.matrix().higher_is_better);
}

TEST(Trainer, EvaluationDoesNotDependOnTheBatch) {
  auto const matrix = [](std::int64_t batch) {
    Rig rig({}, RunRecipe::toy().train, "classifier", {.batch = batch});
    rig.trainer.run(toy::stream(2));
    return rig.trainer.matrix();
  };
  EXPECT_EQ(matrix(1000), matrix(3));
}

// ------------------------------------------------------------------------------------------------ pushing tasks, stops

TEST(Trainer, TasksPushedOneByOneWithAStopBetweenEqualTheStream) {
  auto const stream = toy::stream(3);
  Json const er = {{"kind", "er"}, {"memory", 12}};
  Rig whole(listed(er));
  whole.trainer.run(stream);

  test::TemporaryFolder const folder;
  std::string hash;
  EvaluationMatrix matrix;
  for (std::size_t t = 0; t < 3; ++t) {  // a process of its own for every task
    Rig part(listed(er));
    for (auto const* task : stream.tasks()) part.trainer.test_on(*task);
    if (t > 0) {
      auto archive = read_checkpoint(folder.path() / ("after-" + std::to_string(t - 1)), false);
      part.trainer.state(archive);
    }
    part.trainer.learn(*stream.tasks()[t]);
    Archive archive;
    part.trainer.state(archive);
    CheckpointStore(folder.path(), 60).save("after-" + std::to_string(t), archive, true);
    hash = part.trainer.training_hash();
    matrix = part.trainer.matrix();
  }
  EXPECT_EQ(hash, whole.trainer.training_hash());
  EXPECT_EQ(matrix, whole.trainer.matrix());
}

TEST(Trainer, ATaskThatComesLaterHasEmptyCellsBefore) {
  Rig rig;
  rig.trainer.learn(toy::task("toy-0", 0));
  rig.trainer.learn(toy::task("toy-1", 1));
  auto const& m = rig.trainer.matrix();
  ASSERT_EQ(m.values.size(), 3U);
  EXPECT_FALSE(m.values[0][1].has_value());
  EXPECT_FALSE(m.values[1][1].has_value());
  EXPECT_TRUE(m.values[2][1].has_value());
  EXPECT_EQ(rig.trainer.figures()["toy-1"]["loss"].size(), 3U);
  Rig whole;
  whole.trainer.run(toy::stream(2));
  EXPECT_EQ(rig.trainer.training_hash(), whole.trainer.training_hash());
}

TEST(Trainer, ASignalStopsItAfterACheckpoint) {
  test::TemporaryFolder const folder;
  struct Signal final : Observer {
    void line(Json const& line) override {
      if (line["kind"] == "step" && line["step"] == 7) interrupt_signal() = 2;
    }
  } signal;
  // Curves at the very step of the signal must not swallow the checkpoint.
  Rig rig({}, RunRecipe::toy().train, "classifier", {.every_steps = 7, .curve_images = 10});
  RunFiles files(folder.path(), 1e9);
  rig.trainer.attach(&files);
  rig.trainer.attach(&signal);
  int number = 0;
  try {
    rig.trainer.run(toy::stream(2));
  } catch (Stopped const& stopped) {
    number = stopped.signal();
  }
  interrupt_signal() = 0;
  EXPECT_EQ(number, 2);
  ASSERT_TRUE(files.checkpoints.newest().has_value()) << "nothing to resume from";
  EXPECT_EQ(files.checkpoints.newest()->filename(), "step-7");
}

TEST(Trainer, AStopDuringAnEpochsEvaluationLosesNothing) {
  test::TemporaryFolder const folder;
  auto s = std::make_unique<Scripted>();
  Trainer* trainer = nullptr;
  s->on_predict = [&](Output const&, Batch const&) {
    if (trainer->steps() == 5) trainer->stop_after(std::chrono::seconds(0));  // at the end of the first epoch
    return at::Tensor();
  };
  Rig rig(only(std::move(s)), RunRecipe::toy().train, "classifier", {.every_epoch = true, .batch = 4});
  trainer = &rig.trainer;
  RunFiles files(folder.path(), 1e9);
  rig.trainer.attach(&files);
  EXPECT_THROW(rig.trainer.run(toy::stream(1)), Stopped);
  ASSERT_TRUE(files.checkpoints.newest().has_value()) << "five steps are lost";
  EXPECT_EQ(files.checkpoints.newest()->filename(), "step-5");
}

// Wrong: a run is "finished" whose weights are no numbers, since only losses of before the last step were looked at.
TEST(Trainer, StopsWhereTheLastStepOfAStageLeavesNoNumbers) {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.steps = 1;
  options.optimizer.learning_rate = 1e39;
  test::Rig rig({}, options);
  auto const message = message_of<NumericError>([&] { rig.trainer.run(toy::stream(1)); });
  EXPECT_NE(message.find("parameters are not finite"), std::string::npos) << message;
}

TEST(Trainer, StopsWhereAGeneratorBesideTheLearnerBecomesNoNumber) {
  auto const generator = toy::learner("vae", Json::object(), 1);
  auto strategy = std::make_unique<test::Scripted>();
  strategy->on_auxiliaries = [&] { return std::vector<Auxiliary>{{"generator", generator.get()}}; };
  strategy->on_after_step = [&](StepContext&) { generator->parameters().value().fill_(NAN); };
  test::Rig rig(test::only(std::move(strategy)));
  auto const message = message_of<NumericError>([&] { rig.trainer.run(toy::stream(1)); });
  EXPECT_NE(message.find("'scripted/generator' are not finite"), std::string::npos) << message;
}

// Wrong: a task without test samples counts as one of which nothing is known.
TEST(Trainer, OfATaskWithoutTestSamplesThereIsNoFigure) {
  auto stream = toy::stream(2);
  auto& empty = std::get<Task>(stream.events[1]);
  empty.test = empty.test.select(at::empty({0}, at::kLong));
  test::Rig rig;
  rig.trainer.run(stream);
  auto const& last = rig.trainer.matrix().values.back();
  EXPECT_TRUE(last[0].has_value());
  EXPECT_FALSE(last[1].has_value());
  EXPECT_EQ(average(rig.trainer.matrix()), last[0]);
}

// Wrong: an event with one sample ends in the middle of the loop with words about maps of one pixel.
TEST(Trainer, SaysThatARequestForOneSampleIsTooFewForANetThatNormalises) {
  auto const learner =
      toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"hidden", {8}}, {"batch_norm", "hidden"}}}}, 0);
  Trainer trainer(*learner, test::listed({{"kind", "gradient-ascent"}}), RunRecipe::toy().train, {}, 0);
  auto stream = toy::stream(1);
  stream.events.emplace_back(Request{.name = "one", .classes = {}, .samples = {3}, .tasks = {}});
  test::expect_mentions(message_of<ConfigError>([&] { trainer.run(stream); }), {"'one'", "1 sample", "needs 2", "ssd"});
}

// Wrong: statistics of a stage that trains nothing are of cut or mirrored samples.
TEST(Trainer, AStageThatTrainsNothingSeesTheSamplesAsTheyAre) {
  auto const seen_in = [](bool optimise) {
    auto const learner = toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"hidden", {4}}}}, {"crop", 2}}, 0);
    auto strategy = std::make_unique<test::Scripted>();
    strategy->declared.stages = true;
    strategy->on_stages = [=](EventContext&) { return std::vector<Stage>{{.name = "s", .optimise = optimise}}; };
    bool same = true;
    auto const task = toy::task("toy-0", 0);
    strategy->on_after_step = [&](StepContext& c) {
      same &= at::equal(c.batch.x, Dataset::to_input(c.data.data().index_select(0, c.rows)));
    };
    Trainer trainer(*learner, test::only(std::move(strategy)), RunRecipe::toy().train, {}, 0);
    trainer.learn(task);
    return same;
  };
  EXPECT_FALSE(seen_in(true)) << "this test would not see it";
  EXPECT_TRUE(seen_in(false));
}

}  // namespace
}  // namespace mneme
