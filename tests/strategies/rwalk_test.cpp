// Riemannian walk: if these fail, Fisher, score or penalty are not those of the equation.
#include "mneme/strategies/rwalk.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json rwalk(double lambda) {
  return {{"kind", "rwalk"}, {"lambda", lambda}, {"alpha", 0.75}, {"window", 4}, {"epsilon", 0.01}};
}

// Wrong: no 1/2 before the distance, the displacement not squared, a loss that rose counted.
TEST(RWalk, ScoreOfAWindowIsTheHandComputedOne) {
  auto const found = window_score(at::tensor({6.0F, -1.0F, 3.0F}), at::tensor({2.0F, 2.0F, 0.0F}),
                                  at::tensor({-1.0F, 1.0F, 5.0F}), 0.5);
  EXPECT_TRUE(at::allclose(found, at::tensor({4.0F, 0.0F, 6.0F}))) << found;  // 6 / (1 + 1/2), relu, 3 / (1/2)
}

/// The equations once more, step by step and in double, from what a probe sees.
struct Walk {
  at::Tensor fisher, old_score, score, gain, start, anchor, weight;
  int steps = 0, tasks = 0;

  void close(at::Tensor const& theta) {
    auto const moved = theta - start;
    score = score + at::relu(gain / (fisher * moved * moved / 2 + 0.01));
    gain = at::zeros_like(theta);
    start = theta;
    steps = 0;
  }
  void end(at::Tensor const& theta) {
    if (steps > 0) close(theta);
    old_score = tasks == 0 ? score : (old_score + score) / 2;
    score = at::zeros_like(theta);
    weight = fisher / fisher.max() + old_score / old_score.max();
    anchor = theta;
    ++tasks;
  }
};

// Wrong: alpha on the old Fisher, the penalty in the task's gradient, windows that do not end where they should, scores
// that add up instead of being averaged, weights that are not normalised, a factor 1/2 in the penalty.
TEST(RWalk, FollowsTheEquationOverThreeTasks) {
  constexpr double kLambda = 3;
  auto list = listed(rwalk(kLambda));
  auto const* member = dynamic_cast<RWalk const*>(list.members()[0].strategy.get());
  auto probe = std::make_unique<test::Scripted>();
  auto const now = [](EventContext& c) { return c.parameters().value().to(at::kDouble); };
  auto const gradient = [](EventContext& c) { return c.parameters().grad().to(at::kDouble); };
  Walk walk;
  at::Tensor before, task_gradient;
  int compared = 0;
  probe->on_observe = [&](StepContext& c) {
    before = now(c);
    task_gradient = gradient(c);
    auto const square = task_gradient * task_gradient;
    if (!walk.fisher.defined()) {
      walk.fisher = square;
      walk.start = before;
      walk.gain = walk.score = at::zeros_like(before);
    } else {
      walk.fisher = 0.75 * square + 0.25 * walk.fisher;
    }
  };
  probe->on_project = [&](StepContext& c) {
    auto const added = gradient(c) - task_gradient;
    if (c.first()) {
      EXPECT_EQ(added.abs().max().item<double>(), 0) << "the first task has nothing to hold on to";
      return;
    }
    EXPECT_TRUE(at::allclose(added, 2 * kLambda * walk.weight * (before - walk.anchor), 1e-3, 1e-6));
    auto const value = kLambda * (walk.weight * (before - walk.anchor).square()).sum().item<double>();
    EXPECT_NEAR(const_cast<RWalk*>(member)->terms(c).at("rwalk").item<double>(), value, 1e-4 * (1 + value));
    ++compared;
  };
  probe->on_after_step = [&](StepContext& c) {
    walk.gain = walk.gain - task_gradient * (now(c) - before);
    if (++walk.steps == 4) walk.close(now(c));
    EXPECT_TRUE(at::allclose(member->fisher().to(at::kDouble), walk.fisher, 1e-4, 1e-10));
  };
  probe->on_end = [&](EventContext& c) {
    walk.end(now(c));  // ten steps: the third window is cut short
    EXPECT_TRUE(at::allclose(member->score().to(at::kDouble), walk.old_score, 1e-3, 1e-6));
    EXPECT_TRUE(at::allclose(member->quadratic().importance().to(at::kDouble), walk.weight, 1e-3, 1e-6));
    EXPECT_LE(walk.weight.max().item<double>(), 2 + 1e-9);
    EXPECT_GE(walk.weight.max().item<double>(), 1);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(compared, 20);
  EXPECT_EQ(walk.tasks, 3);
}

TEST(RWalk, WithLambdaZeroIsNaiveBitForBitAndOtherwiseIsNot) {
  EXPECT_EQ(hash_of(listed(rwalk(0))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(rwalk(1))), hash_of(listed("naive")));
}

// Wrong: a new parameter's distance is measured from zero instead of from its first value.
TEST(RWalk, ANewParameterStartsFreeAtItsFirstValue) {
  auto list = listed(rwalk(1));
  auto const* member = dynamic_cast<RWalk const*>(list.members()[0].strategy.get());
  auto probe = std::make_unique<test::Scripted>();
  auto const newest = [](at::Tensor const& row) { return row[-1].item<double>(); };  // of the head's bias
  double fisher = 0, gain = 0, score = 0, start = 7, before = 0, gradient = 0;
  int steps = 0;
  auto const close = [&](double theta) {
    score += std::max(gain / (fisher * (theta - start) * (theta - start) / 2 + 0.01), 0.0);
    gain = steps = 0;
    start = theta;
  };
  probe->on_begin = [&](EventContext& c) {
    if (c.first()) return;
    auto const bias = static_cast<int>(c.parameters().segments().size()) - 1;
    for (int const segment : {bias - 1, bias}) {
      auto shape = c.parameters().segments()[static_cast<std::size_t>(segment)].shape;
      ++shape.front();
      c.grow(segment, shape);
    }
    c.parameters().value()[-1] = 7;
  };
  probe->on_observe = [&](StepContext& c) {
    if (c.first()) return;
    before = newest(c.parameters().value());
    gradient = newest(c.parameters().grad());
    fisher = 0.75 * gradient * gradient + 0.25 * fisher;
  };
  probe->on_after_step = [&](StepContext& c) {
    if (c.first()) return;
    double const theta = newest(c.parameters().value());
    gain -= gradient * (theta - before);
    if (++steps == 4) close(theta);
  };
  probe->on_end = [&](EventContext& c) {
    if (c.first()) return;
    close(newest(c.parameters().value()));
    EXPECT_GT(score, 0);
    EXPECT_NEAR(newest(member->score()), score / 2, 1e-3 * score) << "half of nothing and what this task gained";
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(2));
}

}  // namespace
}  // namespace mneme
