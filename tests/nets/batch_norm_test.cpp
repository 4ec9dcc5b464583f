// Batch normalisation: if these fail, running statistics are wrong, or move when they must not.
#include "mneme/nets/batch_norm.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed = 1) { return at::detail::createCPUGenerator(seed); }

/// A normalisation of three channels with values that are not its initial ones.
struct Norm {
  explicit Norm(Activation activation = Activation::kNone) : layer(arena, "bn", 3, activation) {
    arena.allocate();
    layer.initialise();
    auto g = seeded(7);
    arena.value().normal_(1, 0.3, g);
    arena.buffer(0).normal_(0.5, 0.3, g);
    arena.buffer(1).uniform_(0.5, 2, g);
  }
  ParameterArena arena;
  BatchNorm layer;
};

void expect_torch(Shape const& shape, bool training, Activation activation) {
  Norm net(activation);
  auto g = seeded();
  auto const x = at::randn(shape, g, at::kFloat).add_(0.7).requires_grad_(true);
  auto const x64 = x.detach().to(at::kDouble).requires_grad_(true);
  auto const weight = at::randn(shape, g, at::kFloat);
  auto const mean = net.arena.buffer(0).to(at::kDouble).clone(), variance = net.arena.buffer(1).to(at::kDouble);
  Oracle const o(net.arena);
  auto expected =
      at::batch_norm(x64, o.named.at("bn.weight"), o.named.at("bn.bias"), mean, variance, training, 0.1, 1e-5, false);
  if (activation == Activation::kRelu) expected = expected.relu();
  net.arena.begin_gradient();
  auto const y = net.layer.forward(x, training);
  (y * weight).sum().backward();
  net.arena.finish_gradient();
  auto const scalar = (expected * weight).sum();
  auto const expected_gradient = o.gradient(scalar);
  scalar.backward();
  EXPECT_LT(relative_error(y.detach(), expected.detach()), 1e-5);
  EXPECT_LT(relative_error(net.arena.grad(), expected_gradient), 1e-5);
  EXPECT_LT(relative_error(x.grad(), x64.grad()), 1e-4);
  EXPECT_LT(relative_error(net.arena.buffer(0), mean), 1e-5);
  EXPECT_LT(relative_error(net.arena.buffer(1), variance), 1e-5);
}

TEST(BatchNorm, EqualsTorchInFloat64ForwardAndBackward) {
  for (Shape const& shape : {Shape{5, 3, 2, 4}, Shape{5, 3}})
    for (bool const training : {true, false})
      for (auto const activation : {Activation::kNone, Activation::kRelu}) expect_torch(shape, training, activation);
}

TEST(BatchNorm, RunningStatisticsByHand) {
  ParameterArena arena;
  BatchNorm const layer(arena, "bn", 1);
  arena.allocate();
  layer.initialise();
  auto const y = layer.forward(at::tensor({1.0F, 3.0F}).view({2, 1, 1, 1}), true);
  // Mean 2, variance 1 (of the batch), 2 (unbiased): m = 0.1 * 2, v = 0.9 + 0.1 * 2.
  EXPECT_FLOAT_EQ(arena.buffer(0).item<float>(), 0.2F);
  EXPECT_FLOAT_EQ(arena.buffer(1).item<float>(), 1.1F);
  EXPECT_NEAR(y[0].item<double>(), -1, 1e-4);
  auto const kept = arena.buffers().clone();
  auto const same = layer.forward(at::tensor({1.0F}).view({1, 1, 1, 1}), false);
  EXPECT_NEAR(same.item<double>(), 0.8 / std::sqrt(1.1), 1e-4);
  EXPECT_TRUE(at::equal(arena.buffers(), kept)) << "evaluation moved them";
}

TEST(BatchNorm, APassInEvaluationKeepsItsStatisticsUntilItsBackward) {
  Norm net;
  auto g = seeded();
  auto const x = at::randn({4, 3, 2, 2}, g, at::kFloat);
  auto const gradient = [&](bool train_between) {
    net.arena.begin_gradient();
    auto const y = net.layer.forward(x, false).square().sum();
    if (train_between) static_cast<void>(net.layer.forward(x + 3, true));
    y.backward();
    net.arena.finish_gradient();
    return net.arena.grad().clone();
  };
  auto const plain = gradient(false);
  EXPECT_TRUE(at::equal(gradient(true), plain));
}

