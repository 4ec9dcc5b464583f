// The conventions of EWC: if these fail, a published lambda means something else here than where it was published.
#include "mneme/strategies/ewc_convention.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/frozen_run.hpp"

namespace mneme {
namespace {

using test::FrozenRun;
using test::hash_of;
using test::listed;

Json ewc(std::string const& convention, Json more = Json::object()) {
  Json options = {{"kind", "ewc"}, {"convention", convention}, {"lambda", 10.0}, {"samples", 0}, {"batch", 2}};
  options.update(more);
  return options;
}

// With p = (3/4, 1/4), d(-log p(y))/d logits is (-1, 1)/4 for y = 0 and (3, -3)/4 for y = 1. The hidden unit is 1 and
// reaches logit 0 with weight 2: its gradient is twice the first of these, and that of fc1.weight twice that times x.
/// [fc1.weight, fc1.bias, head.weight, head.bias] from the squares for a weight behind x_0, behind x_1 and a bias.
at::Tensor row(double x0, double x1, double bias) {
  return at::tensor({4 * x0, 4 * x1, 4 * bias, bias, bias, bias, bias}, at::kDouble);
}

struct Case {
  std::string convention;
  at::Tensor fisher;
  double factor;  // of lambda F (theta - anchor)
};

std::vector<Case> cases() {
  // Squares by label: 1/16 for y = 0, 9/16 for y = 1; over all labels p_0 p_1 = 3/16. x_0^2 = 1, 9, 1; x_1^2 = 4, 0, 4.
  return {
      {"van-de-ven", row(3.0 / 16 * 11 / 2, 3.0 / 16 * 8 / 2, 3.0 / 16 * 3 / 2), 1},  // over N - 1 = 2
      // Weighted by p(y|x): 3/64, 9/64, 3/64; over two batches of 2, the second of them half empty.
      {"mammoth", row((3 + 81 + 3) / 64.0 / 4, (12 + 12) / 64.0 / 4, 15 / 64.0 / 4), 2},
      // Mean gradients: of the first batch (-(1, 2) + 3 (3, 0)) / 4 / 2 = (1, -1/4), bias 1/4; of the second
      // (-1/4, 1/2), bias -1/4.
      {"avalanche", row((1 + 1.0 / 16) / 2, (1.0 / 16 + 1.0 / 4) / 2, 1.0 / 16), 2},
  };
}

// Wrong: estimator, divisor or factor of a convention.
TEST(EwcConvention, FisherAndFactorAreTheHandComputedOnes) {
  for (auto const& [convention, fisher, factor] : cases()) {
    SCOPED_TRACE(convention);
    FrozenRun run(ewc(convention, {{"mode", convention == "mammoth" ? "online" : "separate"}}));
    EXPECT_LT(relative_error(run.importance(), fisher), 1e-5);
    EXPECT_LT(relative_error(run.importance(), 2 * fisher), 1e-5) << "two tasks add up";
    EXPECT_LT(relative_error(run.pull(), 10 * factor * 2 * fisher), 1e-4);
  }
}

// Wrong: the head is held, the label is the data's, samples that do not fill a batch count, or the old Fisher is added
// whole.
TEST(EwcConvention, OfFacilBlendsWithoutTheHead) {
  FrozenRun run(ewc("facil", {{"batch", 3}}));
  // The most probable label is 0 everywhere: the mean gradient is -2/4 (5/3, 0) for fc1.weight, -2/4 for fc1.bias.
  auto const fisher = at::tensor({25.0 / 36, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0}, at::kDouble);
  EXPECT_LT(relative_error(run.importance(), 0.5 * fisher), 1e-5) << "from zero";
  EXPECT_LT(relative_error(run.importance(), 0.75 * fisher), 1e-5);  // 1/2 of 1/2, and 1/2
  EXPECT_LT(relative_error(run.pull(), 10 * 0.75 * fisher), 1e-4);

  FrozenRun quarter(ewc("facil", {{"batch", 3}, {"alpha", 0.25}}));
  EXPECT_LT(relative_error(quarter.importance(), 0.75 * fisher), 1e-5) << "alpha is the old Fisher's share";
  EXPECT_LT(relative_error(quarter.importance(), (0.25 * 0.75 + 0.75) * fisher), 1e-5);

  FrozenRun pairs(ewc("facil"));  // two of the three samples: means of x are (2, 1), (1, 0) or (2, -1)
  auto const found = (2 * pairs.importance()).to(at::kDouble);
  auto const first = at::tensor({1.0, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0}, at::kDouble);
  auto const second = at::tensor({0.25, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0}, at::kDouble);
  EXPECT_TRUE(at::allclose(found, first) || at::allclose(found, second)) << found;
}

// Wrong: gamma decays the sum only.
TEST(EwcConvention, OfVanDeVenPutsGammaIntoThePenaltyToo) {
  FrozenRun run(ewc("van-de-ven", {{"mode", "online"}, {"gamma", 0.5}}));
  auto const fisher = cases()[0].fisher;
  static_cast<void>(run.importance());
  EXPECT_LT(relative_error(run.importance(), 1.5 * fisher), 1e-5);
  EXPECT_LT(relative_error(run.pull(), 10 * 0.5 * 1.5 * fisher), 1e-4);
}

// Wrong: the rules by which a published lambda is converted do not hold.
TEST(EwcConvention, EqualsTheCanonicalFormWithAConvertedLambda) {
  auto const canonical = [](double lambda, std::string const& labels, std::string const& mode) {
    return ewc("mneme", {{"lambda", lambda}, {"labels", labels}, {"mode", mode}, {"batch", 20}});
  };
  auto const theirs = [](std::string const& convention) { return ewc(convention, {{"batch", 20}}); };
  EXPECT_EQ(hash_of(listed(theirs("avalanche"))), hash_of(listed(canonical(20, "batch", "separate"))));
  EXPECT_EQ(hash_of(listed(theirs("mammoth"))), hash_of(listed(canonical(20, "weighted", "online"))));
  EXPECT_EQ(hash_of(listed(theirs("mneme"))), hash_of(listed(canonical(10, "sampled", "separate"))));
  EXPECT_NE(hash_of(listed(theirs("van-de-ven"))), hash_of(listed(canonical(10, "all", "separate")))) << "N - 1";
  EXPECT_NE(hash_of(listed(theirs("avalanche"))), hash_of(listed(theirs("facil"))));
}

TEST(EwcConvention, RefusesWhatContradictsIt) {
  auto const refusal = [](Json const& options) {
    return message_of<ConfigError>([&] { static_cast<void>(listed(options)); });
  };
  test::expect_mentions(refusal(ewc("avalanche", {{"labels", "sampled"}})),
                        {"avalanche", "labels", "batch", "sampled"});
  test::expect_mentions(refusal(ewc("mammoth", {{"mode", "separate"}})), {"mammoth", "mode", "online", "separate"});
  test::expect_mentions(refusal(ewc("facil", {{"mode", "online"}})), {"facil", "blend"});
  test::expect_mentions(refusal(ewc("pytorch")), {"avalanche", "van-de-ven"});
  EXPECT_NO_THROW(listed(ewc("avalanche", {{"labels", "batch"}, {"mode", "online"}}))) << "said twice";
  EXPECT_NO_THROW(listed(ewc("van-de-ven", {{"labels", "sampled"}}))) << "an option of theirs";
}

}  // namespace
}  // namespace mneme
