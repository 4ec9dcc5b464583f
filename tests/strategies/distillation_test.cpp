// Distillation and teachers: if these fail, a net is taught other outputs than the old net gave, or by another loss.
#include "mneme/strategies/distillation.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/strategies/teacher.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

double const kLog2 = std::log(2.0), kLog3 = std::log(3.0);
// Of q = (3/4, 1/4).
double const kEntropy = -(0.75 * std::log(0.75) + 0.25 * std::log(0.25));

at::Tensor row(std::vector<double> const& values) { return at::tensor(values, at::kDouble).unsqueeze(0); }
/// Gives q = (3/4, 1/4) at T = 2.
at::Tensor teacher() { return row({2 * kLog3, 0}); }

// Wrong: teacher and student exchanged, T in one softmax only, no T^2, or a wrong sign.
TEST(Distillation, IsTheHandComputedOne) {
  auto const q = soft_targets(teacher(), 2);
  EXPECT_NEAR(q[0][0].item<double>(), 0.75, 1e-12);
  auto z = at::zeros({1, 2}, at::kDouble).requires_grad_();  // p = (1/2, 1/2)
  auto const value = distillation(z, q, {.temperature = 2});
  ASSERT_EQ(value.sizes(), (std::vector<std::int64_t>{1}));
  EXPECT_NEAR(value.item<double>(), 4 * kLog2, 1e-12);
  value.sum().backward();
  EXPECT_NEAR(z.grad()[0][0].item<double>(), -0.5, 1e-12);  // T^2 (1/T) (1/2 - 3/4)
  EXPECT_NEAR(z.grad()[0][1].item<double>(), 0.5, 1e-12);
}

TEST(Distillation, OptionsDropTheSquareAndTheEntropy) {
  auto const z = at::zeros({1, 2}, at::kDouble), q = soft_targets(teacher(), 2);
  EXPECT_NEAR(distillation(z, q, {.square = false}).item<double>(), kLog2, 1e-12);
  EXPECT_NEAR(distillation(z, q, {.form = "kl"}).item<double>(), 4 * (kLog2 - kEntropy), 1e-12);
  EXPECT_NEAR(distillation(teacher(), q, {.form = "kl"}).item<double>(), 0, 1e-12);
}

// Wrong: the division is by all outputs where the student's softmax is over some of them, or its gradient lacks it.
TEST(Distillation, PerOutputIsAMeanOverTheOutputsOfTheSoftmax) {
  auto z = row({0, 9, 0, 0}).requires_grad_();
  auto const q = soft_targets(row({2 * kLog3, 9, 0, 9}), 2, at::tensor({1, 0, 1, 0}).to(at::kBool));
  auto const mask = at::tensor({1, 0, 1, 1}).to(at::kBool).unsqueeze(0);  // [N, C]: of each sample
  auto const value = distillation(z, q, {.per_output = true}, mask);
  EXPECT_NEAR(value.item<double>(), 4 * kLog3 / 3, 1e-12);
  value.sum().backward();
  EXPECT_TRUE(at::allclose(z.grad(), row({-5.0 / 18, 0, 1.0 / 18, 2.0 / 9}), 0, 1e-12)) << z.grad();  // 2/3 (p - q)
  EXPECT_NEAR(
      distillation(at::zeros({1, 2}, at::kDouble), soft_targets(teacher(), 2), {.per_output = true}).item<double>(),
      2 * kLog2, 1e-12);
}