void expect_squares(Shape const& shape) {
  Norm net(Activation::kRelu);
  auto g = seeded();
  auto const x = at::randn(shape, g, at::kFloat), weight = at::randn(shape, g, at::kFloat);
  GradientSink sink(net.arena, net.arena.new_row(), Reduction::kSumOfSquares);
  {
    ParameterArena::Redirect const redirect(net.arena, sink);
    net.arena.begin_gradient();
    (net.layer.forward(x, false) * weight).sum().backward();
    net.arena.finish_gradient();
  }
  Oracle const o(net.arena);
  auto expected = at::zeros({net.arena.size()}, at::kDouble);
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    auto const y = at::batch_norm(x.narrow(0, i, 1).to(at::kDouble), o.named.at("bn.weight"), o.named.at("bn.bias"),
                                  net.arena.buffer(0).to(at::kDouble), net.arena.buffer(1).to(at::kDouble), false, 0.1,
                                  1e-5, false);
    expected += o.gradient((y.relu() * weight.narrow(0, i, 1)).sum()).square();
  }
  EXPECT_LT(relative_error(sink.row(), expected), 1e-5);
}

TEST(BatchNorm, SquaresAreThoseOfOneSampleAtATimeInFloat64) {
  expect_squares({6, 3, 2, 2});
  expect_squares({6, 3});
}

TEST(BatchNorm, RefusesSquaresInTrainingAndABatchOfOneValue) {
  Norm net;
  GradientSink sink(net.arena, net.arena.new_row(), Reduction::kSumOfSquares);
  ParameterArena::Redirect const redirect(net.arena, sink);
  net.arena.begin_gradient();
  auto const loss = net.layer.forward(at::randn({4, 3, 2, 2}), true).sum();
  test::expect_mentions(message_of<ConfigError>([&] { loss.backward(); }), {"bn.weight", "evaluation mode"});
  EXPECT_THROW(static_cast<void>(net.layer.forward(at::randn({1, 3, 1, 1}), true)), ConfigError);
}

// -------------------------------------------------------------------------------------------- in a learner and a run

Json const kResNet = {{"net", {{"kind", "resnet18"}, {"width", 2}}}};

std::unique_ptr<Learner> trained_learner(TrainOptions const& options = RunRecipe::toy().train) {
  auto learner = toy::learner("classifier", kResNet);
  Trainer trainer(*learner, {}, options, {}, 0);
  trainer.learn(toy::task("toy-0", 0));
  return learner;
}

/// The hidden layers before their ReLU, and the outputs: what `batch_norm = "all"` says.
TEST(BatchNorm, OfAnMlpStandsBeforeItsRelusAndBehindItsOutputs) {
  ParameterArena arena;
  Mlp net(arena, 4, MlpOptions{.hidden = {3}, .batch_norm = "all"}, 2);
  arena.allocate();
  auto g = seeded();
  net.initialise(g);
  arena.value().add_(at::randn({arena.size()}, g, at::kFloat), 0.3);
  auto const x = at::randn({6, 4}, g, at::kFloat);
  Oracle const o(arena);
  auto const norm = [&](std::string const& name, at::Tensor const& h) {
    return at::batch_norm(h, o.named.at(name + ".weight"), o.named.at(name + ".bias"), {}, {}, true, 0.1, 1e-5, false);
  };
  auto const hidden = norm("bn1", o.linear("fc1", x.to(at::kDouble))).relu();
  auto const output = net.forward(x, {.training = true});
  EXPECT_LT(relative_error(output.features.detach(), hidden.detach()), 1e-5);
  EXPECT_LT(relative_error(output.logits.detach(), norm("head.bn", o.linear("head", hidden)).detach()), 1e-5);
}

