// Conditional VAE: if these fail, its loss is not the negative ELBO of the class that it was told, or its Fisher
// information not that of single samples.
#include "mneme/learners/cvae.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/testing/gradient_check.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/core/message_of.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kLatent = 3, kClasses = 4;

at::Generator seeded(std::uint64_t seed) { return at::detail::createCPUGenerator(seed); }

std::unique_ptr<Cvae> small(std::string const& net, double beta = 1, std::string const& scale = "mean") {
  auto init = seeded(5);
  CvaeOptions const options{
      .architecture = net, .latent = kLatent, .hidden = 6, .width = 4, .beta = beta, .scale = scale};
  return std::make_unique<Cvae>(LearnerShape{{1, 8, 8}, kClasses, at::kCPU}, options, &init);
}

Batch random_batch(std::int64_t n) {
  auto g = seeded(6);
  auto const x = at::rand({n, 1, 8, 8}, g, at::kFloat);
  return {x, at::arange(n, at::kLong).remainder(kClasses)};
}

/// -ELBO [N] in double, in plain torch operations.
at::Tensor elbo(Oracle const& o, std::string const& net, Batch const& batch, at::Tensor const& epsilon, double beta) {
  auto const x = batch.x.to(at::kDouble), c = at::one_hot(batch.y(), kClasses).to(at::kDouble);
  auto const n = x.size(0);
  at::Tensor h;
  if (net == "mlp") {
    h = o.linear("encoder.fc2", o.linear("encoder.fc1", at::cat({x.flatten(1), c}, 1)).relu()).relu();
  } else {
    auto const in = at::cat({x, c.view({n, kClasses, 1, 1}).expand({n, kClasses, 8, 8})}, 1);
    h = o.conv("encoder.conv2", o.conv("encoder.conv1", in).relu()).relu().flatten(1);
  }
  auto const mu = o.linear("encoder.mu", h), logvar = o.linear("encoder.logvar", h);
  auto const z = at::cat({mu + (logvar / 2).exp() * epsilon.to(at::kDouble), c}, 1);
  at::Tensor p;
  if (net == "mlp") {
    p = o.linear("decoder.pixels", o.linear("decoder.fc2", o.linear("decoder.fc1", z).relu()).relu()).sigmoid();
  } else {
    auto const up = [&](std::string const& name, at::Tensor const& in) {
      return at::conv_transpose2d(in, o.named.at(name + ".weight"), o.named.at(name + ".bias"), 2, at::IntArrayRef{1});
    };
    p = up("decoder.conv2", up("decoder.conv1", o.linear("decoder.fc", z).view({n, 4, 2, 2})).relu())
            .sigmoid()
            .flatten(1);
  }
  auto const t = x.flatten(1);
  auto const bce = -(t * p.log() + (1 - t) * (1 - p).log()).sum(1);
  return bce - 0.5 * beta * (1 + logvar - mu.square() - logvar.exp()).sum(1);
}

TEST(Cvae, LossAndGradientEqualAFloat64OracleWithTheSameNoise) {
  auto const batch = random_batch(12);
  for (std::string const net : {"mlp", "conv"})
    for (double const beta : {1.0, 0.5})
      for (std::string const scale : {"mean", "sum"}) {
        auto const learner = small(net, beta, scale);
        auto noise = seeded(7), same = seeded(7);
        auto const row = learner->parameters().new_row();
        learner->gradient(batch, row, noise);
        auto const epsilon = draw_normal({12, kLatent}, same, at::kCPU);
        Oracle const o(learner->parameters());
        auto const each = elbo(o, net, batch, epsilon, beta);
        EXPECT_LT(relative_error(row, o.gradient(scale == "sum" ? each.sum() : each.mean())), 1e-4)
            << net << " " << beta << " " << scale;
        auto again = seeded(7);
        auto const sums = learner->measure(batch, learner->forward(batch, {}, again));
        EXPECT_NEAR(sums[0].item<double>(), elbo(o, net, batch, epsilon, 1).sum().item<double>(), 1e-2)
            << "figures are of the bound, whatever beta is";
      }
}

