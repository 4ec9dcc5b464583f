// Output layers: if these fail, scores are not what their name says.
#include "mneme/nets/head.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/testing/gradient_check.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

OutputOptions const kCosine{.output = "cosine"};

TEST(CosineHead, ScoresAreTheScaledCosines) {
  ParameterArena arena;
  OutputLayer const head(arena, "head", 2, 3, kCosine);
  arena.allocate();
  arena.value(arena.find("head.weight")).copy_(at::tensor({2.0F, 0.0F, 0.0F, -5.0F, 3.0F, 4.0F}).view({3, 2}));
  arena.value(arena.find("head.scale")).fill_(10);
  auto const output = head.forward(at::tensor({6.0F, 8.0F}).view({1, 2}));
  // (6, 8) has length 10: cosines 0.6, -0.8 and (18 + 32) / (10 * 5) = 1.
  EXPECT_LT(relative_error(output.logits, at::tensor({6.0, -8.0, 10.0}).view({1, 3})), 1e-6);
  EXPECT_LT(relative_error(output.more.at("cosines"), at::tensor({0.6, -0.8, 1.0}).view({1, 3})), 1e-6);
}

TEST(CosineHead, ScoresDoNotDependOnTheLengthOfFeaturesOrWeights) {
  ParameterArena arena;
  OutputLayer const head(arena, "head", 4, 3, kCosine);
  arena.allocate();
  auto g = at::detail::createCPUGenerator(1);
  head.initialise(g);
  auto const x = at::randn({5, 4}, g, at::kFloat);
  auto const before = head.forward(x).logits.detach().clone();
  arena.value(arena.find("head.weight")).mul_(7);
  EXPECT_LT(relative_error(head.forward(x * 3).logits.detach(), before), 1e-5);
  EXPECT_EQ(arena.value(arena.find("head.scale")).item<float>(), 1) << "the scale starts at 1";
}

TEST(CosineHead, TheScaleStartsWhereItIsSetTo) {
  auto const started = [](Json const& net) {
    auto const learner = toy::learner("classifier", {{"net", net}});
    return learner->parameters().value(learner->parameters().find("head.scale")).item<float>();
  };
  EXPECT_EQ(started({{"kind", "mlp"}, {"output", "cosine"}}), 1);
  EXPECT_EQ(started({{"kind", "mlp"}, {"output", "cosine"}, {"scale", 12.5}}), 12.5F);
  EXPECT_EQ(started({{"kind", "cnn"}, {"output", "cosine"}, {"scale", 12.5}}), 12.5F);
  EXPECT_THROW(static_cast<void>(started({{"kind", "mlp"}, {"output", "cosine"}, {"scale", 0.0}})), ConfigError);
}

TEST(CosineHead, LossesOnTheCosinesLeaveTheScaleAlone) {
  ParameterArena arena;
  OutputLayer const head(arena, "head", 4, 3, kCosine);
  arena.allocate();
  auto g = at::detail::createCPUGenerator(1);
  head.initialise(g);
  auto const x = at::randn({5, 4}, g, at::kFloat).requires_grad_(true);
  Oracle const oracle(arena);
  auto const scores = oracle.head(x.detach().to(at::kDouble));
  arena.begin_gradient();
  auto const output = head.forward(x);
  (output.more.at("cosines").square().sum() + output.logits.sum()).backward();  // both uses of one pass
  arena.finish_gradient();
  auto const expected = oracle.gradient((scores / oracle.named.at("head.scale")).square().sum() + scores.sum());
  EXPECT_LT(relative_error(arena.grad(), expected), 1e-5);
}

TEST(CosineHead, RowsOfZerosScoreZeroAndStayFinite) {
  ParameterArena arena;
  OutputLayer const head(arena, "head", 2, 2, kCosine);
  arena.allocate();
  arena.value(arena.find("head.weight")).copy_(at::tensor({1.0F, 0.0F, 0.0F, 0.0F}).view({2, 2}));
  arena.value(arena.find("head.scale")).fill_(1);
  auto const x = at::tensor({1.0F, 1.0F, 0.0F, 0.0F}).view({2, 2}).requires_grad_(true);
  for (auto const reduction : {Reduction::kSum, Reduction::kSumOfSquares, Reduction::kExpectedSquares}) {
    GradientSink sink(arena, arena.new_row(), reduction);
    ParameterArena::Redirect const redirect(arena, sink);
    arena.begin_gradient();
    auto const logits = head.forward(x).logits;
    EXPECT_EQ(logits[0][1].item<float>(), 0);
    EXPECT_EQ(logits[1].abs().sum().item<float>(), 0);
    logits.sum().backward();
    arena.finish_gradient();
    EXPECT_TRUE(at::isfinite(sink.row()).all().item<bool>());
    EXPECT_EQ(sink.view(0)[1].abs().sum().item<float>(), 0);
  }
  EXPECT_TRUE(at::isfinite(x.grad()).all().item<bool>());
}

TEST(CosineHead, IsAnOptionOfEveryNetWithAHead) {
  auto const data = toy::images("toy-0", 12);
  for (auto const& [kind, hidden] : std::vector<std::pair<std::string, Json>>{{"mlp", {5}}, {"cnn", 5}}) {
    auto const learner =
        toy::learner("classifier", {{"net", {{"kind", kind}, {"output", "cosine"}, {"hidden", hidden}}}});
    auto const check = check_gradient(*learner, {data.slice(0, 12), data.labels()}, 3);
    EXPECT_LT(check.worst, 0.02) << kind << " at " << check.segment;
    EXPECT_NO_THROW(static_cast<void>(learner->parameters().find("head.scale")));
    EXPECT_THROW(static_cast<void>(learner->parameters().find("head.bias")), ConfigError);
  }
  EXPECT_THROW(static_cast<void>(toy::learner("classifier", {{"net", {{"kind", "mlp"}, {"output", "cos"}}}})),
               ConfigError);
}

}  // namespace
}  // namespace mneme