TEST(BatchNormBuffers, MoveInTrainingAndInNothingElse) {
  auto const learner = trained_learner();
  auto const& arena = learner->parameters();
  ASSERT_GT(arena.buffers().numel(), 0);
  auto const data = toy::images("toy-0", 20);
  Batch const batch(data.slice(0, 20), data.labels());
  auto const kept = arena.buffers().clone();
  auto choice = seeded(), noise = seeded();
  for (auto const* labels : {"sampled", "all", "empirical", "batch"})
    static_cast<void>(diagonal_fisher(
        {.learner = *learner, .data = data, .options = {.labels = labels}, .choice = choice, .noise = noise}));
  learner->gradient(batch, learner->parameters().new_row(), noise);
  StrategyList none;
  static_cast<void>(evaluate(*learner, none, {.data = data}, RandomStreams(0), 7));
  EXPECT_TRUE(at::equal(arena.buffers(), kept));
  auto const teacher = learner->snapshot();
  EXPECT_TRUE(at::equal(teacher->parameters().buffers(), kept)) << "a teacher would normalise by other statistics";
  static_cast<void>(teacher->forward(batch, {.training = true, .gates = nullptr}, noise));
  EXPECT_TRUE(at::equal(arena.buffers(), kept)) << "a copy's training moved the original's";
  EXPECT_FALSE(at::equal(teacher->parameters().buffers(), kept));
}

TEST(BatchNormBuffers, BeginAnewWhereAStageStartsFromScratch) {
  auto const learner = trained_learner();
  auto init = seeded();
  learner->initialise(init);
  EXPECT_EQ(learner->parameters().buffers().sum().item<double>(),
            static_cast<double>(learner->parameters().buffers().numel()) / 2)
      << "means 0 and variances 1";
}

TEST(BatchNormBuffers, ReviewStagesTrainACopy) {
  for (bool const review : {false, true}) {
    auto const learner = toy::learner("classifier", kResNet);
    auto s = std::make_unique<test::Scripted>();
    if (review)
      s->on_before_evaluation = [](EventContext&) -> std::vector<Stage> {
        return {{.name = "review", .data = toy::images("toy-0", 16), .epochs = 1}};
      };
    Trainer trainer(*learner, test::only(std::move(s)), RunRecipe::toy().train, {}, 0);
    trainer.learn(toy::task("toy-0", 0));
    EXPECT_TRUE(at::equal(learner->parameters().buffers(), trained_learner()->parameters().buffers()));
  }
}

TEST(BatchNormBuffers, EarlyStopPutsThoseOfTheBestEpochBack) {
  auto options = RunRecipe::toy().train;
  options.patience = 2;
  options.held_out = 0.2;
  options.epochs = 6;
  options.optimizer.learning_rate = 0.5;  // later epochs are worse
  auto const learner = toy::learner("classifier", kResNet);
  std::vector<at::Tensor> after_epoch;  // as each epoch left them
  auto s = std::make_unique<test::Scripted>();
  s->on_after_step = [&](StepContext& c) {
    if (c.step % 4 == 3) after_epoch.push_back(c.parameters().buffers().clone());
  };
  Trainer trainer(*learner, test::only(std::move(s)), options, {}, 0);
  trainer.learn(toy::task("toy-0", 0));
  ASSERT_GT(after_epoch.size(), 2U);
  std::size_t best = after_epoch.size();
  for (std::size_t i = 0; i < after_epoch.size(); ++i)
    if (at::equal(learner->parameters().buffers(), after_epoch[i])) best = i;
  EXPECT_EQ(best, after_epoch.size() - 3) << "two worse epochs came after the best";
}

TEST(BatchNormBuffers, AStateOfANetWithoutThemHasNoSuchRow) {
  auto const state = [](Json const& options) {
    auto const learner = toy::learner("classifier", options);
    Trainer trainer(*learner, {}, RunRecipe::toy().train, {}, 0);
    Archive archive;
    trainer.state(archive);
    return archive.tensors().contains("run/buffers");
  };
  EXPECT_FALSE(state(Json::object())) << "stored runs of such nets could not be loaded";
  EXPECT_TRUE(state(kResNet));
}

}  // namespace
}  // namespace mneme
