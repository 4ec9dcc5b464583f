// Memory aware synapses: if these fail, the importance or the penalty is not the one in the equation.
#include "mneme/strategies/mas.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/frozen_run.hpp"

namespace mneme {
namespace {

using test::FrozenRun;
using test::hash_of;
using test::listed;

Json mas(double lambda, Json const& more = Json::object()) {
  Json options = {{"kind", "mas"}, {"lambda", lambda}};
  options.update(more);
  return options;
}

/// f = (log 3, 0), so d ||f||^2 / df = (2 log 3, 0): behind the hidden unit 2 (2 log 3), times x before it. Mean |x| of
/// the three samples is (5/3, 4/3).
at::Tensor squared_norm() {
  double const f = 2 * std::log(3.0);
  return at::tensor({2 * f * 5 / 3, 2 * f * 4 / 3, 2 * f, f, 0.0, f, 0.0}, at::kDouble);
}

// Wrong: importances replace one another instead of adding up, or the penalty has a 1/2.
TEST(Mas, SumsOverTasksAndPullsWithTwiceLambda) {
  FrozenRun run(mas(3));
  EXPECT_LT(relative_error(run.importance(), squared_norm()), 1e-5);
  EXPECT_LT(relative_error(run.importance(), 2 * squared_norm()), 1e-5);
  EXPECT_LT(relative_error(run.pull(), 2 * 3 * 2 * squared_norm()), 1e-4);
}

// Wrong: alpha weighs the new importance, or the average does not start from zero.
TEST(Mas, AveragesWithTheOldOneWeighedByAlpha) {
  FrozenRun run(mas(3, {{"accumulation", "average"}, {"alpha", 0.25}, {"norm", "plain"}}));
  auto const plain = squared_norm() / (2 * std::log(3.0));
  EXPECT_LT(relative_error(run.importance(), 0.75 * plain), 1e-5);
  EXPECT_LT(relative_error(run.importance(), (0.25 * 0.75 + 0.75) * plain), 1e-5);
}

// Wrong: signs cancel although a sample's absolute value is asked for, or do not where a batch's is.
TEST(Mas, TakesABatchsMeanGradientWhereAskedTo) {
  FrozenRun run(mas(1, {{"gradients", "batch-mean"}}));
  auto expected = squared_norm();
  expected[1] = 0;  // 2 + 0 - 2
  EXPECT_LT(relative_error(run.importance(), expected), 1e-5);
}

TEST(Mas, WithLambdaZeroIsNaiveBitForBitAndOtherwiseIsNot) {
  EXPECT_EQ(hash_of(listed(mas(0))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(mas(10))), hash_of(listed("naive")));
}

// Wrong: it does not hold what it is to hold.
TEST(Mas, HoldsTheWeightsNearTheAnchor) {
  auto const drift = [](double lambda) {
    at::Tensor anchor;
    auto list = listed(mas(lambda));
    auto probe = std::make_unique<test::Scripted>();
    probe->on_end = [&](EventContext& c) {
      if (c.first()) anchor = c.parameters().value().clone();
    };
    list.add("probe", std::move(probe), 0);
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(2));
    return (rig.theta() - anchor).norm().item<double>();
  };
  EXPECT_LT(drift(100), 0.7 * drift(0));
}

TEST(Mas, GoesWithReplay) {
  auto const both = listed({mas(1), {{"kind", "er"}, {"memory", 12}}});
  EXPECT_EQ(both.members().size(), 2U);
  EXPECT_NE(hash_of(listed({mas(1), {{"kind", "er"}, {"memory", 12}}})),
            hash_of(listed({{"kind", "er"}, {"memory", 12}})));
}

}  // namespace
}  // namespace mneme
