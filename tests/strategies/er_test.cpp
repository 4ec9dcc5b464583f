// Experience replay: if these fail, a step is trained on what it must not see, or not on what it should.
#include "mneme/strategies/er.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json const kEr = {{"kind", "er"}, {"memory", 12}};
Json const kEwc = {{"kind", "ewc"}, {"lambda", 10.0}, {"samples", 20}};

/// Runs `er` with a probe behind it, which sees the composed batch before and the buffer after each step.
void watch(Json const& er, Stream const& stream, std::function<void(StepContext&, Buffer const&)> const& at_compose,
           std::function<void(StepContext&, Buffer const&)> const& after_step) {
  auto list = listed(er);
  auto const* buffer = &dynamic_cast<Er const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  probe->on_observe = [&, buffer](StepContext& c) { at_compose(c, *buffer); };
  probe->on_after_step = [&, buffer](StepContext& c) { after_step(c, *buffer); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(stream);
}

TEST(Er, JoinsStoredRowsToTheBatchFromTheSecondEventOn) {
  int steps = 0;
  watch(
      kEr, toy::stream(2),
      [&](StepContext& c, Buffer const& buffer) {
        ++steps;
        EXPECT_EQ(c.batch.size(), c.first() ? 8 : 16);
        if (c.first()) return;
        ASSERT_EQ(c.batch.parts.size(), 2U);
        EXPECT_EQ(c.batch.parts[1].origin, BatchPart::Origin::kMemory);
        auto const stored = Dataset::to_input(buffer.all().data);
        for (std::int64_t i = 8; i < 16; ++i)
          EXPECT_TRUE(stored.eq(c.batch.x[i]).flatten(1).all(1).any().item<bool>()) << "row " << i << " is not stored";
      },
      [](StepContext&, Buffer const&) {});
  EXPECT_EQ(steps, 20);
}

TEST(Er, HoldsNothingOfABatchBeforeItsStep) {
  std::int64_t seen = 0;
  watch(
      kEr, toy::stream(2),
      [&](StepContext&, Buffer const& buffer) {
        EXPECT_EQ(buffer.seen(), seen);
        bool const second_begins = seen == 2 * 40;
        if (second_begins) {
          EXPECT_EQ(buffer.all().task.max().item<std::int64_t>(), 0);
        }
      },
      [&](StepContext& c, Buffer const& buffer) {
        seen += 8;
        EXPECT_EQ(buffer.seen(), seen) << "replayed rows were offered again";
        EXPECT_EQ(c.rows.size(0), 8);
      });
  EXPECT_EQ(seen, 160);
}

TEST(Er, StoresNoTaskIdThatTheStreamHides) {
  auto stream = toy::stream(2);
  stream.visibility.task_at_training = false;
  watch(
      kEr, stream, [](StepContext&, Buffer const&) {},
      [](StepContext&, Buffer const& buffer) { EXPECT_EQ(buffer.all().task.max().item<std::int64_t>(), -1); });
}

TEST(Er, BatchOptionSetsTheNumberOfStoredRows) {
  watch(
      {{"kind", "er"}, {"memory", 12}, {"batch", 3}}, toy::stream(2),
      [](StepContext& c, Buffer const&) { EXPECT_EQ(c.batch.size(), c.first() ? 8 : 11); },
      [](StepContext&, Buffer const&) {});
}

TEST(Er, BalancedDrawGivesEachStoredTaskItsShare) {
  watch(
      {{"kind", "er"}, {"memory", 30}, {"batch", 12}, {"draw", "task-balanced"}}, toy::stream(3),
      [](StepContext& c, Buffer const& buffer) {
        if (c.first()) return;
        auto const stored = buffer.task_distribution();
        auto const tasks = c.batch.task().narrow(0, 8, 12);
        for (auto const& [task, count] : stored)
          EXPECT_EQ(tasks.eq(task).sum().item<std::int64_t>(), 12 / static_cast<std::int64_t>(stored.size())) << task;
      },
      [](StepContext&, Buffer const&) {});
}

TEST(Er, FromTheStartItReplaysFromTheSecondStepOn) {
  std::int64_t step = 0;
  watch(
      {{"kind", "er"}, {"memory", 12}, {"batch", 3}, {"from_start", true}}, toy::stream(2),
      [&](StepContext& c, Buffer const&) { EXPECT_EQ(c.batch.size(), step++ == 0 ? 8 : 11); },
      [](StepContext&, Buffer const&) {});
  EXPECT_EQ(step, 20);
}

/// Else a run shared with arms that do not replay would stand for it.
TEST(Er, FromTheStartItsFirstEventIsItsOwn) {
  EXPECT_EQ(listed(kEr).prefix(), Prefix::kWatches);
  for (auto const* kind : {"er", "der", "der++", "gss"}) {
    EXPECT_EQ(listed({{"kind", kind}}).prefix(), Prefix::kWatches) << kind;
    EXPECT_EQ(listed({{"kind", kind}, {"from_start", true}}).prefix(), Prefix::kChanges) << kind;
    Json const config = {{"kind", kind}, {"memory", 12}};
    auto from_start = config;
    from_start["from_start"] = true;
    EXPECT_EQ(hash_of(listed(config), RunRecipe::toy().train, 1), hash_of({}, RunRecipe::toy().train, 1)) << kind;
    EXPECT_NE(hash_of(listed(from_start), RunRecipe::toy().train, 1), hash_of({}, RunRecipe::toy().train, 1)) << kind;
  }
}

/// A draw of as many as there are is the buffer, in another order. (Its samples may be equal: they came in two epochs.)
TEST(Er, DistinctDrawsRepeatNoSlotAndTakeNoMoreThanThereAre) {
  int drawn = 0, full = 0;
  watch(
      {{"kind", "er"}, {"memory", 12}, {"batch", 20}, {"draw", "distinct"}}, toy::stream(2),
      [&](StepContext& c, Buffer const& buffer) {
        if (c.first()) return;
        ++drawn;
        full += buffer.full() ? 1 : 0;
        ASSERT_EQ(c.batch.size(), 8 + buffer.size());
        auto const sorted = [](at::Tensor const& x) { return std::get<0>(x.flatten(1).sum(1).sort()); };
        EXPECT_TRUE(
            at::equal(sorted(c.batch.x.narrow(0, 8, buffer.size())), sorted(Dataset::to_input(buffer.all().data))))
            << "a slot was drawn twice, and another not at all";
      },
      [](StepContext&, Buffer const&) {});
  EXPECT_EQ(drawn, 10);
  EXPECT_GT(full, 0);
}

TEST(Er, EveryPolicyTrainsAndGoesOnAfterAStop) {
  std::set<std::string> ends;
  for (auto const* policy : {"reservoir", "ring", "task-balanced", "class-balanced", "greedy"}) {
    SCOPED_TRACE(policy);
    auto recipe = RunRecipe::toy();
    recipe.strategies = [&](std::uint64_t seed) {
      return listed({{"kind", "er"}, {"memory", 12}, {"policy", policy}}, seed);
    };
    test::TemporaryFolder const scratch;
    auto const whole = run_whole(recipe, 1, scratch.path() / "whole");
    for (std::int64_t const step : {7, 14})
      EXPECT_TRUE(whole ==
                  run_interrupted(recipe, 1, scratch.path() / std::to_string(step), step, Interruption::kAsked, 1e9))
          << "stopped after step " << step << " it ended otherwise";
    ends.insert(whole.parameter_hash);
  }
  EXPECT_EQ(ends.size(), 5U) << "two policies keep the same samples";
}

TEST(Er, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "er"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed(kEr)), hash_of({}));
}

TEST(Er, InAListTheOrderIsTheTables) {
  EXPECT_EQ(hash_of(listed({kEwc, kEr})), hash_of(listed({kEr, kEwc})));
  EXPECT_NE(hash_of(listed({kEwc, kEr})), hash_of(listed(kEr)));
  EXPECT_NE(hash_of(listed({kEwc, kEr})), hash_of(listed(kEwc)));
}

}  // namespace
}  // namespace mneme
