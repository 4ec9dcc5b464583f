// CoPE: if these fail, prototypes move otherwise than the equation says, or samples are not drawn to them by its loss.
#include "mneme/strategies/cope.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

at::Tensor labels_of(std::vector<std::int64_t> const& labels) { return at::tensor(labels, at::kLong); }

/// Prototypes with given values, by way of their state.
Prototypes prototypes(at::Tensor const& value, std::vector<int> const& seen) {
  Archive saved({{"value", value}, {"seen", at::tensor(seen).to(at::kBool)}}, {{"value", true}, {"seen", true}},
                "test");
  Prototypes made;
  made.state(saved);
  return made;
}

TEST(PppLoss, OfTwoSamplesOnTheirPrototypesIsHandComputed) {
  auto const f = at::eye(2);
  // Each sample alone in its class: drawn to its prototype with e / (e + 1), pushed from the other's sample and
  // prototype with 1 - 1 / (1 + e), the same number. Four times the logarithm, divided by two samples.
  auto const loss = ppp_loss(f, labels_of({0, 1}), prototypes(at::eye(2), {1, 1}), 1.0);
  EXPECT_NEAR(loss.item<double>(), 2 * std::log(1 + std::exp(-1.0)), 1e-6);
}

TEST(PppLoss, ClassesThatWereNotSeenTakeNoPart) {
  auto const f = at::eye(3).narrow(0, 0, 2);
  auto const two = ppp_loss(f, labels_of({0, 1}), prototypes(at::eye(3), {1, 1, 0}), 1.0).item<double>();
  auto const three = ppp_loss(f, labels_of({0, 1}), prototypes(at::eye(3), {1, 1, 1}), 1.0).item<double>();
  EXPECT_NEAR(two, 2 * std::log(1 + std::exp(-1.0)), 1e-6);
  EXPECT_GT(three, two);
}

TEST(PppLoss, OfOneClassAloneIsZero) {
  auto const f = at::eye(2).requires_grad_();
  auto const loss = ppp_loss(f, labels_of({0, 0}), prototypes(at::eye(2), {1, 0}), 0.1);
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(f.grad().abs().max().item<double>(), 0);
}

/// The equation, one term after the other.
at::Tensor written_out(at::Tensor const& f, std::vector<std::int64_t> const& y, at::Tensor const& p, double t) {
  auto const n = static_cast<std::int64_t>(y.size());
  auto const label = [&](std::int64_t i) { return y[static_cast<std::size_t>(i)]; };
  auto const others = [&](std::int64_t c, at::Tensor const& sample) {
    auto sum = at::zeros({}, f.options());
    for (std::int64_t k = 0; k < p.size(0); ++k)
      if (k != c) sum = sum + (sample.dot(p[k]) / t).exp();
    return sum;
  };
  auto const probability = [&](std::int64_t c, at::Tensor const& sample, at::Tensor const& q) {
    auto const own = (sample.dot(q) / t).exp();
    return own / (own + others(c, sample));
  };
  auto const complement = [&](std::int64_t c, at::Tensor const& sample, at::Tensor const& q) {  // 1 - P, all its digits
    return others(c, sample) / ((sample.dot(q) / t).exp() + others(c, sample));
  };
  auto total = at::zeros({}, f.options());
  for (std::int64_t i = 0; i < n; ++i) {
    auto const c = label(i);
    auto mean = probability(c, f[i], p[c]);
    double terms = 1;
    for (std::int64_t j = 0; j < n; ++j)
      if (j != i && label(j) == c) {
        mean = mean + probability(c, f[i], f[j].detach());
        ++terms;
      }
    total = total + (mean / terms).log();
    for (std::int64_t j = 0; j < n; ++j)
      if (label(j) != c) total = total + ((complement(c, f[j], f[i].detach()) + complement(c, f[j], p[c])) / 2).log();
  }
  return -total / static_cast<double>(n);
}

TEST(PppLoss, AndItsGradientAreTheEquationWrittenOut) {
  at::manual_seed(5);
  std::vector<std::int64_t> const y = {0, 2, 2, 1, 0, 2, 3};
  auto const unit = [](at::Tensor const& x) { return x / x.norm(2, {1}, true); };
  auto const p = unit(at::randn({4, 6}, at::kDouble));
  auto const start = unit(at::randn({7, 6}, at::kDouble));
  auto const a = start.clone().requires_grad_(), b = start.clone().requires_grad_();
  auto const ours = ppp_loss(a, labels_of(y), prototypes(p, {1, 1, 1, 1}), 0.3);
  auto const expected = written_out(b, y, p, 0.3);
  ours.backward();
  expected.backward();
  EXPECT_NEAR(ours.item<double>(), expected.item<double>(), 1e-10);
  EXPECT_LT(relative_error(a.grad(), b.grad()), 1e-10);
}

/// e^{1/T} is above the largest float for T below 0.0113: the loss and its gradient stay those of the equation.
TEST(PppLoss, IsTheEquationAtSmallTemperaturesTooAndAlwaysFinite) {
  at::manual_seed(5);
  std::vector<std::int64_t> const y = {0, 2, 2, 1, 0, 2, 3};
  auto const unit = [](at::Tensor const& x) { return x / x.norm(2, {1}, true); };
  auto const p = unit(at::randn({4, 6}, at::kDouble)), start = unit(at::randn({7, 6}, at::kDouble));
  auto const loss_and_gradient = [&](double temperature) {
    auto const f = start.to(at::kFloat).requires_grad_();
    auto const loss = ppp_loss(f, labels_of(y), prototypes(p.to(at::kFloat), {1, 1, 1, 1}), temperature);
    loss.backward();
    return std::pair{loss.item<double>(), f.grad().clone()};
  };
  auto const f = start.clone().requires_grad_();
  auto const expected = written_out(f, y, p, 0.008);
  expected.backward();
  auto const [loss, gradient] = loss_and_gradient(0.008);
  EXPECT_NEAR(loss / expected.item<double>(), 1, 1e-5);
  EXPECT_LT(relative_error(gradient, f.grad()), 1e-4);
  for (double const t : {1e-3, 1e-5}) {
    auto const [small, slope] = loss_and_gradient(t);
    EXPECT_TRUE(std::isfinite(small)) << t;
    EXPECT_TRUE(at::isfinite(slope).all().item<bool>()) << t;
  }
}

