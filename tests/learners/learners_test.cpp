// Learners: if these fail, a loss or a reported figure is not what its name says.
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/learners/classifier.hpp"
#include "mneme/learners/vae.hpp"
#include "mneme/nets/mlp.hpp"
#include "mneme/testing/gradient_check.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

Batch toy_batch(std::int64_t n = 12) {
  auto const data = toy::images("toy-0", n);
  return {data.slice(0, n), data.labels()};
}

TEST(Learners, GradientEqualsDifferencesOfTheLoss) {
  for (auto const& [kind, options] : std::vector<std::pair<std::string, Json>>{
           {"classifier", Json::object()},
           {"classifier", {{"net", {{"kind", "cnn"}, {"channels1", 2}, {"channels2", 3}, {"hidden", 5}}}}},
           {"vae", Json::object()},
           {"cvae", Json::object()},
           {"progressive-vae", Json::object()},
           {"progressive-cvae", Json::object()},
           {"generative-classifier", Json::object()},
           {"rtf", Json::object()},
           {"bi-r", Json::object()}}) {
    auto const learner = toy::learner(kind, options);
    auto const check =
        check_gradient(*learner, toy_batch(kind == "classifier" ? 12 : 200), 3);  // a VAE has many kinks: average them
    EXPECT_LT(check.worst, 0.02) << kind << " " << options << " at " << check.segment;
  }
}

TEST(Learners, GradientIntoAnotherRowEqualsAStepsAndLeavesTheArenas) {
  auto const learner = toy::learner("vae");
  auto& arena = learner->parameters();
  auto const batch = toy_batch();
  static_cast<void>(check_gradient(*learner, batch, 3));
  auto const own = arena.grad().clone();
  auto const row = arena.new_row();
  auto noise = RandomStreams(3).fresh("noise");
  learner->gradient(batch, row, noise);
  EXPECT_TRUE(at::equal(row, own));
  arena.grad().zero_();
  auto again = RandomStreams(3).fresh("noise");
  learner->gradient(batch, row, again);
  EXPECT_EQ(arena.grad().abs().sum().item<float>(), 0);
}

TEST(Learners, SnapshotHasTheSameValuesInMemoryOfItsOwn) {
  for (auto const* kind :
       {"classifier", "vae", "cvae", "progressive-vae", "progressive-cvae", "generative-classifier", "rtf", "bi-r"}) {
    auto const learner = toy::learner(kind);
    auto const copy = learner->snapshot();
    EXPECT_TRUE(at::equal(copy->parameters().value(), learner->parameters().value()));
    learner->parameters().value().add_(1);
    EXPECT_FALSE(at::equal(copy->parameters().value(), learner->parameters().value()));
  }
}

TEST(Learners, SnapshotOfAGrownLearnerHasItsShape) {
  auto const learner = toy::learner();
  auto& arena = learner->parameters();
  arena.resize(arena.find("head.weight"), {6, 8});
  arena.resize(arena.find("head.bias"), {6});
  arena.value(arena.find("head.bias")).fill_(0.25);
  auto const copy = learner->snapshot();
  EXPECT_TRUE(at::equal(copy->parameters().value(), arena.value()));
  auto noise = RandomStreams(0).fresh("noise");
  EXPECT_EQ(copy->forward(toy_batch(), {}, noise).logits.size(1), 6);
}

TEST(Classifier, FiguresAreSumsOfHitsAndNats) {
  Classifier learner([](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 2, Shape{}, 2); }, at::kCPU,
                     nullptr);
  Batch const batch(at::tensor({1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F}).view({3, 2}), at::tensor({0, 1, 1}, at::kLong));
  learner.parameters().value(0).copy_(at::eye(2));  // logits are the inputs
  auto noise = RandomStreams(0).fresh("noise");
  auto const sums = learner.measure(batch, learner.forward(batch, {}, noise));
  EXPECT_EQ(sums[0].item<double>(), 2) << "rows 0 and 1 are right; a tie goes to the first class";
  double const sure = std::log(1 + std::exp(-1.0));
  EXPECT_NEAR(sums[1].item<double>(), 2 * sure + std::log(2.0), 1e-6);
}

