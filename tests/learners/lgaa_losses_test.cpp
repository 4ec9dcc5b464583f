// The losses of the lifelong generative adversarial autoencoder against their formulas: if these fail, a term has
// another sign, weight or sample than lgaa.hpp says, in a mode or under an option that no other test trains with.
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <utility>

#include "mneme/learners/adversarial.hpp"
#include "mneme/learners/lgaa.hpp"
#include "tests/learners/lgaa_support.hpp"

namespace mneme {
namespace {

using namespace test;  // lgaa_support.hpp

/// Without what makes a pass depend on more than its rows: normalisation and dropout.
LgaaOptions plain_nets() {
  LgaaOptions options;
  options.net.norm = false;
  options.net.dropout = 0;
  return options;
}

/// Its classifiers are far from even odds, or no divergence from them could be told from none.
std::unique_ptr<Lgaa> with_opinions(LgaaOptions const& options) {
  auto learner = small(options);
  auto const& arena = learner->parameters();
  for (auto const& segment : arena.segments())
    if (segment.name.starts_with("category.") || segment.name.starts_with("domain.")) segment.of(arena.value()).mul_(4);
  return learner;
}

/// Rows that do not weigh the same.
Batch weighted_batch(at::Tensor const& labels) {
  auto batch = random_batch(labels);
  batch.weight = at::tensor({3.0F, 1.0F, 1.0F, 0.5F, 2.0F, 1.0F});
  return batch;
}

at::Tensor entropy(at::Tensor const& logits, at::Tensor const& answer) {
  return at::log_softmax(logits, 1).gather(1, answer.unsqueeze(1)).squeeze(1).neg();
}

/// KL from the uniform distribution over all outputs: log C - H.
at::Tensor kl_to_uniform(at::Tensor const& logits) {
  auto const p = at::softmax(logits, 1);
  return (p * p.log()).sum(1) + std::log(static_cast<double>(logits.size(1)));
}

/// The loss of a phase, its noise from seed 7.
double loss_of(Lgaa& learner, std::size_t phase, Batch const& batch) {
  at::AutoGradMode const grad(true);
  auto noise = seeded(7);
  learner.parameters().begin_gradient();
  auto const output = learner.forward(batch, {.training = true, .gates = nullptr}, noise);
  return learner.loss(learner.phases()[phase], batch, output).item<double>();
}

/// What the terms of a batch are made of, with the noise that a phase draws.
struct Hand {
  Lgaa& learner;
  Batch const& batch;
  at::Generator noise = seeded(7);
  Pass pass = {};
  at::Tensor w = row_weights(batch);
  at::Tensor y = batch.y().clamp_min(0);
  at::Tensor u = learner.category_code(y), a = learner.domain_code(batch.task());

