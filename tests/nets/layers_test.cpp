// Layers and nets: if these fail, training follows a gradient that is not the loss's.
#include "mneme/nets/layers.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <map>

#include "mneme/core/errors.hpp"
#include "mneme/nets/cnn.hpp"
#include "mneme/nets/mlp.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

at::Generator generator(std::uint64_t seed = 1) { return at::detail::createCPUGenerator(seed); }

struct NetCase {
  std::string name;
  std::unique_ptr<Net> (*make)(ParameterArena&);
};

std::vector<NetCase> const kNets = {
    {"mlp",
     [](ParameterArena& arena) -> std::unique_ptr<Net> {
       return std::make_unique<Mlp>(arena, 81, Shape{7, 5}, 4);
     }},
    {"mlp, cosine",
     [](ParameterArena& arena) -> std::unique_ptr<Net> {
       return std::make_unique<Mlp>(arena, 81, Shape{7, 5}, 4, "", OutputOptions{.output = "cosine"});
     }},
    {"cnn", [](ParameterArena& arena) -> std::unique_ptr<Net> {
       return std::make_unique<Cnn>(arena, Shape{1, 9, 9}, CnnOptions{.channels1 = 3, .channels2 = 4, .hidden = 6}, 4);
     }}};

TEST(Nets, ParameterCountsAreTheStudies) {
  ParameterArena mlp, cnn;
  Mlp(mlp, 784, {256, 256}, 10);
  Cnn(cnn, {1, 28, 28}, {}, 10);
  EXPECT_EQ(mlp.size(), 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10);
  EXPECT_EQ(cnn.size(), 2'435'722);
}

/// Weights of both layers, of 3,000 and 120 numbers; uniform in +-b has the deviation b / sqrt 3.
TEST(Nets, AnMlpStartsAsItsInitSays) {
  auto const started = [](MlpOptions const& options, std::string const& prefix = "") {
    auto arena = std::make_unique<ParameterArena>();
    Mlp net(*arena, 100, options, 4, prefix);
    arena->allocate();
    arena->value().fill_(9);
    auto g = generator();
    net.initialise(g);
    return arena;
  };
  auto const of = [](ParameterArena const& arena, std::string const& name) { return arena.value(arena.find(name)); };
  auto const xavier = started({.hidden = {30}, .init = "xavier"});
  for (auto const& [name, bound] :
       std::map<std::string, double>{{"fc1.weight", std::sqrt(6.0 / 130)}, {"head.weight", std::sqrt(6.0 / 34)}}) {
    auto const weight = of(*xavier, name);
    EXPECT_LE(weight.abs().max().item<double>(), bound) << name;
    EXPECT_GT(weight.abs().max().item<double>(), 0.95 * bound) << name;
    EXPECT_NEAR(weight.std().item<double>() / bound, std::sqrt(1.0 / 3), 0.06) << name;
  }
  for (auto const* bias : {"fc1.bias", "head.bias"}) EXPECT_EQ(of(*xavier, bias).abs().max().item<float>(), 0) << bias;

  auto const torch = started({.hidden = {30}});
  EXPECT_LE(of(*torch, "fc1.weight").abs().max().item<float>(), 0.1F) << "1 / sqrt(100)";
  EXPECT_GT(of(*torch, "fc1.bias").abs().max().item<float>(), 0.05F);

  MlpOptions options{.hidden = {30}, .batch_norm = "all", .init = "xavier"};
  options.output = {.output = "cosine", .scale = 8};
  auto const inner = started(options, "in.");
  EXPECT_GT(of(*inner, "in.fc1.weight").abs().max().item<float>(), 0.15F) << "its prefix was overlooked";
  EXPECT_EQ(of(*inner, "in.head.scale").item<float>(), 8);
  EXPECT_EQ(of(*inner, "in.bn1.weight").min().item<float>(), 1) << "the factors of a normalisation are no weights";
  EXPECT_GT(of(*inner, "in.head.weight").abs().max().item<float>(), 0.35F);
}

TEST(Nets, LogitsAndGradientEqualFloat64Autograd) {
  for (auto const& net_case : kNets) {
    SCOPED_TRACE(net_case.name);
    ParameterArena arena;
    auto const net = net_case.make(arena);
    arena.allocate();
    auto g = generator();
    net->initialise(g);
    auto const x = at::randn({6, 1, 9, 9}, g, at::kFloat);
    auto const y = at::tensor({0, 1, 2, 3, 0, 1}, at::kLong);
    Oracle const oracle(arena);
    auto const expected = oracle.logits(x);
    arena.begin_gradient();
    auto const logits = net->forward(x, {}).logits;
    cross_entropy(logits, y).backward();
    arena.finish_gradient();
    EXPECT_LT(relative_error(logits.detach(), expected.detach()), 1e-5);
    EXPECT_LT(relative_error(arena.grad(), oracle.gradient(at::cross_entropy_loss(expected, y))), 1e-5);
  }
}

TEST(Nets, InputGradientEqualsAutograd) {
  for (auto const& net_case : kNets) {
    SCOPED_TRACE(net_case.name);
    ParameterArena arena;
    auto const net = net_case.make(arena);
    arena.allocate();
    auto g = generator();
    net->initialise(g);
    auto const x = at::randn({3, 1, 9, 9}, g, at::kFloat).requires_grad_(true);
    auto const x64 = x.detach().to(at::kDouble).requires_grad_(true);
    arena.begin_gradient();
    net->forward(x, {}).logits.square().sum().backward();
    Oracle(arena).logits(x64).square().sum().backward();
    EXPECT_LT(relative_error(x.grad(), x64.grad()), 1e-5);
  }
}