// Wrong: a batch's mean squared, a factor of the batch size, the transposed convolutions or the label's maps left out.
TEST(Cvae, FisherEqualsAFloat64LoopOverSingleSamples) {
  auto const all = random_batch(11);
  Dataset const data("random", all.x, all.y(), {});
  for (std::string const net : {"mlp", "conv"}) {
    auto const learner = small(net, 1, "sum");  // the scale of a batch's loss is nothing of a sample's
    auto choice = seeded(1), noise = seeded(2), same = seeded(2);
    std::vector<std::string> notes;
    auto const f = diagonal_fisher({.learner = *learner,
                                    .data = data,
                                    .options = {.labels = "sampled", .samples = 0, .batch = 4},
                                    .choice = choice,
                                    .noise = noise,
                                    .note = [&](std::string const& text) { notes.push_back(text); }});
    EXPECT_TRUE(notes.empty()) << "the fast path was not taken";
    std::vector<at::Tensor> parts;
    for (std::int64_t const n : {4, 4, 3}) parts.push_back(draw_normal({n, kLatent}, same, at::kCPU));
    auto const epsilon = at::cat(parts);
    Oracle const o(learner->parameters());
    auto expected = at::zeros({learner->parameters().size()}, at::kDouble);
    for (std::int64_t i = 0; i < 11; ++i)
      expected += o.gradient(elbo(o, net, all.rows(i, 1), epsilon.narrow(0, i, 1), 1).sum()).square() / 11;
    EXPECT_LT(relative_error(f, expected), 1e-4) << net;
  }
}

TEST(Cvae, HasTheParametersOfTheOriginals) {
  auto const count = [](CvaeOptions const& options) {
    return Cvae({{1, 28, 28}, 10, at::kCPU}, options, nullptr).parameters().size();
  };
  // 794-512-256-(8, 8) and 18-256-512-784
  EXPECT_EQ(count({}), 795 * 512 + 513 * 256 + 2 * 257 * 8 + 19 * 256 + 257 * 512 + 513 * 784);
  // 11 -> 32 -> 64 maps, 3136 -> (40, 40); 50 -> 3136, 64 -> 32 -> 1 maps
  EXPECT_EQ(count({.architecture = "conv", .latent = 40}),
            (11 * 16 + 1) * 32 + (32 * 16 + 1) * 64 + 2 * 3137 * 40 + 51 * 3136 + 64 * 16 * 32 + 32 + 32 * 16 + 1);
}

TEST(Cvae, DrawsTheClassThatItIsAskedFor) {
  for (std::string const net : {"mlp", "conv"}) {
    auto const learner = small(net);
    auto g = seeded(3);
    auto const z = at::randn({1, kLatent}, g, at::kFloat).expand({2, kLatent});
    auto const images = learner->decode(z, learner->condition(at::tensor({0, 1}, at::kLong)));
    EXPECT_EQ(images.sizes(), (std::vector<std::int64_t>{2, 1, 8, 8}));
    EXPECT_FALSE(at::allclose(images[0], images[1])) << net << ": the class does not reach the decoder";
    auto const x = random_batch(1).x.expand({2, 1, 8, 8});
    auto const codes = learner->encode(x, learner->condition(at::tensor({0, 1}, at::kLong)));
    EXPECT_FALSE(at::allclose(codes[0], codes[1])) << net << ": the class does not reach the encoder";
    auto first = seeded(9), second = seeded(9);
    auto const labels = at::tensor({2, 0, 2}, at::kLong);
    auto const expected = learner->decode(draw_normal({3, kLatent}, first, at::kCPU), learner->condition(labels));
    EXPECT_TRUE(at::equal(learner->sample_of(labels, second), expected));
  }
}

TEST(Cvae, RefusesImagesThatItsNetCannotHalve) {
  CvaeOptions const options{.architecture = "conv"};
  auto const message = message_of<ConfigError>([&] { Cvae({{1, 6, 6}, 4, at::kCPU}, options, nullptr); });
  EXPECT_NE(message.find("multiples of 4; found 1 x 6 x 6"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme
