// The generative classifier: if these fail, a class is not scored by the likelihood that its own net gives, or learning
// one class disturbs another.
#include "mneme/learners/generative_classifier.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/testing/gradient_check.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

Batch toy_batch(std::int64_t n = 12) {
  auto const data = toy::images("toy-0", n);
  return {data.slice(0, n), data.labels()};
}

at::Tensor scores(Learner& learner, at::Tensor const& x) {
  at::NoGradGuard const no_grad;
  auto noise = RandomStreams(0).fresh("noise");
  Batch const unlabelled(x, {});
  return learner.forward(unlabelled, {}, noise).logits;
}

double log_sigmoid(double z) { return -std::log1p(std::exp(-z)); }

/// Two classes, one pixel, all parameters 0.
GenerativeClassifier tiny(std::int64_t samples = 1) {
  return {{.input = {1}, .classes = 2}, {.vae = {.hidden = 1, .latent = 1, .layers = 1}, .samples = samples}, nullptr};
}

void set(Learner& learner, std::string const& name, double value) {
  auto& arena = learner.parameters();
  arena.value(arena.find(name)).fill_(value);
}

TEST(GenerativeClassifier, ScoresAreLogLikelihoodsOfTheDecoder) {
  auto learner = tiny();
  set(learner, "class1.decoder.pixels.bias", 2);
  auto const s = scores(learner, at::tensor({1.0F, 0.25F}).view({2, 1}));
  EXPECT_NEAR(s[0][0].item<double>(), -std::log(2.0), 1e-6);
  EXPECT_NEAR(s[0][1].item<double>(), log_sigmoid(2), 1e-6);
  EXPECT_NEAR(s[1][1].item<double>(), 0.25 * log_sigmoid(2) + 0.75 * log_sigmoid(-2), 1e-6);
}

TEST(GenerativeClassifier, CodesThatThePriorDoesNotExpectCount) {
  auto at_mean = tiny(), sampled = tiny(4000);
  for (auto* learner : {&at_mean, &sampled}) {
    set(*learner, "class0.encoder.mu.bias", 0.5);
    set(*learner, "class0.encoder.logvar.bias", std::log(0.64));
  }
  auto const x = at::ones({1, 1});
  // log p(x|z) = -log 2 whatever z is; log p(mu) - log q(mu|x) = -mu^2/2 + log sigma
  EXPECT_NEAR(scores(at_mean, x)[0][0].item<double>(), -std::log(2.0) - 0.125 + std::log(0.8), 1e-6);
  EXPECT_NEAR(scores(sampled, x)[0][0].item<double>(), -std::log(2.0), 0.05) << "the weights' mean is 1: p(x) = 1/2";
}

TEST(GenerativeClassifier, ScoresDoNotDependOnTheRestOfTheBatch) {
  auto const learner = toy::learner("generative-classifier", {{"samples", 3}});
  auto const x = toy_batch(12).x;
  auto const together = scores(*learner, x);
  for (std::int64_t i = 0; i < 12; ++i)
    EXPECT_TRUE(at::allclose(together.narrow(0, i, 1), scores(*learner, x.narrow(0, i, 1)), 1e-5, 1e-5)) << i;
}

TEST(GenerativeClassifier, LossIsTheElboOfTheOwnClassWithItsOwnNoise) {
  auto const learner = toy::learner("generative-classifier", {{"layers", 1}});
  auto const batch = toy_batch();
  auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise");
  auto const row = learner->parameters().new_row();
  learner->gradient(batch, row, noise);
  auto const epsilon = at::empty({12, 2}).normal_(0, 1, same).to(at::kDouble);
  Oracle const o(learner->parameters());
  auto const x = batch.x.flatten(1).to(at::kDouble);
  auto sum = at::zeros({}, at::kDouble);
  for (std::int64_t i = 0; i < 12; ++i) {
    auto const net = "class" + std::to_string(i % 4) + ".";
    auto const xi = x.narrow(0, i, 1);
    auto const h = o.linear(net + "encoder.fc1", xi).relu();
    auto const mu = o.linear(net + "encoder.mu", h), logvar = o.linear(net + "encoder.logvar", h);
    auto const z = mu + (logvar / 2).exp() * epsilon.narrow(0, i, 1);
    auto const p = o.linear(net + "decoder.pixels", o.linear(net + "decoder.fc1", z).relu()).sigmoid();
    sum = sum - (xi * p.log() + (1 - xi) * (1 - p).log()).sum() - 0.5 * (1 + logvar - mu.square() - logvar.exp()).sum();
  }
  EXPECT_LT(relative_error(row, o.gradient(sum / 12)), 1e-5);
}

TEST(GenerativeClassifier, WhatIsLearntOfAClassStaysWhileOthersAreLearnt) {
  test::Rig rig({}, RunRecipe::toy().train, "generative-classifier");
  auto const stream = toy::split_stream(false);
  rig.trainer.learn(*stream.tasks()[0]);
  auto const before = rig.theta().clone();
  rig.trainer.learn(*stream.tasks()[1]);
  auto const half = rig.theta().size(0) / 2;  // classes 0 and 1, then 2 and 3
  EXPECT_TRUE(at::equal(rig.theta().narrow(0, 0, half), before.narrow(0, 0, half)));
  EXPECT_FALSE(at::equal(rig.theta().narrow(0, half, half), before.narrow(0, half, half)));
}

TEST(GenerativeClassifier, TellsAllClassesApartAfterClassIncrementalLearning) {
  auto options = RunRecipe::toy().train;
  options.epochs = 30;
  test::Rig rig({}, options, "generative-classifier");
  rig.trainer.run(toy::split_stream(false));
  for (auto const& value : rig.trainer.matrix().values.back()) EXPECT_GT(*value, 0.9);
}

}  // namespace
}  // namespace mneme
