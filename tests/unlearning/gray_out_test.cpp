// Gray-out: if these fail, a re-implementation of Selective Amnesia is not the one that was published.
#include "mneme/unlearning/gray_out.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "mneme/core/seed.hpp"
#include "mneme/learners/cvae.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/unlearning/cvae_oracle.hpp"
#include "tests/unlearning/watched.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kRetained = 20, kReplayed = 8;  // of 40 samples in 4 classes two are asked for

Json setting(Json const& changes = Json::object()) {
  Json options = {
      {"kind", "gray-out"}, {"epochs", 2}, {"replay_samples", kReplayed}, {"fisher_samples", 20}, {"fisher_batch", 5}};
  options.update(changes);
  return options;
}
Request classes(std::vector<std::int64_t> list) {
  return {.name = "request", .classes = std::move(list), .samples = {}, .tasks = {}};
}
RandomStreams own_streams() { return RandomStreams(stream_seed(0, "strategy/gray-out")); }

using Graying = test::Forgetting<GrayOut>;

struct Mode {
  std::string name;
  double sign;  // of lambda / N (1/2 of it in `retain`) sum F d^2 in its gradient: -2, or +1
};

// Wrong: the term added in the seed mode or subtracted in the other, a 1/2 too many or too few, N the batch or the
// retained images alone, the gray term per pixel sum, towards another value or of a kept class.
TEST(GrayOut, TheGradientIsThatOfItsObjective) {
  constexpr double kLambda = 4000, kWeight = 3, kGray = 0.4;
  for (Mode const& mode : {Mode{"seed", -2}, Mode{"retain", 1}})
    for (std::string const scale : {"mean", "sum"}) {
      auto noise = RandomStreams(0).fresh("noise"), own = own_streams().fresh("gray");
      at::Tensor anchor;
      double share = 0;
      Json const options = {
          {"mode", mode.name}, {"lambda", kLambda}, {"gray_weight", kWeight}, {"gray", kGray}, {"clamp", 0}};
      Graying run(setting(options), scale, [&](StepContext& c, GrayOut const& strategy) {
        auto const n = c.batch.size();
        auto const epsilon = draw_normal({n, test::kLatent}, noise, at::kCPU);
        auto const which = draw_indices(2, 1, own, at::kCPU).item<std::int64_t>();
        auto const z = draw_normal({n, test::kLatent}, own, at::kCPU);
        if (!anchor.defined()) anchor = c.parameters().value().clone();
        Oracle const o(c.parameters());
        auto const gray = (test::decoded(o, z, at::full({n}, which == 0 ? 1 : 3, at::kLong)) - kGray).abs().mean();
        auto const loss = o.gradient(test::elbo(o, c.batch.x, c.batch.y(), epsilon).mean() + kWeight * gray);
        auto const f = strategy.quadratic().importance().to(at::kDouble);
        auto const distance = (c.parameters().value() - anchor).to(at::kDouble);
        auto const pull = mode.sign * kLambda / (kRetained + kReplayed) * f * distance;
        auto const expected = (loss + pull) * (scale == "sum" ? n : 1);
        EXPECT_LT(relative_error(c.parameters().grad(), expected), 1e-3) << mode.name << " " << scale;
        share = std::max(share, (pull.norm() / loss.norm()).item<double>());
      });
      run.trainer->forget(classes({1, 3}));
      EXPECT_GT(share, 0.05) << "this test would not see the Fisher term";
    }
}

// Wrong: of all classes, or of the other half; squares of single samples in place of those of batches.
TEST(GrayOut, FisherInformationIsOfBatchesOfTheClassesThatTheModeNames) {
  for (std::string const mode : {"seed", "retain"}) {
    at::Tensor found, expected;
    Graying run(setting({{"mode", mode}}), "mean",
                [&](StepContext&, GrayOut const& strategy) { found = strategy.quadratic().importance(); });
    {
      auto const all = toy::task("toy-0", 0).train;
      auto const asked = all.labels().eq(1).logical_or(all.labels().eq(3));
      auto const of = all.select((mode == "seed" ? asked : asked.logical_not()).nonzero().squeeze(1));
      auto noise = own_streams().fresh("fisher-noise");
      Oracle const o(run.learner->parameters());
      for (std::int64_t first = 0; first < 20; first += 5) {
        auto const epsilon = draw_normal({5, test::kLatent}, noise, at::kCPU);
        auto const loss = test::elbo(o, of.slice(first, 5), of.labels().narrow(0, first, 5), epsilon).mean();
        auto const square = o.gradient(loss).square() / 4;
        expected = expected.defined() ? expected + square : square;
      }
    }
    run.trainer->forget(classes({1, 3}));
    EXPECT_LT(relative_error(found, expected), 1e-4) << mode;
  }
}

