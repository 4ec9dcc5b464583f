// Class means and frozen nets: if these fail, methods that classify by features compare with the wrong means, see what
// training mode gives, or train what should stay.
#include "mneme/strategies/class_means.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "mneme/learners/classifier.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/strategies/backbone.hpp"
#include "mneme/strategies/head.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

TEST(ClassMeans, AreHandComputed) {
  ClassMeans means;
  EXPECT_TRUE(means.empty());
  means.add(at::tensor({1.0F, 2.0F, 3.0F, 6.0F, 5.0F, 5.0F}).view({3, 2}), at::tensor({0, 0, 2}, at::kLong), 4);
  means.add(at::tensor({2.0F, 1.0F}).view({1, 2}), at::tensor({0}, at::kLong), 4);
  auto const expected = at::tensor({2.0, 3.0, 0.0, 0.0, 5.0, 5.0, 0.0, 0.0}, at::kDouble).view({4, 2});
  EXPECT_TRUE(at::equal(means.mean(), expected)) << means.mean();
  EXPECT_TRUE(at::equal(means.count(), at::tensor({3.0, 0.0, 1.0, 0.0}, at::kDouble)));
  EXPECT_TRUE(at::equal(means.seen(), at::tensor({1, 0, 1, 0}).to(at::kBool)));
}

TEST(ClassMeans, OfTwoPartsAreThoseOfTheWholeAlsoWhenTheOutputLayerGrows) {
  at::manual_seed(1);
  auto const features = at::rand({20, 3});
  auto const labels = at::arange(20, at::kLong).remainder(5);
  ClassMeans whole, first, second, none;
  whole.add(features, labels, 5);
  auto const few = labels.lt(3).nonzero().squeeze(1), rest = labels.ge(3).nonzero().squeeze(1);
  first.add(features.index_select(0, few), labels.index_select(0, few), 3);
  second.add(features.index_select(0, rest), labels.index_select(0, rest), 5);
  first.add(none);
  first.add(second);
  EXPECT_TRUE(at::allclose(first.mean(), whole.mean(), 1e-14));
  EXPECT_TRUE(at::equal(first.count(), whole.count()));
}

TEST(ClassMeans, ScoresOfUnseenClassesAreLastAndFinite) {
  auto const scores = at::tensor({1.0F, 9.0F, -3.0F, 7.0F, 0.0F, 2.0F}).view({2, 3});
  auto const out = below_seen(scores, at::tensor({1, 0, 1}).to(at::kBool));
  EXPECT_TRUE(at::equal(out, at::tensor({1.0F, -103.0F, -3.0F, 7.0F, -98.0F, 2.0F}).view({2, 3}))) << out;
}

TEST(LookThrough, ShowsEverySampleOnceInOrderWithoutGradients) {
  auto hooks = std::make_unique<test::Scripted>();
  hooks->on_end = [](EventContext& c) {
    std::vector<at::Tensor> labels;
    look_through(c, c.data, [&](Batch const& batch, Output const& output) {
      EXPECT_FALSE(output.features.requires_grad());
      labels.push_back(batch.y());
    });
    EXPECT_GT(labels.size(), 1U);
    EXPECT_TRUE(at::equal(at::cat(labels), c.data.labels()));
  };
  auto options = RunRecipe::toy().train;
  options.steps = 1;
  Rig rig(test::only(std::move(hooks)), options);
  rig.trainer.run(toy::stream(1, 1001));
}

/// A net that notes in which mode it is run.
class Listening final : public Net {
 public:
  Listening(ParameterArena& arena, std::vector<bool>& modes) : mlp_(arena, 36, {8}, 4), modes_(modes) {}
  Output forward(at::Tensor const& x, ForwardContext const& context) override {
    modes_.push_back(context.training);
    return mlp_.forward(x, context);
  }
  void initialise(at::Generator& generator) override { mlp_.initialise(generator); }

 private:
  Mlp mlp_;
  std::vector<bool>& modes_;
};

class FrozenNet : public ::testing::TestWithParam<std::string> {};

