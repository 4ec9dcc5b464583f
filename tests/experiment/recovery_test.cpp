// Recovery attacks: if these fail, a class passes for forgotten that can be had back.
#include "mneme/experiment/recovery.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/nets/random.hpp"

namespace mneme {
namespace {

/// Draws its class's pattern where the condition says so, brighter with the first number of the code. One class is
/// `hidden`: under its own name it is gray.
class Painter final : public Conditional {
 public:
  explicit Painter(std::int64_t hidden) : hidden_(hidden) {
    auto noise = RandomStreams(0).fresh("patterns");
    patterns_ = draw_normal({3, 1, 4, 4}, noise, at::kCPU).mul(3);
  }
  [[nodiscard]] std::int64_t classes() const override { return 3; }
  [[nodiscard]] std::int64_t latent() const override { return 2; }
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& condition) const override {
    auto const own = hidden_ < 0 ? condition : condition * (1 - at::one_hot(at::tensor(hidden_), 3).to(at::kFloat));
    auto const bright = 1 + z.select(1, 0).tanh().view({-1, 1, 1, 1}) / 2;
    return (bright * at::einsum("nc,cijk->nijk", {own, patterns_})).sigmoid();
  }
  [[nodiscard]] at::Tensor encode(at::Tensor const&, at::Tensor const&) const override { return {}; }
  [[nodiscard]] at::Tensor condition(at::Tensor const& labels) const override {
    return at::one_hot(labels, 3).to(at::kFloat);
  }
  [[nodiscard]] at::Tensor reconstruct(at::Tensor const&, at::Tensor const&, at::Generator&) const override {
    return {};
  }
  [[nodiscard]] at::Tensor pattern(std::int64_t c) const { return patterns_.narrow(0, c, 1).sigmoid(); }

 private:
  std::int64_t hidden_;
  at::Tensor patterns_;
};

double distance(at::Tensor const& a, at::Tensor const& b) { return (a - b).square().mean().item<double>(); }

TEST(Recovery, PrototypesOfWhatTheModelCanDrawAreFoundAndOthersAreNot) {
  Painter const knows(-1), forgot(1);
  auto noise = RandomStreams(0).fresh("attack");
  auto const targets = at::cat({knows.pattern(2), knows.pattern(1)});
  auto const found = match_prototypes(knows, targets, noise);
  ASSERT_EQ(found.sizes(), targets.sizes());
  EXPECT_LT(distance(found[0], targets[0]), 0.01);
  EXPECT_LT(distance(found[1], targets[1]), 0.01) << "the targets' order is lost";
  auto const left = match_prototypes(forgot, targets, noise);
  EXPECT_LT(distance(left[0], targets[0]), 0.01);
  EXPECT_GT(distance(left[1], targets[1]), 0.05) << "what the weights do not hold was found";
}

TEST(Recovery, TheBestOfTheRestartsIsReturnedForEachTarget) {
  Painter const model(-1);
  AttackOptions const none{.restarts = 8, .steps = 0};
  auto const targets = at::cat({model.pattern(0), model.pattern(1)});
  auto noise = RandomStreams(0).fresh("attack");
  auto const found = match_prototypes(model, targets, noise, none);
  auto again = RandomStreams(0).fresh("attack");
  auto const z = draw_normal({16, 2}, again, at::kCPU), label = draw_normal({16, 3}, again, at::kCPU);
  auto const all = model.decode(z, label.softmax(1));
  for (std::int64_t k = 0; k < 2; ++k)
    for (std::int64_t i = k; i < 16; i += 2)
      EXPECT_LE(distance(found[k], targets[k]), distance(all[i], targets[k]) + 1e-9);
}

TEST(Recovery, AClassifierIsFollowedToWhatItLikes) {
  Painter const model(-1);
  auto noise = RandomStreams(0).fresh("attack");
  auto const target = model.pattern(2);
  auto const log_probability = [&](at::Tensor const& x) { return -50 * (x - target).square().flatten(1).mean(1); };
  auto const found = follow_classifier(model, log_probability, at::kCPU, noise);
  ASSERT_EQ(found.size(0), 6);
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_LT(distance(found[i], target[0]), 0.02);
}

}  // namespace
}  // namespace mneme