TEST(Classifier, WeightsAndActiveClassesEnterTheLoss) {
  Classifier learner([](ParameterArena& arena) { return std::make_unique<Mlp>(arena, 1, Shape{}, 3); }, at::kCPU,
                     nullptr);
  Batch batch(at::zeros({2, 1}), at::tensor({0, 1}, at::kLong));  // all logits 0
  auto noise = RandomStreams(0).fresh("noise");
  auto const loss = [&] {
    return learner.loss(learner.phases().front(), batch, learner.forward(batch, {}, noise)).item<double>();
  };
  EXPECT_NEAR(loss(), std::log(3.0), 1e-6);
  batch.active = at::ones({2}, at::kBool);
  EXPECT_NEAR(loss(), std::log(2.0), 1e-6) << "an inactive output still takes part in the softmax";
  learner.parameters().value(1).copy_(at::tensor({1.0F, 0.0F, 0.0F}));
  batch.weight = at::tensor({3.0F, 1.0F});
  double const zero = std::log(1 + std::exp(-1.0)), one = std::log(1 + std::exp(1.0));
  EXPECT_NEAR(loss(), (3 * zero + one) / 4, 1e-6);
}

TEST(Vae, HasTheStudysParameters) {
  Vae const vae({1, 28, 28}, {}, at::kCPU, nullptr);
  EXPECT_EQ(vae.parameters().size(), 652'824);
  VaeOptions const deep{.hidden = 7, .latent = 3, .layers = 3};
  EXPECT_EQ(Vae({1, 6, 6}, deep, at::kCPU, nullptr).parameters().size(), deep.parameters(36));
  // 36-7-7-7-(3, 3) and 3-7-7-7-36
  EXPECT_EQ(deep.parameters(36), (37 * 7 + 2 * 8 * 7 + 2 * 8 * 3) + (4 * 7 + 2 * 8 * 7 + 8 * 36));
}

TEST(Vae, LossAndGradientEqualAFloat64OracleWithTheSameNoise) {
  auto const learner = toy::learner("vae");
  auto const batch = toy_batch();
  auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise");
  auto const row = learner->parameters().new_row();
  learner->gradient(batch, row, noise);
  auto const epsilon = at::empty({12, 2}).normal_(0, 1, same).to(at::kDouble);
  Oracle const o(learner->parameters());
  auto const x = batch.x.flatten(1).to(at::kDouble);
  auto const h = o.linear("encoder.fc1", x).relu();
  auto const mu = o.linear("encoder.mu", h), logvar = o.linear("encoder.logvar", h);
  auto const p =
      o.linear("decoder.pixels", o.linear("decoder.fc1", mu + (logvar / 2).exp() * epsilon).relu()).sigmoid();
  auto const bce = -(x * p.log() + (1 - x) * (1 - p).log()).sum(1);
  auto const kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1);
  auto const loss = (bce + kl).mean();
  EXPECT_LT(relative_error(row, o.gradient(loss)), 1e-5);

  auto again = RandomStreams(3).fresh("noise");
  auto const sums = learner->measure(batch, learner->forward(batch, {}, again));
  EXPECT_NEAR(sums[0].item<double>() / 12, loss.item<double>(), 1e-3);
  EXPECT_NEAR(sums[1].item<double>(), bce.sum().item<double>(), 1e-2);
  EXPECT_NEAR(sums[2].item<double>(), kl.sum().item<double>(), 1e-2);
  EXPECT_NEAR(sums[3].item<double>(), (p - x).square().sum().item<double>(), 1e-2);
}

TEST(Vae, RefusesDataThatItsDecoderDoesNotModel) {
  auto const learner = toy::learner("vae");
  auto const labels = at::zeros({2}, at::kLong);
  auto const set = [&](double value) { return Dataset("own", at::full({2, 1, 6, 6}, value), labels, {}); };
  EXPECT_NO_THROW(learner->check(set(1)));
  EXPECT_NO_THROW(learner->check(toy::images("toy-0", 4)));
  for (double const value : {-0.1, 1.5, std::nan("")}) EXPECT_THROW(learner->check(set(value)), DataError) << value;
}

TEST(Vae, SamplesAndReconstructionsAreImages) {
  auto const learner = toy::learner("vae");
  auto& vae = dynamic_cast<Vae&>(*learner);
  auto noise = RandomStreams(0).fresh("noise");
  auto const images = vae.sample(3, noise);
  EXPECT_EQ(images.sizes(), (std::vector<std::int64_t>{3, 1, 6, 6}));
  auto const again = vae.reconstruct(images, noise);
  EXPECT_EQ(again.sizes(), images.sizes());
  EXPECT_TRUE((at::cat({images, again}) > 0).logical_and(at::cat({images, again}) < 1).all().item<bool>());
}

TEST(LearnerTable, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(static_cast<void>(toy::learner("classifer")), ConfigError);
  EXPECT_THROW(static_cast<void>(toy::learner("classifier", {{"net", 3}})), ConfigError);
  EXPECT_THROW(static_cast<void>(toy::learner("classifier", {{"nett", "mlp"}})), ConfigError);
  EXPECT_THROW(static_cast<void>(toy::learner("vae", {{"hidden", 0}})), ConfigError);
}

}  // namespace
}  // namespace mneme
