// Synaptic intelligence: if these fail, the path integral or the penalty is not the one in the equation.
#include "mneme/strategies/si.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json si(double c, std::string const& variant = "zenke") {
  return {{"kind", "si"}, {"c", c}, {"xi", 0.5}, {"variant", variant}};
}

// Wrong: xi outside the quotient, the displacement not squared.
TEST(Si, ImportanceOfAPathIsTheHandComputedOne) {
  auto const found = path_importance(at::tensor({3.0F, -3.0F, 9.0F}), at::tensor({1.0F, 1.0F, -2.0F}), 0.5);
  EXPECT_TRUE(at::allclose(found, at::tensor({2.0F, -2.0F, 2.0F}))) << found;  // 3 / 1.5, -3 / 1.5, 9 / 4.5
}

// Wrong: early stop puts the weights of its best epoch back, and omega keeps the steps that were undone.
TEST(Si, EarlyStopTakesTheUndoneStepsOutOfThePath) {
  auto list = listed(si(1));
  auto const& member = dynamic_cast<Si const&>(*list.members()[0].strategy);
  auto watch = std::make_unique<test::Scripted>();
  std::vector<std::pair<at::Tensor, at::Tensor>> steps;  // theta and omega after each
  at::Tensor start;
  watch->on_begin = [&](EventContext& c) { start = c.parameters().value().clone(); };
  watch->on_after_step = [&](StepContext& c) {
    steps.emplace_back(c.parameters().value().clone(), member.omega().clone());
  };
  list.add("watch", std::move(watch), 0);
  auto train = RunRecipe::toy().train;
  train.epochs = 40;
  train.patience = 2;
  train.held_out = 0.4;
  train.optimizer.learning_rate = 0.1;
  test::Rig rig(std::move(list), train);
  rig.trainer.run(toy::stream(1));
  auto const best =
      std::find_if(steps.begin(), steps.end(), [&](auto const& s) { return at::equal(s.first, rig.theta()); });
  ASSERT_NE(best, steps.end());
  ASSERT_LT(std::distance(steps.begin(), best) + 1, static_cast<std::ptrdiff_t>(steps.size())) << "nothing was undone";
  auto const expected = path_importance(best->second, best->first - start, 0.5).clamp_min(0);
  EXPECT_TRUE(at::allclose(member.quadratic().importance(), expected, 1e-5, 1e-7));
}

class SiVariant : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Both, SiVariant, ::testing::Values("zenke", "van-de-ven"),
                         [](auto const& info) { return info.index == 0 ? "Zenke" : "VanDeVen"; });