TEST(Prototypes, MoveTowardsTheMeanDirectionOfTheirClass) {
  auto moved = prototypes(at::eye(3).narrow(0, 0, 2).clone(), {1, 1});
  // Two samples of class 1 with mean direction (1, 0, 1) / sqrt 2, length apart: alpha = 3/4.
  auto const f = at::tensor({1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F}).view({2, 3});
  moved.move(f, labels_of({1, 1}), 0.75);
  double const s = std::sqrt(0.5);
  auto const expected = at::tensor({s / 4, 0.75, s / 4}, at::kDouble) / std::sqrt(9.0 / 16 + 2 * s * s / 16);
  EXPECT_TRUE(at::equal(moved.value()[0], at::tensor({1.0F, 0.0F, 0.0F}))) << "class 0 is not in the batch";
  EXPECT_LT(relative_error(moved.value()[1], expected), 1e-6);
}

TEST(Prototypes, BeginAsUnitVectorsAndNoneIsSeen) {
  Prototypes drawn;
  auto generator = at::detail::createCPUGenerator(1);
  drawn.draw(5, at::zeros({1, 7}), generator);
  EXPECT_TRUE(at::allclose(drawn.value().norm(2, {1}), at::ones({5})));
  EXPECT_FALSE(drawn.seen().any().item<bool>());
  drawn.see(labels_of({3, 1, 3}));
  EXPECT_TRUE(at::equal(drawn.seen(), at::tensor({0, 1, 0, 1, 0}).to(at::kBool)));
}

TEST(Cope, ReplaysFromTheSecondStepAndMovesPrototypesAfterIt) {
  auto list = listed({{"kind", "cope"}, {"memory", 12}});
  auto const& cope = dynamic_cast<Cope const&>(*list.members()[0].strategy);
  auto probe = std::make_unique<test::Scripted>();
  int steps = 0;
  at::Tensor before;
  probe->on_observe = [&](StepContext& c) {
    EXPECT_EQ(c.batch.size(), steps++ == 0 ? 8 : 16);
    before = cope.prototypes().value().clone();
  };
  probe->on_after_step = [&](StepContext&) {
    EXPECT_FALSE(at::equal(cope.prototypes().value(), before));
    EXPECT_TRUE(at::allclose(cope.prototypes().value().norm(2, {1}), at::ones({4})));
  };
  list.add("probe", std::move(probe), 0);
  Rig rig(std::move(list));
  rig.trainer.run(toy::split_stream(false));
  EXPECT_EQ(steps, 20);
  auto const labels = cope.buffer().all().labels;
  for (std::int64_t c = 0; c < 4; ++c) EXPECT_EQ(labels.eq(c).sum().item<std::int64_t>(), 3) << "class " << c;
}

TEST(Cope, LeavesTheOutputLayerAlone) {
  Rig rig(listed({{"kind", "cope"}, {"memory", 12}}));
  auto const weight = [&] { return rig.learner->parameters().value(rig.segment("head.weight")).clone(); };
  auto const before = weight();
  auto const theta = rig.theta().clone();
  rig.trainer.run(toy::stream(1));
  EXPECT_TRUE(at::equal(weight(), before));
  EXPECT_FALSE(at::equal(rig.theta(), theta));
}

TEST(Cope, PredictsTheNearestPrototypeAmongTheClassesSeen) {
  Cope cope{CopeOptions()};
  Output const output{
      .logits = at::zeros({2, 3}), .features = at::tensor({3.0F, 4.0F, 2.0F, 0.0F}).view({2, 2}), .more = {}};
  EXPECT_FALSE(cope.predict(output, {}).defined()) << "nothing is known yet";
  Archive::Tensors const tensors = {{"prototypes/value", at::tensor({0.0F, 1.0F, 1.0F, 0.0F, 0.6F, 0.8F}).view({3, 2})},
                                    {"prototypes/seen", at::tensor({1, 1, 0}).to(at::kBool)}};
  Archive plain;
  cope.state(plain);
  auto both = plain.tensors();
  for (auto const& [name, tensor] : tensors) both[name] = tensor;
  auto values = plain.values();
  values.update({{"prototypes/value", true}, {"prototypes/seen", true}});
  Archive stored(both, values, "test");
  cope.state(stored);
  auto const scores = cope.predict(output, {});
  EXPECT_TRUE(at::equal(scores.argmax(1), labels_of({0, 1}))) << "class 2 is nearest to the first, but was never seen";
  EXPECT_NEAR(scores[0][0].item<double>(), 8, 1e-5);  // 0.8 / T
}

TEST(Cope, KeepsTheFirstTaskWhereNaiveForgetsIt) {
  auto options = RunRecipe::toy().train;
  options.epochs = 20;
  auto const first_task = [&](Json const& config) {
    Rig rig(listed(config), options);
    rig.trainer.run(toy::split_stream(false));
    return rig.trainer.matrix().values.back().front().value_or(0);
  };
  EXPECT_GT(first_task({{"kind", "cope"}, {"memory", 40}}), first_task("naive") + 0.3);
}

}  // namespace
}  // namespace mneme
