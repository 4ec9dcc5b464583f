// FDR: if these fail, the outputs are held to others than those at the end of their task, or with another force.
#include "mneme/strategies/fdr.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;
using Counts = std::map<std::int64_t, std::int64_t>;

Fdr& fdr_of(StrategyList& list) { return dynamic_cast<Fdr&>(*list.members()[0].strategy); }

/// softmax by plain arithmetic, under the present weights, [N, C] double.
at::Tensor outputs_of(Learner& learner, Rows const& rows) {
  at::NoGradGuard const no_grad;
  auto noise = at::detail::createCPUGenerator(0);
  auto const e =
      learner.forward(Batch(Dataset::to_input(rows.data), rows.labels), {}, noise).logits.to(at::kDouble).exp();
  return e / e.sum(1, true);
}

TEST(Fdr, TheDistanceIsTheMeanLengthNotItsSquare) {
  auto const p = at::tensor({1.0F, 0.0F, 0.5F, 0.5F}).view({2, 2});
  auto const q = at::tensor({0.0F, 1.0F, 0.5F, 0.5F}).view({2, 2});
  EXPECT_NEAR(mean_distance(p, q).item<double>(), std::sqrt(2.0) / 2, 1e-6);
  auto const same = p.clone().requires_grad_(true);
  mean_distance(same, p).backward();
  EXPECT_TRUE(at::equal(same.grad(), at::zeros_like(p))) << "no gradient is defined where nothing has moved";
}

TEST(Fdr, TheTermIsAlphaTimesTheDistanceToTheStoredOutputs) {
  auto list = listed({{"kind", "fdr"}, {"memory", 1}, {"batch", 5}, {"alpha", 0.25}});
  auto& fdr = fdr_of(list);
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    auto const terms = fdr.terms(c);
    EXPECT_EQ(terms.size(), c.first() ? 0U : 1U);
    if (c.first()) return;
    ++steps;
    auto const rows = fdr.buffer().all();
    auto const now = outputs_of(c.learner, rows)[0], then = rows.extras.at("probabilities")[0];
    double sum = 0;
    for (std::int64_t k = 0; k < 4; ++k) sum += std::pow((now[k] - then[k]).item<double>(), 2);
    EXPECT_NEAR(terms.at("distance").item<double>(), 0.25 * std::sqrt(sum), 1e-5);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 10);
}

// Wrong: the stored samples' step is taken before the new ones', with another rate, or on both terms again.
TEST(Fdr, InAStepOfItsOwnItGoesDownTheDistanceAloneBehindTheNewSamples) {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.optimizer.learning_rate = 0.1;
  auto list = listed({{"kind", "fdr"}, {"memory", 1}, {"batch", 5}, {"own_step", true}});
  auto& fdr = fdr_of(list);
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor before, gradient;
  int steps = 0;
  probe->on_observe = [&](StepContext& c) {
    before = c.parameters().value().clone();
    gradient = c.parameters().grad().clone();
  };
  probe->on_after_step = [&](StepContext& c) {
    if (c.first()) return;
    ++steps;
    auto& arena = c.parameters();
    auto const after = arena.value().clone();
    at::NoGradGuard const no_grad;
    arena.value().copy_(before - 0.1 * gradient);  // where the new samples' step led
    auto const rows = fdr.buffer().all();
    {
      at::AutoGradMode const grad(true);
      arena.begin_gradient();
      auto noise = at::detail::createCPUGenerator(0);
      auto const now = at::softmax(
          c.learner.forward(Batch(Dataset::to_input(rows.data), rows.labels), {.training = true}, noise).logits, 1);
      mean_distance(now, rows.extras.at("probabilities")).backward();
      arena.finish_gradient();
    }
    EXPECT_TRUE(at::allclose(after, arena.value() - 0.1 * arena.grad(), 1e-5, 1e-6));
    arena.value().copy_(after);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list), options);
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(steps, 10);
}

/// Runs three events and looks at the memory after each has ended.
void after_events(Stream const& stream, std::function<void(EventContext&, Buffer const&)> const& look) {
  auto list = listed({{"kind", "fdr"}, {"memory", 12}});
  auto const& buffer = fdr_of(list).buffer();
  auto probe = std::make_unique<test::Scripted>();
  probe->on_after_step = [&](StepContext& c) {
    EXPECT_FALSE(buffer.task_distribution().contains(c.index)) << "the memory holds samples of the task being learnt";
  };
  probe->on_end = [&](EventContext& c) { look(c, buffer); };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(stream);
}

TEST(Fdr, EveryTaskHasAnEqualShareAlsoWhereItsIdIsHidden) {
  auto hidden = toy::stream(3);
  hidden.visibility.task_at_training = false;
  std::vector<Counts> const expected = {{{0, 12}}, {{0, 6}, {1, 6}}, {{0, 4}, {1, 4}, {2, 4}}};
  for (auto const& stream : {toy::stream(3), hidden})
    after_events(stream, [&](EventContext& c, Buffer const& buffer) {
      EXPECT_EQ(buffer.task_distribution(), expected[static_cast<std::size_t>(c.index)]);
    });
}

TEST(Fdr, StoresTheOutputsAtTheEndOfTheTaskAndKeepsThem) {
  Rows first;
  after_events(toy::stream(3), [&](EventContext& c, Buffer const& buffer) {
    auto const newest = buffer.of_task(c.index);
    EXPECT_TRUE(
        at::allclose(newest.extras.at("probabilities").to(at::kDouble), outputs_of(c.learner, newest), 1e-4, 1e-5));
    if (c.first()) {
      first = buffer.all().select(at::arange(12));
      return;
    }
    auto const old = buffer.of_task(0);
    for (std::int64_t i = 0; i < old.size(); ++i) {
      auto const place = first.data.eq(old.data[i]).flatten(1).all(1).nonzero();
      ASSERT_EQ(place.size(0), 1) << "a sample of the first task that was not stored when it ended";
      EXPECT_TRUE(at::equal(first.extras.at("probabilities")[place[0].item<std::int64_t>()][0],
                            old.extras.at("probabilities")[i][0]))
          << "the outputs were taken again later";
    }
    EXPECT_FALSE(at::allclose(old.extras.at("probabilities").to(at::kDouble), outputs_of(c.learner, old), 1e-4, 1e-4))
        << "nothing has moved: the test shows nothing";
  });
}

TEST(Fdr, ItsGradientMovesOutputsBack) {
  auto distance = [](double alpha) {
    auto list = listed({{"kind", "fdr"}, {"memory", 40}, {"alpha", alpha}});
    auto const& buffer = fdr_of(list).buffer();
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(2));
    auto const rows = buffer.of_task(0);
    return (outputs_of(*rig.learner, rows) - rows.extras.at("probabilities")).norm(2, 1).mean().item<double>();
  };
  EXPECT_LT(distance(3), distance(0)) << "the term pushes away from what was stored";
}

TEST(Fdr, WithoutStrengthIsNaive) {
  EXPECT_EQ(hash_of(listed({{"kind", "fdr"}, {"alpha", 0.0}})), hash_of({}));
  EXPECT_EQ(hash_of(listed({{"kind", "fdr"}, {"memory", 0}})), hash_of({}));
  EXPECT_NE(hash_of(listed({{"kind", "fdr"}, {"memory", 12}})), hash_of({}));
}

}  // namespace
}  // namespace mneme
