// Transposed convolution: if these fail, a convolutional decoder follows a gradient that is not the loss's, or its
// importance is not that of single samples.
#include "mneme/nets/conv_transpose.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

/// Two layers, ReLU between, on maps of 3 x 2: strides, paddings and kernels differ, so that none may stand for
/// another.
struct Decoder {
  explicit Decoder(std::uint64_t seed)
      : first(arena, "first", 3, 4, 4, 2, 1, Activation::kRelu), second(arena, "second", 4, 2, 3, 1, 0) {
    arena.allocate();
    auto g = at::detail::createCPUGenerator(seed);
    first.initialise(g);
    second.initialise(g);
    x = at::randn({5, 3, 3, 2}, g, at::kFloat);
  }
  [[nodiscard]] at::Tensor forward(at::Tensor const& in) const { return second.forward(first.forward(in)); }
  static at::Tensor forward(Oracle const& o, at::Tensor const& in) {
    auto const h =
        at::conv_transpose2d(in, o.named.at("first.weight"), o.named.at("first.bias"), 2, at::IntArrayRef{1}).relu();
    return at::conv_transpose2d(h, o.named.at("second.weight"), o.named.at("second.bias"));
  }
  /// A loss that is not the same for all outputs.
  static at::Tensor loss(at::Tensor const& y) {
    return (y * at::arange(y.numel() / y.size(0)).view(y[0].sizes())).sin().sum();
  }

  ParameterArena arena;
  ConvTranspose2d first, second;
  at::Tensor x;
};

TEST(ConvTranspose2d, ValuesAndGradientsEqualFloat64Autograd) {
  Decoder net(1);
  Oracle const oracle(net.arena);
  auto const x = net.x.clone().requires_grad_(true);
  auto const x64 = net.x.to(at::kDouble).requires_grad_(true);
  auto const expected = Decoder::forward(oracle, x64);
  for (int step = 0; step < 2; ++step) {  // the second must not add to the first
    net.arena.begin_gradient();
    auto const y = net.forward(x);
    EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{5, 2, 8, 6}));
    EXPECT_LT(relative_error(y.detach(), expected.detach()), 1e-5);
    Decoder::loss(y).backward();
    net.arena.finish_gradient();
  }
  EXPECT_LT(relative_error(net.arena.grad(), oracle.gradient(Decoder::loss(expected))), 1e-4);
  Decoder::loss(expected).backward();
  EXPECT_LT(relative_error(x.grad(), x64.grad() * 2), 1e-4);
}

// Wrong: rows and columns of the per-sample product swapped, the square taken after the sum over samples.
TEST(ConvTranspose2d, PowersAndProductsAreThoseOfSingleSamples) {
  Decoder net(2);
  Oracle const oracle(net.arena);
  std::vector<at::Tensor> each;
  for (std::int64_t i = 0; i < 5; ++i)
    each.push_back(oracle.gradient(Decoder::loss(Decoder::forward(oracle, net.x.narrow(0, i, 1).to(at::kDouble)))));
  auto const g = at::stack(each);
  auto const reduced = [&](Reduction reduction) {
    auto const row = net.arena.new_row();
    GradientSink sink(net.arena, row, reduction);
    ParameterArena::Redirect const redirect(net.arena, sink);
    net.arena.begin_gradient();
    Decoder::loss(net.forward(net.x.clone().requires_grad_(true))).backward();
    net.arena.finish_gradient();
    return reduction == Reduction::kProducts ? sink.products : row;
  };
  EXPECT_LT(relative_error(reduced(Reduction::kSumOfSquares), g.square().sum(0)), 1e-4);
  EXPECT_LT(relative_error(reduced(Reduction::kSumOfAbsolutes), g.abs().sum(0)), 1e-4);
  EXPECT_LT(relative_error(reduced(Reduction::kProducts), at::mm(g, g.t())), 1e-4);
}

TEST(ConvTranspose2d, BeginsAsThePyTorchLayer) {
  ParameterArena arena;
  ConvTranspose2d const layer(arena, "l", 50, 2, 5, 1, 0);
  arena.allocate();
  auto g = at::detail::createCPUGenerator(3);
  layer.initialise(g);
  double const bound = 1 / std::sqrt(50.0);  // fan-in is counted over the outputs: 2 * 5 * 5
  EXPECT_LE(arena.value().abs().max().item<double>(), bound);
  EXPECT_GT(arena.value().abs().max().item<double>(), 0.99 * bound);
}

}  // namespace
}  // namespace mneme