// Wrong: an output outside the group takes part in its softmax, or gets a gradient; or 0 log 0 is not a number.
TEST(Distillation, OfAGroupLeavesTheOtherOutputsAlone) {
  LearntOutputs learnt;
  learnt.learn({0, 2}, true);
  learnt.learn({1}, true);
  auto const mask = learnt.masks(4, at::kCPU);
  ASSERT_EQ(mask.sizes(), (std::vector<std::int64_t>{2, 1, 4}));
  auto const q = soft_targets(row({2 * kLog3, 50, 0, -50}), 2, mask);
  EXPECT_TRUE(at::allclose(q.select(0, 0), row({0.75, 0, 0.25, 0})));
  EXPECT_TRUE(at::allclose(q.select(0, 1), row({0, 1, 0, 0})));
  auto z = row({0, 7, 0, 9}).requires_grad_();
  for (auto const* form : {"cross-entropy", "kl"}) {
    auto const value = distillation(z, q, {.form = form}, mask);
    ASSERT_EQ(value.sizes(), (std::vector<std::int64_t>{2, 1}));
    EXPECT_NEAR(value[0].item<double>(), 4 * (kLog2 - (form[0] == 'k' ? kEntropy : 0)), 1e-12);
    EXPECT_EQ(value[1].item<double>(), 0) << "a head of one output has nothing to say";
    z.mutable_grad() = at::Tensor();
    value.sum().backward();
    EXPECT_TRUE(at::allclose(z.grad(), row({-0.5, 0, 0.5, 0}), 0, 1e-12)) << z.grad();
  }
}

// Wrong: where the student has further outputs, the teacher's probability of them is not 0.
TEST(Distillation, TeachesZeroForOutputsThatTheTeacherLacks) {
  auto z = at::zeros({1, 3}, at::kDouble).requires_grad_();
  auto const value = distillation(z, soft_targets(teacher(), 2), {.square = false});
  EXPECT_NEAR(value.item<double>(), kLog3, 1e-12);
  value.sum().backward();
  EXPECT_TRUE(at::allclose(z.grad(), row({-5.0 / 24, 1.0 / 24, 1.0 / 6}))) << z.grad();  // (1/3 - q) / 2
}

TEST(LearntOutputs, GroupTasksByTheirHeads) {
  LearntOutputs shared, apart;
  for (auto const& classes : std::vector<std::vector<std::int64_t>>{{0, 1}, {1, 2}, {0, 1}}) {
    EXPECT_EQ(shared.lacks(classes), shared.tasks() < 2);
    shared.learn(classes, false);
    apart.learn(classes, true);
  }
  EXPECT_EQ(shared.groups(), 1);
  EXPECT_EQ(shared.tasks(), 3);
  EXPECT_EQ(shared.classes(), (std::set<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(apart.groups(), 2) << "two tasks with the same outputs share a head";
  EXPECT_EQ(apart.tasks(), 3);

  Archive saved;
  apart.state(saved);
  Archive stored(saved.tensors(), saved.values(), "test");
  LearntOutputs loaded;
  loaded.state(stored);
  EXPECT_EQ(loaded.tasks(), 3);
  EXPECT_TRUE(at::equal(loaded.masks(3, at::kCPU), apart.masks(3, at::kCPU)));
}

// Wrong: the teacher follows the learner, learns, or is another net after a resume.
TEST(Teacher, StaysTheLearnerThatItWasTakenFrom) {
  Teacher teacher;
  std::unique_ptr<Learner> before;
  auto probe = std::make_unique<test::Scripted>();
  int compared = 0;
  bool moved = false;
  probe->on_end = [&](EventContext& c) {
    if (!c.first()) return;
    teacher.take(c.learner);
    before = c.learner.snapshot();
  };
  probe->on_after_step = [&](StepContext& c) {
    if (c.first()) return;
    auto const expected = before->forward(c.batch, {}, c.streams->get("noise")).logits.detach();
    moved = !at::equal(expected, c.output->logits.detach());
    auto const given = teacher.forward(c.batch, c).logits;
    EXPECT_TRUE(at::equal(given, expected));
    EXPECT_FALSE(given.requires_grad());
    Archive saved;
    teacher.state(saved);
    EXPECT_EQ(saved.tensors().size(), 1U);
    Archive stored(saved.tensors(), saved.values(), "test");
    Teacher loaded;
    loaded.state(stored);
    EXPECT_TRUE(at::equal(loaded.forward(c.batch, c).logits, expected));
    ++compared;
  };
  test::Rig rig(test::only(std::move(probe)));
  rig.trainer.run(toy::stream(2));
  EXPECT_EQ(compared, 10);
  EXPECT_TRUE(moved) << "the learner stood still";
}

}  // namespace
}  // namespace mneme
