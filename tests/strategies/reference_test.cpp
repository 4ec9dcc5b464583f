// The references that others are compared with: if these fail, every comparison with them is wrong.
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/stream/makers.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

Task const& task(Stream const& stream, std::size_t i) { return std::get<Task>(stream.events[i]); }

TEST(Cumulative, EveryEventHasTheDataOfAllBeforeIt) {
  auto const stream = toy::split_stream(true);
  auto const cumulative = cumulative_of(stream);
  ASSERT_EQ(cumulative.events.size(), 2U);
  auto const& first = task(cumulative, 0).train;
  auto const& second = task(cumulative, 1).train;
  EXPECT_TRUE(at::equal(first.data(), task(stream, 0).train.data()));
  EXPECT_TRUE(at::equal(second.data(), at::cat({task(stream, 0).train.data(), task(stream, 1).train.data()})));
  EXPECT_TRUE(at::equal(second.labels(), at::cat({task(stream, 0).train.labels(), task(stream, 1).train.labels()})));
  auto const n = task(stream, 0).train.size(), m = task(stream, 1).train.size();
  EXPECT_TRUE(at::equal(second.tasks(), at::cat({at::zeros({n}, at::kLong), at::ones({m}, at::kLong)})))
      << "per-task heads would score old samples with the new task's outputs";
  EXPECT_EQ(task(cumulative, 1).test.size(), task(stream, 1).test.size());
}

TEST(Cumulative, AListWrapsTheStream) {
  auto const wrapped = test::listed("cumulative").wrap(toy::stream(3));
  EXPECT_EQ(task(wrapped, 2).train.size(), 120);
}

/// Parameters at the first step of the second event.
at::Tensor start_of_the_second(std::string const& kind, double rate, bool task_at_test) {
  auto train = RunRecipe::toy().train;
  train.optimizer.learning_rate = rate;
  auto list = test::listed(kind);
  at::Tensor start;
  auto watch = std::make_unique<test::Scripted>();
  watch->on_compose = [&start](Batch batch, StepContext& c) {
    if (c.index == 1 && !start.defined()) start = c.parameters().value().clone();
    return batch;
  };
  list.add("watch", std::move(watch), 0);
  test::Rig rig(std::move(list), train);
  rig.trainer.run(toy::split_stream(task_at_test));
  return start;
}

// Wrong: the second event goes on from what the first has learnt, or from the same draw.
TEST(FromScratch, EachEventBeginsFromADrawOfItsOwn) {
  for (std::string const kind : {"from-scratch", "separate"}) {
    auto const slow = start_of_the_second(kind, 1e-3, kind == "separate");
    auto const fast = start_of_the_second(kind, 1e-1, kind == "separate");
    EXPECT_TRUE(at::equal(slow, fast)) << kind;
    test::Rig first;
    EXPECT_FALSE(at::equal(slow, first.theta())) << kind;
  }
}

TEST(FromScratch, GoesWithCumulativeAsRetrainingOnEverything) {
  test::Rig rig(test::listed(Json::array({"cumulative", "from-scratch"})));
  auto const stream = rig.trainer.strategies().wrap(toy::stream(2));
  rig.trainer.run(stream);
  EXPECT_EQ(rig.trainer.steps(), 2 * 5 + 2 * 10);
}

TEST(Separate, ATaskIsTestedWithItsOwnNetworkForEver) {
  test::Rig rig(test::listed("separate"));
  auto const stream = toy::split_stream(true);
  rig.trainer.expect(stream);
  rig.trainer.learn(task(stream, 0));
  auto const theta = rig.theta().clone();
  auto const first = rig.trainer.test(task(stream, 0).test, 0);
  rig.trainer.learn(task(stream, 1));
  EXPECT_FALSE(at::equal(rig.theta(), theta));
  auto const second = rig.theta().clone();
  Trainer bare(*rig.learner, {}, RunRecipe::toy().train, {}, 0);
  bare.expect(stream);
  auto const plain = bare.test(task(stream, 1).test, 1);  // the parameters as they stand
  EXPECT_EQ(rig.trainer.test(task(stream, 0).test, 0), first);
  EXPECT_EQ(rig.trainer.test(task(stream, 1).test, 1), plain) << "the newest is tested with another network";
  EXPECT_TRUE(at::equal(rig.theta(), second)) << "a test must leave the weights";
}

// Wrong: while a task that came back is trained, early stop and curves see its old network.
TEST(Separate, ATaskThatComesBackIsTestedWithTheNetInTraining) {
  auto list = test::listed("separate");
  auto watch = std::make_unique<test::Scripted>();
  auto& on_step = watch->on_after_step;
  list.add("watch", std::move(watch), 0);
  test::Rig rig(std::move(list));
  auto const stream = toy::split_stream(true);
  rig.trainer.expect(stream);
  rig.trainer.learn(task(stream, 0));
  rig.trainer.learn(task(stream, 1));
  Trainer bare(*rig.learner, {}, RunRecipe::toy().train, {}, 0);
  bare.expect(stream);
  int steps = 0;
  on_step = [&](StepContext&) {
    ++steps;
    EXPECT_EQ(rig.trainer.test(task(stream, 0).test, 0), bare.test(task(stream, 0).test, 0)) << steps;
  };
  rig.trainer.learn(task(stream, 0));
  EXPECT_GT(steps, 0);
}

TEST(Separate, RefusesAStreamThatHidesTheTask) {
  test::Rig rig(test::listed("separate"));
  EXPECT_THROW(rig.trainer.run(toy::split_stream(false)), ConfigError);
}

}  // namespace
}  // namespace mneme
