// GEM: if these fail, a step may raise the loss of a past task, or is bent further than it must be.
#include "mneme/strategies/gem.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "mneme/strategies/gem_dual.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

at::Tensor projected(std::vector<float> const& grad, at::Tensor const& past, double strength, double ridge = 0) {
  auto g = at::tensor(grad);
  project_on_agreement(g, past, strength, ridge);
  return g;
}

TEST(Gem, ProjectsAsWorkedOutByHand) {
  auto const axes = at::eye(2);
  EXPECT_TRUE(at::equal(projected({-2, 3}, axes, 0), at::tensor({0.0F, 3.0F})));
  EXPECT_TRUE(at::equal(projected({-2, 3}, axes, 0.5), at::tensor({0.0F, 3.5F}))) << "strength is a lower bound on v";
  EXPECT_TRUE(at::equal(projected({-2, 3}, axes, 0, 1), at::tensor({-1.0F, 3.0F}))) << "ridge 1: v = 2 / (1 + 1)";
  // g_1 = (1, 0), g_2 = (1, 1): both are violated, yet giving way to the first is enough.
  auto const past = at::tensor({1.0F, 0.0F, 1.0F, 1.0F}).view({2, 2});
  EXPECT_TRUE(at::equal(projected({-2, 1}, past, 0), at::tensor({0.0F, 1.0F}))) << "not the nearest";
}

TEST(Gem, ProjectsRowsOfAnyLengthAsTheDualOfTheirExactProductsSays) {
  at::manual_seed(5);
  for (std::int64_t const size : {1, 31, 33, 1024, 1029, 5003}) {
    auto const past = at::randn({3, size}), grad = -past.mean(0) + at::randn({size});
    auto const g = past.to(at::kDouble), b = g.mv(grad.to(at::kDouble));
    auto const a = g.mm(g.t()) + at::eye(3, at::kDouble);
    auto const list = [](at::Tensor const& t) {
      return std::vector<double>(t.const_data_ptr<double>(), t.const_data_ptr<double>() + t.numel());
    };
    auto const v = at::tensor(solve_dual(list(a), list(b), 0.5), at::kDouble);
    auto const expected = b.lt(0).any().item<bool>() ? grad + g.t().mv(v) : grad.to(at::kDouble);
    auto const found = grad.clone();
    project_on_agreement(found, past, 0.5, 1.0);
    EXPECT_TRUE(at::allclose(found.to(at::kDouble), expected, 1e-4, 1e-4)) << size << " parameters";
  }
}

TEST(Gem, LeavesAGradientThatAgreesWithAll) {
  for (double const strength : {0.0, 0.5})
    EXPECT_TRUE(at::equal(projected({2, 3}, at::eye(2), strength, 1e-3), at::tensor({2.0F, 3.0F})));
}

/// Each step of a run with three tasks, looked at before and after the projection.
TEST(Gem, NoStepRaisesTheLossOfAPastTask) {
  auto list = listed({{"kind", "gem"}, {"memory", 12}, {"strength", 0.0}, {"ridge", 0.0}});
  auto const& buffer = dynamic_cast<Gem const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor before, past;
  std::int64_t bent = 0, left = 0, seen = 0;
  probe->on_add = [&](StepContext& c) {
    EXPECT_EQ(buffer.seen(), seen) << "the memory holds rows of a step that has not been made";
    before = c.parameters().grad().clone();
    std::vector<at::Tensor> rows;
    for (std::int64_t task = 0; task < c.index; ++task) {
      rows.push_back(c.parameters().new_row());
      c.learner.gradient(replayed(buffer.of_task(task), c), rows.back(), c.streams->get("noise"));
    }
    past = rows.empty() ? at::zeros({0, before.size(0)}) : at::stack(rows);
  };
  probe->on_project = [&](StepContext& c) {
    auto const after = c.parameters().grad();
    auto const dots = past.mv(before), results = past.mv(after);
    if (dots.ge(0).all().item<bool>()) {
      EXPECT_TRUE(at::equal(after, before)) << "bent without need";
      left += c.first() ? 0 : 1;
      return;
    }
    ++bent;
    EXPECT_GT(results.min().item<float>(), -1e-4F) << "the step still raises the loss of a past task";
    EXPECT_LE(after.norm().item<float>(), before.norm().item<float>() + 1e-5F)
        << "a projection on a cone only shortens";
  };
  probe->on_after_step = [&](StepContext& c) { seen += c.rows.size(0); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_GT(bent, 0) << "no step of the toy run conflicts: the test shows nothing";
  EXPECT_GT(left, 0);
}

TEST(Gem, FilledAtTheEndOfEventsHoldsAFixedNumberOfEarlierTasksOnly) {
  Json const config = {{"kind", "gem"}, {"memory", 12}, {"fill", "event"}, {"per_task", 4}};
  auto list = listed(config);
  auto const& buffer = dynamic_cast<Gem const&>(*list.members()[0].strategy).buffer();
  auto probe = std::make_unique<test::Scripted>();
  std::map<std::int64_t, std::int64_t> expected;
  probe->on_after_step = [&](StepContext&) { EXPECT_EQ(buffer.task_distribution(), expected); };
  probe->on_end = [&](EventContext& c) {
    expected[c.index] = 4;
    EXPECT_EQ(buffer.task_distribution(), expected) << "after event " << c.index;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(expected.size(), 3U);
  EXPECT_NE(hash_of(listed(config)), hash_of({}));
}

TEST(Gem, FilledAtTheEndOfEventsNeedsBoundaries) {
  auto stream = toy::stream(2);
  stream.visibility.boundaries = false;
  test::Rig rig(listed({{"kind", "gem"}, {"fill", "event"}}));
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(stream); });
  EXPECT_NE(message.find("'gem'"), std::string::npos) << message;
  EXPECT_NE(message.find("use fill = \"step\""), std::string::npos) << message;
}

TEST(Gem, WithoutMemoryIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "gem"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed({{"kind", "gem"}, {"memory", 12}})), hash_of({}));
}

}  // namespace
}  // namespace mneme