// Wrong: images of the forgotten classes are trained on, or samples of them; samples of the model as it is by now.
TEST(GrayOut, TrainsOnRetainedImagesAndSamplesOfTheirClassesByTheModelAsItWas) {
  std::unique_ptr<Learner> before;
  int steps = 0;
  Graying run(setting(), "mean", [&](StepContext& c, GrayOut const&) {
    if (steps++ > 0) return;
    auto const& set = c.stage.data;
    ASSERT_EQ(set.size(), kRetained + kReplayed);
    auto const labels = set.labels();
    EXPECT_TRUE(labels.eq(0).logical_or(labels.eq(2)).all().item<bool>());
    auto const all = toy::task("toy-0", 0).train;
    auto const kept = all.select(all.labels().remainder(2).eq(0).nonzero().squeeze(1));
    EXPECT_TRUE(at::equal(set.data().narrow(0, 0, kRetained), kept.data()));
    auto stream = own_streams().fresh("replay/1");
    auto const drawn = at::tensor({0, 2}, at::kLong).index_select(0, draw_indices(2, kReplayed, stream, at::kCPU));
    EXPECT_TRUE(at::equal(labels.narrow(0, kRetained, kReplayed), drawn));
    auto const images = dynamic_cast<Conditional const&>(*before).sample_of(drawn, stream);
    EXPECT_TRUE(at::equal(set.data().narrow(0, kRetained, kReplayed), images.mul(255).round().to(at::kByte)));
  });
  before = run.learner->snapshot();
  run.trainer->forget(classes({1, 3}));
  EXPECT_EQ(steps, 2 * 4) << "two epochs over 28 rows in batches of 8";
}

// Wrong: a subtracted term without a bound drives the weights away for ever.
TEST(GrayOut, TheSubtractedTermHasNoGradientBeyondItsBound) {
  auto const weights = [](Json const& changes) {
    Graying run(setting(changes));
    run.trainer->forget(classes({1}));
    return run.learner->parameters().value().clone();
  };
  auto const without = weights({{"lambda", 0}});
  auto const moved = [&](Json const& changes) { return (weights(changes) - without).norm().item<double>(); };
  auto const free = moved({{"lambda", 40000}, {"clamp", 0}});
  EXPECT_LT(moved({{"lambda", 40000}, {"clamp", 1e-9}}), free / 2);
  EXPECT_EQ(moved({{"lambda", 40000}, {"clamp", 1e9}}), free) << "a bound that is not reached changes something";
  EXPECT_EQ(moved({{"lambda", 4000}, {"clamp", 1e-30}, {"mode", "retain"}}),
            moved({{"lambda", 4000}, {"clamp", 0}, {"mode", "retain"}}))
      << "what is added needs no bound";
}

TEST(GrayOut, RefusesSamplesAndTasksBeforeAnythingBegins) {
  auto stream = toy::stream(2);
  stream.events.emplace_back(Request{.name = "some", .classes = {}, .samples = {3, 4}, .tasks = {}});
  test::Rig rig(test::listed(setting()), RunRecipe::toy().train, "cvae");
  auto const message = message_of<ConfigError>([&] { rig.trainer.run(stream); });
  EXPECT_NE(message.find("gray-out forgets classes, and 'some' names none"), std::string::npos) << message;
  EXPECT_EQ(rig.trainer.steps(), 0);
}

TEST(GrayOut, AForgottenClassBecomesGrayAndTheOthersStay) {
  auto options = RunRecipe::toy().train;
  options.steps = 400;
  options.optimizer.learning_rate = 0.01;
  auto const learner = toy::learner("cvae", {{"hidden", 32}});
  Trainer trainer(*learner, test::listed(setting({{"epochs", 20}, {"gray_weight", 50}})), options, {}, 0);
  auto const task = toy::task("toy-0", 0, 200, 100);
  trainer.learn(task);
  auto const& model = dynamic_cast<Cvae const&>(*learner);
  auto const gray = [&](std::int64_t c) {
    auto noise = RandomStreams(1).fresh("noise");
    return model.sample_of(at::full({200}, c, at::kLong), noise).sub(0.5).abs().mean().item<double>();
  };
  std::vector<double> before;
  for (std::int64_t c = 0; c < toy::kClasses; ++c) before.push_back(gray(c));
  trainer.forget(classes({1}));
  EXPECT_LT(gray(1), 0.1);
  EXPECT_GT(before[1], 0.2);
  for (std::size_t const c : {0, 2, 3}) EXPECT_NEAR(gray(static_cast<std::int64_t>(c)), before[c], 0.05) << c;
}

}  // namespace
}  // namespace mneme
