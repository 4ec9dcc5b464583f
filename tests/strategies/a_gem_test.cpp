// A-GEM: if these fail, a step may raise the loss on stored samples, or is bent where it need not be.
#include "mneme/strategies/a_gem.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

TEST(AGem, TakesOutTheComponentAgainstTheReference) {
  auto const grad = at::tensor({1.0F, -2.0F});
  remove_conflict(grad, at::tensor({1.0F, 1.0F}));  // g.r = -1, r.r = 2: g + r / 2
  EXPECT_TRUE(at::equal(grad, at::tensor({1.5F, -1.5F}))) << "not the projection on the plane across r";
}

TEST(AGem, LeavesAGradientThatAgreesOrHasNothingToAgreeWith) {
  auto const expected = at::tensor({2.0F, -1.0F});
  for (auto const& reference : {at::tensor({1.0F, 1.0F}), at::tensor({1.0F, 2.0F}), at::zeros({2})}) {
    auto const grad = expected.clone();
    remove_conflict(grad, reference);
    EXPECT_TRUE(at::equal(grad, expected)) << "bent although g.r >= 0, or divided by zero";
  }
}

/// A memory of one sample makes the reference known: the gradient on that sample.
TEST(AGem, ProjectsAgainstTheGradientOnTheMemoryFromTheSecondEventOn) {
  auto list = listed({{"kind", "a-gem"}, {"memory", 1}, {"batch", 1}});
  auto const& buffer = dynamic_cast<AGem const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor before, reference;
  std::int64_t projected = 0, left = 0, seen = 0;
  probe->on_add = [&](StepContext& c) {
    EXPECT_EQ(buffer.seen(), seen) << "the memory holds rows of a step that has not been made";
    before = c.parameters().grad().clone();
    reference = c.parameters().new_row();
    if (!buffer.empty()) c.learner.gradient(replayed(buffer.all(), c), reference, c.streams->get("noise"));
  };
  probe->on_project = [&](StepContext& c) {
    auto const g = before.to(at::kDouble), r = reference.to(at::kDouble);
    auto const dot = g.dot(r).item<double>();
    if (c.first() || dot >= 0) {
      EXPECT_TRUE(at::equal(c.parameters().grad(), before)) << "bent without need";
      left += c.first() ? 0 : 1;
      return;
    }
    auto const expected = g - r * (dot / r.dot(r).item<double>());
    EXPECT_TRUE(at::allclose(c.parameters().grad().to(at::kDouble), expected, 1e-4, 1e-6)) << "not the projection";
    ++projected;
  };
  probe->on_after_step = [&](StepContext& c) { seen += c.rows.size(0); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_GT(projected, 0) << "no step of the toy run conflicts: the test shows nothing";
  EXPECT_GT(left, 0);
}

TEST(AGem, FilledAtTheEndOfEventsHoldsAnEqualShareOfEarlierTasksOnly) {
  auto list = listed({{"kind", "a-gem"}, {"memory", 12}, {"batch", 6}, {"fill", "event"}});
  auto const& buffer = dynamic_cast<AGem const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  std::vector<std::map<std::int64_t, std::int64_t>> const shares = {
      {{0, 12}}, {{0, 6}, {1, 6}}, {{0, 4}, {1, 4}, {2, 4}}};
  probe->on_after_step = [&](StepContext& c) {
    EXPECT_EQ(buffer.size(), c.first() ? 0 : 12);
    EXPECT_FALSE(buffer.task_distribution().contains(c.task_id())) << "the task being learnt is in its own reference";
  };
  probe->on_end = [&](EventContext& c) {
    EXPECT_EQ(buffer.task_distribution(), shares[static_cast<std::size_t>(c.index)]);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  Json const by_event = {{"kind", "a-gem"}, {"memory", 12}, {"batch", 6}, {"fill", "event"}};
  EXPECT_NE(hash_of(listed(by_event)), hash_of({}));
}

TEST(AGem, FilledAtTheEndOfEventsMayHoldAFixedNumberOfEachTask) {
  auto list = listed({{"kind", "a-gem"}, {"memory", 12}, {"batch", 6}, {"fill", "event"}, {"per_task", 4}});
  auto const& buffer = dynamic_cast<AGem const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  std::map<std::int64_t, std::int64_t> expected;
  at::Tensor first;
  probe->on_end = [&](EventContext& c) {
    expected[c.index] = 4;
    EXPECT_EQ(buffer.task_distribution(), expected) << "after event " << c.index;
    auto const of_first = Dataset::to_input(buffer.of_task(0).data).clone();
    if (c.first()) first = of_first;
    EXPECT_TRUE(at::equal(of_first, first)) << "a sample gave way although there was room";
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(expected.size(), 3U);
}

TEST(AGem, FilledAtTheEndOfEventsNeedsBoundaries) {
  auto stream = toy::stream(2);
  stream.visibility.boundaries = false;
  test::Rig rig(listed({{"kind", "a-gem"}, {"fill", "event"}}));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(stream); });
  EXPECT_NE(message.find("use fill = \"step\""), std::string::npos) << message;
}

TEST(AGem, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "a-gem"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed({{"kind", "a-gem"}, {"memory", 12}})), hash_of({}));
}

}  // namespace
}  // namespace mneme