TEST_P(FrozenNet, RunsInEvaluationModeAfterTheFirstEvent) {
  std::vector<bool> modes;
  auto init = at::detail::createCPUGenerator(3);
  Classifier learner([&](ParameterArena& arena) { return std::make_unique<Listening>(arena, modes); }, at::kCPU, &init);
  Trainer trainer(learner, listed({{"kind", GetParam()}}), RunRecipe::toy().train, {}, 0);
  auto const stream = toy::split_stream(false);
  trainer.learn(*stream.tasks()[0]);
  EXPECT_EQ(std::count(modes.begin(), modes.end(), true), 10) << "two epochs of five steps are training";
  modes.clear();
  trainer.learn(*stream.tasks()[1]);
  EXPECT_FALSE(modes.empty());
  EXPECT_EQ(std::count(modes.begin(), modes.end(), true), 0) << "statistics and noise of frozen layers would change";
}

TEST_P(FrozenNet, KeepsItsHiddenLayersBitForBitUnderEveryOptimizer) {
  for (auto const* name : {"sgd", "adam", "adamw"}) {
    SCOPED_TRACE(name);
    auto options = RunRecipe::toy().train;
    options.optimizer = {.optimizer = name, .learning_rate = 0.05};
    if (std::string(name) == "sgd") options.optimizer.momentum = 0.9;
    options.optimizer.weight_decay = 0.1;
    Rig rig(listed({{"kind", GetParam()}}), options);
    auto const stream = toy::split_stream(false);
    rig.trainer.learn(*stream.tasks()[0]);
    auto const before = rig.theta().clone();
    rig.trainer.learn(*stream.tasks()[1]);
    auto const& segments = rig.learner->parameters().segments();
    auto const head = segments[static_cast<std::size_t>(rig.segment("head.weight"))].offset;
    EXPECT_TRUE(at::equal(rig.theta().narrow(0, 0, head), before.narrow(0, 0, head))) << "frozen weights moved";
    EXPECT_EQ(at::equal(rig.theta(), before), GetParam() == "slda") << "the output layer is trained, but not by slda";
  }
}

INSTANTIATE_TEST_SUITE_P(Backbone, FrozenNet, ::testing::Values("frozen-backbone", "slda", "fetril"),
                         [](auto const& info) { return info.param == "frozen-backbone" ? "frozen" : info.param; });

TEST(Backbone, FirstEventIsNaive) {
  for (auto const* name : {"frozen-backbone", "slda", "fetril"})
    EXPECT_EQ(test::hash_of(listed(name), RunRecipe::toy().train, 1), test::hash_of({}, RunRecipe::toy().train, 1))
        << name;
}

TEST(Backbone, LinearHeadIsTheNetsOutputLayerAndTrainsItAlone) {
  auto const learner = toy::learner();
  auto& arena = learner->parameters();
  auto const data = toy::images("toy", 6);
  Batch const batch(data, at::arange(6, at::kLong), 0, {});
  auto noise = at::detail::createCPUGenerator(0);
  arena.begin_gradient();
  auto const output = learner->forward(batch, {.training = true, .gates = nullptr}, noise);
  learner->loss(learner->phases().front(), batch, output).backward();
  arena.finish_gradient();
  auto const usual = arena.grad().clone();
  arena.begin_gradient();
  auto const head_layer = linear_head(arena);
  Output const own{.logits = head_layer.forward(output.features.detach()), .features = {}, .more = {}};
  EXPECT_TRUE(at::allclose(own.logits, output.logits, 1e-6));
  learner->loss(learner->phases().front(), batch, own).backward();
  arena.finish_gradient();
  auto const head = arena.segments()[static_cast<std::size_t>(arena.find("head.weight"))].offset;
  EXPECT_EQ(arena.grad().narrow(0, 0, head).abs().max().item<float>(), 0);
  EXPECT_LT(
      relative_error(arena.grad().narrow(0, head, arena.size() - head), usual.narrow(0, head, arena.size() - head)),
      1e-6);
}

TEST(Backbone, WithoutAnOutputLayerTheMessageSaysWhatIsMissing) {
  ParameterArena arena;
  arena.add("body.weight", {2, 2});
  arena.allocate();
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(head_segments(arena)); }).find("head"), std::string::npos);
  ParameterArena other;
  other.add("head.weight", {2, 2});
  other.add("head.scale", {1});
  other.allocate();
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(linear_head(other)); }).find("linear"), std::string::npos);
}

}  // namespace
}  // namespace mneme