// Wrong: the sign or the time of the weights in omega, the penalty's gradient counted as the task's (or, in van de
// Ven's variant, not counted), a path that raised the loss counted as negative (or not), an Omega that does not sum
// over tasks, a factor 1/2 in the penalty.
TEST_P(SiVariant, FollowsTheEquationOverThreeTasks) {
  constexpr double kC = 5;
  bool const zenke = GetParam() == "zenke";
  auto list = listed(si(kC, GetParam()));
  auto const* member = dynamic_cast<Si const*>(list.members()[0].strategy.get());
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor start, before, task_gradient, step_gradient, omega, importance;
  int compared = 0, ends = 0;
  double lowest = 0;
  probe->on_begin_stage = [&](StageContext& c) {
    start = c.parameters().value().clone();
    omega = at::zeros_like(start);
    if (!importance.defined()) importance = at::zeros_like(start);
  };
  probe->on_observe = [&](StepContext& c) {
    before = c.parameters().value().clone();
    task_gradient = c.parameters().grad().clone();
  };
  probe->on_project = [&](StepContext& c) {
    auto const added = c.parameters().grad() - task_gradient;
    step_gradient = zenke ? task_gradient : c.parameters().grad().clone();
    c.parameters().grad().narrow(0, 0, c.parameters().size() / 2).neg_();  // these go uphill: their omega is negative
    if (c.first()) {
      EXPECT_EQ(added.abs().max().item<double>(), 0) << "the first task has nothing to hold on to";
      return;
    }
    EXPECT_TRUE(at::allclose(added, 2 * kC * importance * (before - start), 1e-3, 1e-6));
    auto const value = kC * (importance * (before - start).square()).sum().item<double>();
    EXPECT_NEAR(const_cast<Si*>(member)->terms(c).at("si").item<double>(), value, 1e-5 * (1 + value));
    ++compared;
  };
  probe->on_after_step = [&](StepContext& c) {
    omega -= step_gradient * (c.parameters().value() - before);
    EXPECT_TRUE(at::allclose(member->omega(), omega, 1e-5, 1e-8));
  };
  probe->on_end = [&](EventContext& c) {
    auto const moved = c.parameters().value() - start;
    auto const own = omega / (moved * moved + 0.5);
    lowest = std::min(lowest, own.min().item<double>());
    importance += zenke ? at::relu(own) : own;
    EXPECT_GT(importance.abs().sum().item<double>(), 0);
    EXPECT_TRUE(at::allclose(member->quadratic().importance(), importance, 1e-5, 1e-8));
    EXPECT_TRUE(at::equal(member->quadratic().anchor(), c.parameters().value()));
    EXPECT_EQ(member->omega().abs().max().item<double>(), 0) << "each task has a path of its own";
    ++ends;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(toy::stream(3));
  EXPECT_EQ(compared, 20);
  EXPECT_EQ(ends, 3);
  EXPECT_LT(lowest, 0) << "or the variants are not told apart";
}

// Wrong: what is above the clamp is lost for good, so that a later task's negative importance counts from the clamp, or
// the importance of each task is clamped and not their sum; a resumed run holds on to something else.
TEST(Si, ClampedIsTheSumInThePenaltyAlone) {
  auto const importance_of = [](double clamp) {
    auto config = si(1e-9, "van-de-ven");  // so that steps and gradients are the same
    config["clamp"] = clamp;
    auto list = listed(config);
    auto const& member = dynamic_cast<Si const&>(*list.members()[0].strategy);
    std::vector<at::Tensor> read;
    auto probe = std::make_unique<test::Scripted>();
    probe->on_project = [&](StepContext& c) {
      c.parameters().grad().copy_(at::linspace(-1, 1, c.parameters().size()).mul_(read.size() == 1 ? -1 : 1));
    };
    probe->on_end = [&](EventContext&) { read.push_back(member.quadratic().importance().clone()); };
    list.add("probe", std::move(probe), 0);
    test::Rig rig(std::move(list));
    rig.trainer.run(toy::stream(3));
    return read;
  };
  auto const plain = importance_of(0), clamped = importance_of(1e-4);
  ASSERT_EQ(plain.size(), 3U);
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_TRUE(at::allclose(clamped[t], plain[t].clamp_max(1e-4), 1e-5, 1e-9)) << "after task " << t;
    EXPECT_GT(plain[t].max().item<double>(), 2e-4) << "or nothing is clamped";
  }
}

TEST(Si, WithCZeroIsNaiveBitForBitAndOtherwiseIsNot) {
  EXPECT_EQ(hash_of(listed(si(0))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(si(10))), hash_of(listed("naive")));
  EXPECT_EQ(hash_of(listed(si(0, "van-de-ven"))), hash_of(listed("naive")));
}

// Wrong: a report without the figures that say whether anything is held.
TEST(Si, LogsTheImportanceOfEveryTask) {
  struct Lines final : Observer {
    std::vector<Json> lines;
    void line(Json const& line) override {
      if (line["kind"] == "importance") lines.push_back(line);
    }
  } log;
  test::Rig rig(listed(si(1)));
  rig.trainer.attach(&log);
  rig.trainer.run(toy::stream(2));
  ASSERT_EQ(log.lines.size(), 2U);
  auto const* member = dynamic_cast<Si const*>(rig.trainer.strategies().members()[0].strategy.get());
  double const both = log.lines[0]["trace"].get<double>() + log.lines[1]["trace"].get<double>();
  double const kept = member->quadratic().importance().sum(at::kDouble).item<double>();
  EXPECT_NEAR(both, kept, 1e-4 * kept);
  EXPECT_EQ(log.lines[0]["strategy"], "si");
}

// Wrong: a new parameter is pulled to zero, or its distance is measured from zero instead of from its first value.
TEST(Si, ANewParameterStartsFreeAtItsFirstValue) {
  auto list = listed(si(1));
  auto const* member = dynamic_cast<Si const*>(list.members()[0].strategy.get());
  auto probe = std::make_unique<test::Scripted>();
  probe->on_begin = [&](EventContext& c) {
    if (c.first()) return;
    auto const& segments = c.parameters().segments();
    auto const last = static_cast<int>(segments.size()) - 1;  // the head's bias: one element more
    auto shape = segments.back().shape;
    ++shape.back();
    auto const old = c.parameters().size();
    c.grow(last, shape);
    c.parameters().value()[old] = 7;
    EXPECT_EQ(c.parameters().size(), old + 1);
  };
  probe->on_begin_stage = [&](StageContext& c) {
    EXPECT_TRUE(at::equal(member->quadratic().anchor(), c.parameters().value()));
    if (c.first()) return;
    EXPECT_EQ(member->quadratic().importance()[-1].item<double>(), 0);
    throw Stopped("seen", 0);
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  EXPECT_THROW(rig.trainer.run(toy::stream(2)), Stopped);
}

}  // namespace
}  // namespace mneme
