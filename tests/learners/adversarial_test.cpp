// Parts of adversarial learners: if these fail, the gradient penalty pulls the critic elsewhere than to slope 1, or
// codes are drawn with other probabilities than the net gives.
#include "mneme/learners/adversarial.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/nets/random.hpp"

namespace mneme {
namespace {

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

double relative_error(at::Tensor const& a, at::Tensor const& b) {
  return ((a - b).norm() / b.norm().clamp_min(1e-12)).item<double>();
}

// D(x) = w.x + b has the gradient w everywhere: penalty (|w| - 1)^2, its gradient 2 (|w| - 1) w / |w|.
TEST(GradientPenalty, OfALinearCriticIsTheClosedForm) {
  for (double const scale : {0.3, 1.0, 4.0}) {
    ParameterArena arena;
    Stack critic(arena, "critic");
    critic.linear(12, 1, {});
    arena.allocate();
    auto g = seeded(1);
    auto const w = at::randn({1, 12}, g, at::kFloat);
    arena.value(0).copy_(w * (scale / w.norm()));
    arena.value(1).fill_(0.7);
    auto const x = at::rand({5, 3, 2, 2}, g, at::kFloat), y = at::rand({5, 3, 2, 2}, g, at::kFloat);
    auto const e = at::rand({5}, g, at::kFloat);
    auto const weight = at::tensor({0.1F, 0.2F, 0.3F, 0.3F, 0.1F});
    arena.begin_gradient();
    auto const result = critic_loss(critic, x, y, e, weight, 10);
    result.loss.backward();
    arena.finish_gradient();
    EXPECT_NEAR(result.penalty.item<double>(), (scale - 1) * (scale - 1), 1e-5);
    EXPECT_NEAR(result.norm.item<double>(), scale, 1e-5);
    auto const theta = arena.value(0);
    auto const difference = (weight.unsqueeze(1) * (y - x).flatten(1)).sum(0, true);
    EXPECT_NEAR(result.loss.item<double>(), (difference * theta).sum().item<double>() + 10 * (scale - 1) * (scale - 1),
                1e-4);
    EXPECT_NEAR(result.distance.item<double>(), -(difference * theta).sum().item<double>(), 1e-5);
    auto const expected = difference + 10 * 2 * (scale - 1) * theta / scale;
    auto const found = arena.segment(0).of(arena.grad());
    EXPECT_LT(relative_error(found, expected), 1e-4) << scale;
    EXPECT_LT(arena.segment(1).of(arena.grad()).abs().max().item<double>(), 1e-6) << "a bias moves no slope";
  }
}

// The oracle is torch's gradient of the gradient, written out for the same critic in double.
TEST(GradientPenalty, OfAConvolutionalCriticEqualsTorchsSecondDerivative) {
  ParameterArena arena;
  Stack critic(arena, "critic");
  critic.conv(2, 3, 4, 2, 1, {.act = Stack::Act::kLeaky})
      .conv(3, 5, 4, 2, 1, {.act = Stack::Act::kLeaky})
      .linear(20, 6, {.act = Stack::Act::kLeaky})
      .linear(6, 1, {});
  arena.allocate();
  auto g = seeded(2);
  critic.initialise(g);
  arena.value().mul_(3);  // norms on both sides of 1
  auto const x = at::rand({7, 2, 8, 8}, g, at::kFloat), y = at::rand({7, 2, 8, 8}, g, at::kFloat);
  auto const e = at::rand({7}, g, at::kFloat);
  auto const w = at::full({7}, 1.0 / 7, at::kFloat);
  arena.begin_gradient();
  auto const result = critic_loss(critic, x, y, e, w, 10);
  result.loss.backward();
  arena.finish_gradient();

  std::vector<at::Tensor> p;
  for (int i = 0; i < 8; ++i) p.push_back(arena.value(i).to(at::kDouble).clone().requires_grad_(true));
  auto const score = [&](at::Tensor const& in) {
    auto h = at::leaky_relu(at::conv2d(in, p[0], p[1], 2, at::IntArrayRef{1}), 0.2);
    h = at::leaky_relu(at::conv2d(h, p[2], p[3], 2, at::IntArrayRef{1}), 0.2);
    h = at::leaky_relu(at::linear(h.flatten(1), p[4], p[5]), 0.2);
    return at::linear(h, p[6], p[7]).squeeze(1);
  };
  auto const real = x.to(at::kDouble), made = y.to(at::kDouble), share = e.to(at::kDouble).view({7, 1, 1, 1});
  auto const mixed = (share * real + (1 - share) * made).requires_grad_(true);
  auto const slope = torch::autograd::grad({score(mixed).sum()}, {mixed}, {}, true, true).front();
  auto const penalty = (slope.flatten(1).norm(2, 1) - 1).square().mean();
  auto const loss = score(made).mean() - score(real).mean() + 10 * penalty;
  EXPECT_NEAR(result.loss.item<double>(), loss.item<double>(), 1e-4);
  EXPECT_NEAR(result.penalty.item<double>(), penalty.item<double>(), 1e-5);
  auto const expected = torch::autograd::grad({loss}, p, {}, false, false, true);
  for (int i = 0; i < 8; ++i) {
    auto const found = arena.segment(i).of(arena.grad()).to(at::kDouble);
    EXPECT_LT((found - expected[static_cast<std::size_t>(i)]).norm().item<double>(),
              1e-4 * (1e-3 + expected[static_cast<std::size_t>(i)].norm().item<double>()))
        << arena.segment(i).name;
  }
}

/// What the critic of the next test is, in double: normalised over a sample, or over the batch.
at::Tensor normalised_score(std::vector<at::Tensor> const& p, at::Tensor const& x, Stack::Norm norm) {
  auto const normal = [&](at::Tensor const& h, at::Tensor const& scale, at::Tensor const& shift) {
    std::vector<std::int64_t> over, channel(static_cast<std::size_t>(h.dim()), 1);
    channel[1] = -1;
    for (std::int64_t d = 0; d < h.dim(); ++d)
      if (norm == Stack::Norm::kLayer ? d > 0 : d != 1) over.push_back(d);
    auto const centred = h - h.mean(over, true);
    return centred / (centred.square().mean(over, true) + 1e-5).sqrt() * scale.view(channel) + shift.view(channel);
  };
  auto h = at::leaky_relu(at::conv2d(x, p[0], p[1], 2, at::IntArrayRef{1}), 0.2);
  h = at::leaky_relu(normal(at::conv2d(h, p[2], {}, 2, at::IntArrayRef{1}), p[3], p[4]), 0.2);
  h = at::leaky_relu(normal(at::linear(h.flatten(1), p[5]), p[6], p[7]), 0.2);
  return at::linear(h, p[8], p[9]).squeeze(1);
}

// A critic that normalises is not piecewise linear: its penalty has second derivatives that held slopes do not give.
TEST(GradientPenalty, OfACriticThatNormalisesEqualsTorchsSecondDerivative) {
  for (auto const norm : {Stack::Norm::kLayer, Stack::Norm::kBatch}) {
    ParameterArena arena;
    Stack critic(arena, "critic");
    critic.conv(1, 3, 4, 2, 1, {.act = Stack::Act::kLeaky})
        .conv(3, 5, 4, 2, 1, {.norm = norm, .act = Stack::Act::kLeaky})
        .linear(20, 6, {.norm = norm, .act = Stack::Act::kLeaky})
        .linear(6, 1, {});
    arena.allocate();
    auto g = seeded(3);
    critic.initialise(g);
    arena.value().add_(at::randn(arena.value().sizes(), g, at::kFloat).mul_(0.1));
    auto const x = at::rand({5, 1, 8, 8}, g, at::kFloat), y = at::rand({5, 1, 8, 8}, g, at::kFloat);
    auto const e = at::rand({5}, g, at::kFloat);
    arena.begin_gradient();
    auto const result = critic_loss(critic, x, y, e, at::full({5}, 0.2, at::kFloat), 10);
    result.loss.backward();
    arena.finish_gradient();

    std::vector<at::Tensor> p;
    for (int i = 0; i < 10; ++i) p.push_back(arena.value(i).to(at::kDouble).clone().requires_grad_(true));
    auto const real = x.to(at::kDouble), made = y.to(at::kDouble), share = e.to(at::kDouble).view({5, 1, 1, 1});
    auto const distance = normalised_score(p, real, norm).mean() - normalised_score(p, made, norm).mean();
    auto const mixed = (share * real + (1 - share) * made).requires_grad_(true);
    auto const slope = torch::autograd::grad({normalised_score(p, mixed, norm).sum()}, {mixed}, {}, true, true).front();
    auto const penalty = (slope.flatten(1).norm(2, 1) - 1).square().mean();
    auto const loss = 10 * penalty - distance;
    EXPECT_NEAR(result.loss.item<double>(), loss.item<double>(), 1e-4);
    EXPECT_NEAR(result.penalty.item<double>(), penalty.item<double>(), 1e-5);
    auto const expected = torch::autograd::grad({loss}, p, {}, false, false, true);
    for (int i = 0; i < 10; ++i) {
      auto const found = arena.segment(i).of(arena.grad()).to(at::kDouble);
      auto const& right = expected[static_cast<std::size_t>(i)];
      EXPECT_LT((found - right).norm().item<double>(), 1e-3 * (1e-3 + right.norm().item<double>()))
          << arena.segment(i).name;
    }
  }
}

TEST(GradientPenalty, AGradientOfZeroHasNoDirection) {
  auto const p = gradient_penalty(at::zeros({2, 1, 2, 2}));
  EXPECT_TRUE(at::equal(p.value, at::ones({2})));
  EXPECT_TRUE(at::equal(p.direction, at::zeros({2, 1, 2, 2})));
}

TEST(GumbelSoftmax, ItsArgmaxHasTheProbabilitiesOfTheSoftmaxAtEveryTemperature) {
  auto const p = at::tensor({0.5F, 0.3F, 0.15F, 0.05F});
  constexpr std::int64_t kDraws = 40000;
  for (double const temperature : {0.2, 0.5, 2.0}) {
    auto noise = seeded(3);
    auto const y = gumbel_softmax(p.log().expand({kDraws, 4}), temperature, noise);
    EXPECT_TRUE(at::allclose(y.sum(1), at::ones({kDraws})));
    auto const share = at::bincount(y.argmax(1), {}, 4).to(at::kDouble) / static_cast<double>(kDraws);
    for (std::int64_t c = 0; c < 4; ++c) {
      auto const expected = p[c].item<double>();
      EXPECT_NEAR(share[c].item<double>(), expected, 4 * std::sqrt(expected * (1 - expected) / kDraws)) << temperature;
    }
    auto const sharpness = std::get<0>(y.max(1)).mean().item<double>();
    if (temperature == 0.2) {
      EXPECT_GT(sharpness, 0.9);
    }
    if (temperature == 2.0) {
      EXPECT_LT(sharpness, 0.7);
    }
  }
}

TEST(UniformKl, IsLogCLessTheEntropyAndLeavesOutOutputsThatDoNotTakePart) {
  auto const p = at::tensor({0.7, 0.2, 0.1}, at::kDouble);
  auto const expected = std::log(3) + 0.7 * std::log(0.7) + 0.2 * std::log(0.2) + 0.1 * std::log(0.1);
  EXPECT_NEAR(uniform_kl(p.log().unsqueeze(0)).item<double>(), expected, 1e-12);
  EXPECT_NEAR(uniform_kl(at::zeros({1, 5})).item<double>(), 0, 1e-6);
  auto logits = at::cat({p.log(), at::full({1}, -INFINITY, at::kDouble)}).unsqueeze(0).requires_grad_(true);
  auto const kl = uniform_kl(logits);
  EXPECT_NEAR(kl.item<double>(), expected, 1e-12);
  auto const gradient = torch::autograd::grad({kl.sum()}, {logits}).front();
  EXPECT_TRUE(at::isfinite(gradient).all().item<bool>());
  EXPECT_EQ(gradient[0][3].item<double>(), 0);
  EXPECT_NEAR(uniform_kl(logits.detach().clamp_min(kAbsent)).item<double>(), expected, 1e-12);
}

}  // namespace
}  // namespace mneme