TEST(Nets, InitialisationIsThePyTorchDefaultAndFollowsTheGenerator) {
  ParameterArena one, two;
  Mlp a(one, 100, {50}, 10), b(two, 100, {50}, 10);
  one.allocate();
  two.allocate();
  auto first = generator(3), second = generator(3);
  a.initialise(first);
  b.initialise(second);
  EXPECT_TRUE(at::equal(one.value(), two.value()));
  double const bound = 0.1;  // 1 / sqrt(100)
  EXPECT_LE(one.value(0).abs().max().item<double>(), bound);
  EXPECT_GT(one.value(0).abs().max().item<double>(), 0.99 * bound);
  EXPECT_NEAR(one.value(0).var().item<double>(), bound * bound / 3, 2e-4);
}

TEST(Nets, GatesMultiplyTheHiddenLayer) {
  ParameterArena arena;
  Mlp net(arena, 4, {3, 3}, 2);
  arena.allocate();
  arena.value().fill_(0.5);
  Gates gates = {at::Tensor(), at::zeros({3})};
  auto const open = net.forward(at::ones({1, 4}), {}).logits;
  auto const shut = net.forward(at::ones({1, 4}), {.training = false, .gates = &gates}).logits;
  EXPECT_GT(open[0][0].item<float>(), 1);
  EXPECT_EQ(shut[0][0].item<float>(), 0.5F) << "only the head's bias passes a closed gate";
}

/// A Linear and a Conv2d that are each used twice in one pass.
class Twice {
 public:
  explicit Twice(ParameterArena& arena)
      : conv(arena, "conv", 2, 2, 3, 1, 1, Activation::kRelu), square(arena, "square", 18, 18, Activation::kRelu) {}
  [[nodiscard]] at::Tensor forward(at::Tensor const& x) const {
    auto const h = conv.forward(conv.forward(x)).flatten(1);
    return square.forward(square.forward(h));
  }
  Conv2d conv;
  Linear square;
};

TEST(Layers, UsedTwiceInOneStepEqualAutogradInFloat64) {
  ParameterArena arena;
  Twice const net(arena);
  arena.allocate();
  auto g = generator();
  net.conv.initialise(g);
  net.square.initialise(g);
  auto const x = at::randn({5, 2, 3, 3}, g, at::kFloat);
  for (int step = 0; step < 2; ++step) {  // the second step must not add to the first
    arena.begin_gradient();
    net.forward(x).square().sum().backward();
    arena.finish_gradient();
  }
  Oracle const oracle(arena);
  auto const conv = [&](at::Tensor const& h) {
    return at::conv2d(h, oracle.named.at("conv.weight"), oracle.named.at("conv.bias"), 1, 1).relu();
  };
  auto const h = conv(conv(x.to(at::kDouble))).flatten(1);
  auto const out = oracle.linear("square", oracle.linear("square", h).relu()).relu();
  EXPECT_LT(relative_error(arena.grad(), oracle.gradient(out.square().sum())), 1e-5);
}

TEST(Layers, UnusedLayerHasZeroGradient) {
  ParameterArena arena;
  Linear const used(arena, "used", 2, 2), unused(arena, "unused", 2, 2);
  arena.allocate();
  arena.grad().fill_(7);
  arena.begin_gradient();
  used.forward(at::ones({1, 2})).sum().backward();
  arena.finish_gradient();
  EXPECT_EQ(arena.grad().narrow(0, 6, 6).abs().sum().item<float>(), 0)
      << "what an earlier step left would be applied again";
  EXPECT_TRUE(at::equal(arena.grad().narrow(0, 0, 6), at::ones({6})));
}

TEST(Layers, BuildNoGraphWithoutGradients) {
  ParameterArena arena;
  Linear const layer(arena, "l", 2, 2);
  arena.allocate();
  at::NoGradGuard const no_grad;
  EXPECT_FALSE(layer.forward(at::ones({1, 2})).requires_grad());
}

TEST(CrossEntropy, EqualsTorchInValueAndGradient) {
  auto g = generator();
  auto const values = at::randn({5, 4}, g, at::kFloat) * 3;
  auto const labels = at::tensor({0, 3, 1, 1, 2}, at::kLong);
  for (bool const mean : {true, false}) {
    auto const ours = values.clone().requires_grad_(true);
    auto const theirs = values.to(at::kDouble).requires_grad_(true);
    auto const loss = cross_entropy(ours, labels, mean);
    auto const expected = at::cross_entropy_loss(theirs, labels, {}, mean ? at::Reduction::Mean : at::Reduction::Sum);
    (loss * 3).backward();  // an upstream factor must pass through
    (expected * 3).backward();
    EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
    EXPECT_LT(relative_error(ours.grad(), theirs.grad()), 1e-5);
  }
}

TEST(CrossEntropy, LargeLogitsStayFinite) {
  auto const logits = at::tensor({1e4F, -1e4F}).view({1, 2}).requires_grad_(true);
  auto const loss = cross_entropy(logits, at::tensor({1}, at::kLong));
  loss.backward();
  EXPECT_FLOAT_EQ(loss.item<float>(), 2e4F);
  EXPECT_TRUE(at::equal(logits.grad(), at::tensor({1.0F, -1.0F}).view({1, 2})));
}

TEST(NetTable, RefusesWhatDoesNotFit) {
  ParameterArena arena;
  auto const& cnn = find_row(net_table(), "net", "cnn");
  EXPECT_THROW(cnn.make(arena, {{784}, 10}, Json::object(), "net"), ConfigError);
  EXPECT_THROW(find_row(net_table(), "net", "resnet"), ConfigError);
}

}  // namespace
}  // namespace mneme