  [[nodiscard]] LgaaNet const& net() const { return learner.net(); }
  [[nodiscard]] double mean(at::Tensor const& each) const { return w.dot(each).item<double>(); }
  at::Tensor normal() { return draw_normal({batch.size(), 3}, noise, at::kCPU); }
  /// The posterior of the batch, and a sample of it.
  std::pair<LgaaNet::Gaussian, at::Tensor> encoded() {
    auto code = net().encode(batch.x, pass);
    auto z = code.mu + (code.logvar * 0.5).exp() * normal();
    return {std::move(code), std::move(z)};
  }
  [[nodiscard]] at::Tensor category() const { return net().category.forward(batch.x, pass); }
  [[nodiscard]] at::Tensor domain() const { return net().domains(batch.x, {}, pass); }
  [[nodiscard]] double error(at::Tensor const& z, at::Tensor const& as_u, at::Tensor const& as_a) const {
    return mean((net().generate(z, as_u, as_a, pass) - batch.x).square().flatten(1).sum(1));
  }
  [[nodiscard]] double kl(LgaaNet::Gaussian const& code) const {
    return mean(0.5 * (code.mu.square() + code.logvar.exp() - 1 - code.logvar).sum(1));
  }
};

TEST(LgaaLosses, OfTheCritic) {
  auto options = plain_nets();
  options.penalty = 3;
  auto const learner = with_opinions(options);
  auto const batch = weighted_batch(some_labels());
  Hand hand{*learner, batch};
  at::Tensor y;
  {
    at::NoGradGuard const no_grad;
    y = hand.net().generate(hand.normal(), hand.u, hand.a, hand.pass);
  }
  auto const e = at::empty({6}, at::kFloat).uniform_(0, 1, hand.noise).view({6, 1, 1, 1});
  auto const between = (e * batch.x + (1 - e) * y).requires_grad_();
  auto const slope =
      torch::autograd::grad({hand.net().critic.forward(between, hand.pass).sum()}, {between}).front().flatten(1);
  auto const score = [&](at::Tensor const& x) { return hand.net().critic.forward(x, hand.pass).squeeze(1).detach(); };
  auto const expected = hand.mean(score(y) - score(batch.x) + 3 * (slope.norm(2, {1}) - 1).square());
  EXPECT_NEAR(loss_of(*learner, 0, batch), expected, 1e-4);
}

TEST(LgaaLosses, OfTheGenerator) {
  auto options = plain_nets();
  options.regression = 2;
  auto const learner = with_opinions(options);
  auto const batch = weighted_batch(some_labels());
  at::NoGradGuard const no_grad;
  Hand hand{*learner, batch};
  auto const drawn = hand.net().generate(hand.normal(), hand.u, hand.a, hand.pass);
  auto const codes = entropy(hand.net().category.forward(drawn, hand.pass), batch.y()) +
                     entropy(hand.net().domains(drawn, {}, hand.pass), batch.task());
  auto const expected = hand.mean(2 * codes - hand.net().critic.forward(drawn, hand.pass).squeeze(1));
  EXPECT_NEAR(loss_of(*learner, 1, batch), expected, 1e-4);
}

TEST(LgaaLosses, OfTheInferenceFromKnownCodes) {
  auto options = plain_nets();
  options.kl = 0.5;
  options.category = 3;
  options.domain = 0.25;
  auto const learner = with_opinions(options);
  auto const batch = weighted_batch(some_labels());
  at::NoGradGuard const no_grad;
  Hand hand{*learner, batch};
  auto const [code, z] = hand.encoded();
  auto const expected =
      hand.error(z, hand.u, hand.a) + 0.5 * hand.kl(code) +
      hand.mean(3 * entropy(hand.category(), batch.y()) + 0.25 * entropy(hand.domain(), batch.task()));
  EXPECT_NEAR(loss_of(*learner, 2, batch), expected, 1e-3);
  EXPECT_FALSE(learner->loss_parts(batch, {}).contains("kl_category")) << "is no part of this loss";
}

TEST(LgaaLosses, OfTheInferenceFromInferredCodesWithAllDivergencesAndDreams) {
  auto options = plain_nets();
  options.codes = "inferred";
  options.kl_known = true;
  options.kl_category = 0.7;
  options.kl_domain = 0.3;
  options.dreaming = 0.4;
  auto const learner = with_opinions(options);
  auto const batch = weighted_batch(some_labels());
  at::NoGradGuard const no_grad;
  Hand hand{*learner, batch};
  auto const [code, z] = hand.encoded();
  auto const u = hand.category(), a = hand.domain();
  auto const as_u = gumbel_softmax(u, options.temperature, hand.noise);
  auto const as_a = gumbel_softmax(a, options.temperature, hand.noise);
  auto const own =
      hand.error(z, as_u, as_a) + hand.kl(code) +
      hand.mean(0.7 * kl_to_uniform(u) + 0.3 * kl_to_uniform(a) + entropy(u, batch.y()) + entropy(a, batch.task()));
  auto const dreamt = hand.normal();
  auto const x = hand.net().generate(dreamt, hand.u, hand.a, hand.pass);
  auto const seen = hand.net().encode(x, hand.pass);
  auto const regression = (0.5 * ((dreamt - seen.mu).square() / seen.logvar.exp() + seen.logvar)).sum(1) +
                          entropy(hand.net().category.forward(x, hand.pass), batch.y()) +
                          entropy(hand.net().domains(x, {}, hand.pass), batch.task());
  EXPECT_NEAR(loss_of(*learner, 2, batch), own + 0.4 * hand.mean(regression), 1e-3);
}

// Without a label a row's category is what q(u|x) says, and held to the uniform distribution; the labelled stand for
// all in the cross-entropy, and whatever stands in the place of a label that there is not is not read.
TEST(LgaaLosses, OfTheInferenceWithFewLabels) {
  auto options = plain_nets();
  options.mode = "semi-supervised";
  options.kl_category = 0.7;
  auto const learner = with_opinions(options);
  auto const batch = weighted_batch(at::tensor({0, -1, 2, -1, -1, -1}, at::kLong));
  at::NoGradGuard const no_grad;
  Hand hand{*learner, batch};
  auto const labelled = batch.y().ge(0);
  auto const [code, z] = hand.encoded();
  auto const u = hand.category();
  auto const as_u = at::where(labelled.unsqueeze(1), hand.u, gumbel_softmax(u, options.temperature, hand.noise));
  auto const share = hand.w * labelled / hand.w.masked_select(labelled).sum();
  auto const expected =
      hand.error(z, as_u, hand.a) + hand.kl(code) + share.dot(entropy(u, hand.y)).item<double>() +
      hand.mean(0.7 * kl_to_uniform(u) * labelled.logical_not() + entropy(hand.domain(), batch.task()));
  EXPECT_NEAR(loss_of(*learner, 2, batch), expected, 1e-3);
}

// Wrong: beside as many replayed rows, all of which have labels, the few labels of a new task count next to nothing.
TEST(LgaaLosses, TheLabelledRowsOfAPartStandForItAll) {
  auto options = plain_nets();
  options.mode = "semi-supervised";
  auto const learner = with_opinions(options);
  auto const fresh = random_batch(at::tensor({0, -1, 2, -1, -1, -1}, at::kLong));
  auto const replayed = random_batch(at::tensor({1, 3, 0}, at::kLong), 0);
  auto const both = fresh.joined(replayed);
  static_cast<void>(gradient(*learner, 2, both));
  at::NoGradGuard const no_grad;
  auto const mean = [&](Batch const& batch, std::vector<std::int64_t> const& rows) {
    auto const index = at::tensor(rows, at::kLong);
    auto const logits = learner->net().category.forward(batch.x.index_select(0, index), {});
    return entropy(logits, batch.y().index_select(0, index)).mean().item<double>();
  };
  auto const expected = (6 * mean(fresh, {0, 2}) + 3 * mean(replayed, {0, 1, 2})) / 9;
  EXPECT_NEAR(learner->loss_parts(both, {}).at("category").item<double>(), expected, 1e-5);
}

}  // namespace
}  // namespace mneme
